//! A value in a stored document: a type code, then its bytes.

use crate::bytes::{Cursor, Malformed, Parsed};
use crate::store::StoreVersion;

pub mod type_code {
    pub const TEXT: u8 = 0;
    pub const U64: u8 = 1;
    pub const I64: u8 = 2;
    pub const FACET: u8 = 3;
    pub const BYTES: u8 = 4;
    pub const DATE: u8 = 5;
    pub const F64: u8 = 6;
    pub const EXTENDED: u8 = 7;
    pub const JSON: u8 = 8;
    pub const BOOL: u8 = 9;
    pub const IP: u8 = 10;
    pub const NULL: u8 = 11;
    pub const ARRAY: u8 = 12;
    pub const OBJECT: u8 = 13;
    /// The only extended type: text with its tokens, as JSON.
    pub const EXTENDED_TOKENIZED_TEXT: u8 = 0;
}

pub fn type_name(code: u8) -> &'static str {
    match code {
        type_code::TEXT => "text",
        type_code::U64 => "u64",
        type_code::I64 => "i64",
        type_code::FACET => "facet",
        type_code::BYTES => "bytes",
        type_code::DATE => "date",
        type_code::F64 => "f64",
        type_code::EXTENDED => "tokenized text",
        type_code::JSON | type_code::OBJECT => "json",
        type_code::BOOL => "bool",
        type_code::IP => "ip",
        type_code::NULL => "null",
        type_code::ARRAY => "array",
        _ => "unknown",
    }
}

pub fn date_nanos(cursor: &mut Cursor<'_>, version: StoreVersion) -> Parsed<i64> {
    let stored = cursor.i64()?;
    match version {
        StoreVersion::V2 => Ok(stored),
        StoreVersion::V1 => stored
            .checked_mul(1000)
            .ok_or(Malformed("a date in microseconds does not fit nanoseconds")),
    }
}

/// Tantivy stores floats as integers that sort alike.
pub fn f64_from_ordered(bits: u64) -> f64 {
    const SIGN: u64 = 1 << 63;
    f64::from_bits(if bits & SIGN != 0 { bits ^ SIGN } else { !bits })
}

/// Steps over a value of any type. Arrays and objects nest without limit, so their depth is counted, not recursed into.
pub fn skip_value(code: u8, cursor: &mut Cursor<'_>) -> Parsed<()> {
    let mut code = code;
    let mut pending = 0u64;
    loop {
        match code {
            type_code::TEXT | type_code::FACET | type_code::BYTES | type_code::JSON => {
                cursor.blob()?;
            }
            type_code::U64 | type_code::I64 | type_code::DATE | type_code::F64 => {
                cursor.take(8)?;
            }
            type_code::BOOL => {
                cursor.take(1)?;
            }
            type_code::IP => {
                cursor.take(16)?;
            }
            type_code::NULL => {}
            type_code::EXTENDED => {
                if cursor.u8()? != type_code::EXTENDED_TOKENIZED_TEXT {
                    return Err(Malformed("a value has an unknown extended type"));
                }
                cursor.blob()?;
            }
            // Both are a count of values; an object's are keys and values in turn.
            type_code::ARRAY | type_code::OBJECT => {
                let elements = cursor.vint()?;
                if elements > cursor.rest().len() as u64 {
                    return Err(Malformed("an array is longer than its document"));
                }
                pending += elements;
            }
            _ => return Err(Malformed("a value has an unknown type")),
        }
        if pending == 0 {
            return Ok(());
        }
        pending -= 1;
        code = cursor.u8()?;
    }
}
