//! Stored documents, straight from their bytes into columns.

use crate::bytes::{Cursor, Malformed, Parsed};
use crate::store::StoreVersion;
use crate::stored_value::{date_nanos, f64_from_ordered, skip_value, type_code};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    I64,
    U64,
    F64,
    Bool,
    Date,
    Bytes,
    Text,
}

impl ColumnType {
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::I64 => "i64",
            ColumnType::U64 => "u64",
            ColumnType::F64 => "f64",
            ColumnType::Bool => "bool",
            ColumnType::Date => "date",
            ColumnType::Bytes => "bytes",
            ColumnType::Text => "text",
        }
    }

    pub fn from_name(name: &str) -> Option<ColumnType> {
        Some(match name {
            "i64" => ColumnType::I64,
            "u64" => ColumnType::U64,
            "f64" => ColumnType::F64,
            "bool" => ColumnType::Bool,
            "date" => ColumnType::Date,
            "bytes" => ColumnType::Bytes,
            "text" => ColumnType::Text,
            _ => return None,
        })
    }

    /// What a row costs in the column itself, beside the bytes of its blob.
    fn row_width(self) -> usize {
        match self {
            ColumnType::I64 | ColumnType::U64 | ColumnType::F64 | ColumnType::Date => 8,
            ColumnType::Bool => 1,
            ColumnType::Bytes | ColumnType::Text => 4,
        }
    }
}

#[derive(Debug)]
pub enum Values {
    I64(Vec<i64>),
    U64(Vec<u64>),
    F64(Vec<f64>),
    Bool(Vec<u8>),
    /// `offsets` has one entry more than there are rows.
    Blob {
        data: Vec<u8>,
        offsets: Vec<u32>,
    },
}

#[derive(Debug)]
pub struct Column {
    pub kind: ColumnType,
    pub values: Values,
    rows: usize,
    /// Bit `i & 7` of byte `i >> 3` is set when row `i` has no value; empty until the first such row.
    nulls: Vec<u8>,
}

impl Column {
    fn new(kind: ColumnType, capacity: usize) -> Column {
        let values = match kind {
            ColumnType::I64 | ColumnType::Date => Values::I64(Vec::with_capacity(capacity)),
            ColumnType::U64 => Values::U64(Vec::with_capacity(capacity)),
            ColumnType::F64 => Values::F64(Vec::with_capacity(capacity)),
            ColumnType::Bool => Values::Bool(Vec::with_capacity(capacity)),
            ColumnType::Bytes | ColumnType::Text => {
                let mut offsets = Vec::with_capacity(capacity + 1);
                offsets.push(0);
                Values::Blob {
                    data: Vec::new(),
                    offsets,
                }
            }
        };
        Column {
            kind,
            values,
            rows: 0,
            nulls: Vec::new(),
        }
    }

    fn push_null(&mut self) {
        match &mut self.values {
            Values::I64(values) => values.push(0),
            Values::U64(values) => values.push(0),
            Values::F64(values) => values.push(0.0),
            Values::Bool(values) => values.push(0),
            Values::Blob { data, offsets } => offsets.push(data.len() as u32),
        }
        let byte = self.rows >> 3;
        if self.nulls.len() <= byte {
            self.nulls.resize(byte + 1, 0);
        }
        self.nulls[byte] |= 1 << (self.rows & 7);
        self.rows += 1;
    }

    fn blob_len(&self) -> usize {
        match &self.values {
            Values::Blob { data, .. } => data.len(),
            _ => 0,
        }
    }

    /// The bitmap at full length, or nothing when every row has a value.
    pub fn take_nulls(&mut self) -> Option<Vec<u8>> {
        if self.nulls.is_empty() {
            return None;
        }
        let mut nulls = std::mem::take(&mut self.nulls);
        nulls.resize(self.rows.div_ceil(8), 0);
        Some(nulls)
    }

    /// Reads the value that `cursor` stands on, of type `code`. `false` if that type cannot be in this column.
    #[inline]
    fn push(&mut self, code: u8, cursor: &mut Cursor<'_>, version: StoreVersion) -> Parsed<bool> {
        match (&mut self.values, self.kind, code) {
            (Values::I64(values), ColumnType::I64, type_code::I64) => values.push(cursor.i64()?),
            (Values::I64(values), ColumnType::Date, type_code::DATE) => {
                values.push(date_nanos(cursor, version)?);
            }
            (Values::U64(values), _, type_code::U64) => values.push(cursor.u64()?),
            (Values::F64(values), _, type_code::F64) => {
                values.push(f64_from_ordered(cursor.u64()?))
            }
            (Values::Bool(values), _, type_code::BOOL) => values.push(match cursor.u8()? {
                bit @ (0 | 1) => bit,
                _ => return Err(Malformed("a boolean is neither 0 nor 1")),
            }),
            (Values::Blob { data, offsets }, ColumnType::Bytes, type_code::BYTES) => {
                push_blob(data, offsets, cursor.blob()?)?;
            }
            (Values::Blob { data, offsets }, ColumnType::Text, type_code::TEXT) => {
                let text = cursor.blob()?;
                if std::str::from_utf8(text).is_err() {
                    return Err(Malformed("a text is not UTF-8"));
                }
                push_blob(data, offsets, text)?;
            }
            (_, _, type_code::NULL) => {
                self.push_null();
                return Ok(true);
            }
            _ => return Ok(false),
        }
        self.rows += 1;
        Ok(true)
    }
}

