//! Stored documents, from their bytes into documents that can be written again.

use std::net::Ipv6Addr;

use tantivy::schema::{Facet, Field};
use tantivy::{DateTime, TantivyDocument};

use crate::bytes::{Cursor, Malformed};
use crate::columns::RowError;
use crate::store::StoreVersion;
use crate::stored_value::{date_nanos, f64_from_ordered, type_code};

/// All values of a document, several for a field included. JSON and text stored with its tokens are refused.
pub fn stored_document(
    doc: &[u8],
    num_fields: usize,
    version: StoreVersion,
) -> Result<TantivyDocument, RowError> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| Malformed("a text is not UTF-8"));
    let mut document = TantivyDocument::default();
    let mut cursor = Cursor::new(doc);
    let values = cursor.vint()?;
    for _ in 0..values {
        let field_id = cursor.u32()?;
        if field_id as usize >= num_fields {
            return Err(
                Malformed("a value belongs to a field that the schema does not have").into(),
            );
        }
        let field = Field::from_field_id(field_id);
        match cursor.u8()? {
            type_code::TEXT => document.add_text(field, text(cursor.blob()?)?),
            type_code::U64 => document.add_u64(field, cursor.u64()?),
            type_code::I64 => document.add_i64(field, cursor.i64()?),
            type_code::F64 => document.add_f64(field, f64_from_ordered(cursor.u64()?)),
            type_code::BOOL => document.add_bool(field, cursor.u8()? != 0),
            type_code::BYTES => document.add_bytes(field, cursor.blob()?),
            type_code::DATE => {
                let nanos = date_nanos(&mut cursor, version)?;
                document.add_date(field, DateTime::from_timestamp_nanos(nanos));
            }
            type_code::FACET => {
                let facet = Facet::from_encoded(cursor.blob()?.to_vec())
                    .map_err(|_| Malformed("a facet is not UTF-8"))?;
                document.add_facet(field, facet);
            }
            type_code::IP => {
                let address = Ipv6Addr::from(cursor.u128()?);
                document.add_ip_addr(field, address);
            }
            type_code::NULL => {}
            other => return Err(RowError::WrongType(field_id as usize, other)),
        }
    }
    if !cursor.is_empty() {
        return Err(Malformed("a document has bytes after its last value").into());
    }
    Ok(document)
}