fn push_blob(data: &mut Vec<u8>, offsets: &mut Vec<u32>, value: &[u8]) -> Parsed<()> {
    let end = u32::try_from(data.len() + value.len())
        .map_err(|_| Malformed("a batch's blob would pass 4 GiB"))?;
    data.extend_from_slice(value);
    offsets.push(end);
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiValued {
    Error,
    First,
}

/// Why a document could not become a row.
#[derive(Debug, PartialEq, Eq)]
pub enum RowError {
    Malformed(&'static str),
    /// The column (by its place among the selected ones) that met a value of this type code.
    WrongType(usize, u8),
    /// The column that met a second value.
    MultiValued(usize),
}

impl From<Malformed> for RowError {
    fn from(Malformed(what): Malformed) -> Self {
        RowError::Malformed(what)
    }
}

const NOT_SELECTED: u16 = u16::MAX;

/// Collects rows of the selected fields.
pub struct Batch {
    pub columns: Vec<Column>,
    rows: usize,
    row_width: usize,
    blob_bytes: usize,
    /// Field id to place in `columns`.
    slots: Vec<u16>,
}

impl Batch {
    /// `fields` are the ids of the selected fields, in the order of the columns; room is made for `capacity` rows.
    pub fn new(fields: &[(u32, ColumnType)], num_fields: usize, capacity: usize) -> Batch {
        let mut slots = vec![NOT_SELECTED; num_fields];
        for (place, (field, _)) in fields.iter().enumerate() {
            slots[*field as usize] = place as u16;
        }
        Batch {
            columns: fields
                .iter()
                .map(|(_, kind)| Column::new(*kind, capacity))
                .collect(),
            rows: 0,
            blob_bytes: 0,
            row_width: fields.iter().map(|(_, kind)| kind.row_width()).sum(),
            slots,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn num_bytes(&self) -> usize {
        self.rows * self.row_width + self.blob_bytes
    }

    /// Appends a stored document as a row.
    pub fn push_doc(
        &mut self,
        doc: &[u8],
        version: StoreVersion,
        multi_valued: MultiValued,
    ) -> Result<(), RowError> {
        let mut cursor = Cursor::new(doc);
        let values = cursor.vint()?;
        for _ in 0..values {
            let field = cursor.u32()? as usize;
            let code = cursor.u8()?;
            let slot = *self.slots.get(field).ok_or(Malformed(
                "a value belongs to a field that the schema does not have",
            ))?;
            if slot == NOT_SELECTED {
                skip_value(code, &mut cursor)?;
                continue;
            }
            let slot = slot as usize;
            let column = &mut self.columns[slot];
            if column.rows > self.rows {
                if multi_valued == MultiValued::Error {
                    return Err(RowError::MultiValued(slot));
                }
                skip_value(code, &mut cursor)?;
            } else {
                let before = column.blob_len();
                if !column.push(code, &mut cursor, version)? {
                    return Err(RowError::WrongType(slot, code));
                }
                self.blob_bytes += column.blob_len() - before;
            }
        }
        if !cursor.is_empty() {
            return Err(RowError::Malformed(
                "a document has bytes after its last value",
            ));
        }
        self.rows += 1;
        for column in &mut self.columns {
            if column.rows < self.rows {
                column.push_null();
            }
        }
        Ok(())
    }
}

/// The first value of a numeric field, as a number that sorts like it; `None` if the document has none.
pub fn sort_key(
    doc: &[u8],
    field: u32,
    kind: ColumnType,
    version: StoreVersion,
) -> Result<Option<u64>, RowError> {
    let mut cursor = Cursor::new(doc);
    let values = cursor.vint()?;
    for _ in 0..values {
        let this_field = cursor.u32()?;
        let code = cursor.u8()?;
        if this_field != field {
            skip_value(code, &mut cursor)?;
            continue;
        }
        return match (kind, code) {
            (ColumnType::I64, type_code::I64) => Ok(Some(ordered_i64(cursor.i64()?))),
            (ColumnType::Date, type_code::DATE) => {
                Ok(Some(ordered_i64(date_nanos(&mut cursor, version)?)))
            }
            (ColumnType::U64, type_code::U64) => Ok(Some(cursor.u64()?)),
            (_, type_code::NULL) => Ok(None),
            _ => Err(RowError::WrongType(0, code)),
        };
    }
    Ok(None)
}

pub fn ordered_i64(value: i64) -> u64 {
    (value as u64) ^ (1 << 63)
}
