//! Writes new indexes, in memory, with Tantivy's own writer.

use std::collections::BTreeMap;
use std::path::Path;

use tantivy::directory::{Directory, RamDirectory};
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy, SingleSegmentIndexWriter};
use tantivy::schema::{
    BytesOptions, DateOptions, DateTimePrecision, Field, IndexRecordOption, NumericOptions, Schema,
    TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{DateTime, Index, IndexSettings, IndexWriter, TantivyDocument, TantivyError};

use crate::columns::{ColumnType, Values};
use crate::document::stored_document;
use crate::error::{Code, Failure, Outcome};
use crate::files::{MANAGED_FILE, META_FILE};
use crate::index::OpenIndex;
use crate::read::row_failure;

pub struct FieldSpec {
    pub name: String,
    pub kind: ColumnType,
    pub indexed: bool,
    pub stored: bool,
    pub fast: bool,
    /// For indexed text.
    pub tokenizer: Option<String>,
    /// For dates.
    pub precision: Option<DateTimePrecision>,
}

pub struct InputColumn {
    /// Place of the field in the schema.
    pub field: u32,
    pub values: Values,
    pub nulls: Option<Vec<u8>>,
}

/// Where a merge's term table starts to grow from; it takes what it needs beyond.
const MERGE_MEMORY_BUDGET: usize = 16 << 20;

pub type FileMap = BTreeMap<String, Vec<u8>>;

pub struct Builder {
    directory: RamDirectory,
    index: Index,
    writer: IndexWriter,
    kinds: Vec<(String, ColumnType)>,
}

fn writing(error: TantivyError) -> Failure {
    Failure {
        code: Code::Write,
        message: error.to_string(),
        file: None,
    }
}

impl Builder {
    pub fn create(fields: Vec<FieldSpec>, memory_budget: usize) -> Outcome<Builder> {
        let kinds = fields
            .iter()
            .map(|field| (field.name.clone(), field.kind))
            .collect();
        let tokenizers = TokenizerManager::default();
        if let Some((field, tokenizer)) = fields
            .iter()
            .filter_map(|field| Some((field, field.tokenizer.as_deref()?)))
            .find(|(_, tokenizer)| tokenizers.get(tokenizer).is_none())
        {
            let what = format!("field '{}': no tokenizer '{tokenizer}'", field.name);
            return Err(Failure::new(Code::Schema, what));
        }
        let schema = schema_of(fields)?;
        let directory = RamDirectory::create();
        let index =
            Index::create(directory.clone(), schema, IndexSettings::default()).map_err(writing)?;
        // One worker and no merging: a segment holds what was added between two commits, in that order.
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(memory_budget)
            .build();
        let writer: IndexWriter =
            index
                .writer_with_options(options)
                .map_err(|error| match error {
                    TantivyError::InvalidArgument(what) => Failure::new(Code::InvalidArg, what),
                    other => writing(other),
                })?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(Builder {
            directory,
            index,
            writer,
            kinds,
        })
    }

    pub fn add(&mut self, num_docs: usize, columns: &[InputColumn]) -> Outcome<()> {
        for column in columns {
            let (name, kind) = self
                .kinds
                .get(column.field as usize)
                .ok_or_else(|| Failure::new(Code::InvalidArg, "a column has no field"))?;
            column.check(name, *kind, num_docs)?;
        }
        for row in 0..num_docs {
            let mut document = TantivyDocument::default();
            for column in columns {
                if column.is_null(row) {
                    continue;
                }
                let field = Field::from_field_id(column.field);
                let (_, kind) = &self.kinds[column.field as usize];
                match &column.values {
                    Values::I64(values) if *kind == ColumnType::Date => {
                        document.add_date(field, DateTime::from_timestamp_nanos(values[row]));
                    }
                    Values::I64(values) => document.add_i64(field, values[row]),
                    Values::U64(values) => document.add_u64(field, values[row]),
                    Values::F64(values) => document.add_f64(field, values[row]),
                    Values::Bool(values) => document.add_bool(field, values[row] != 0),
                    Values::Blob { data, offsets } => {
                        let value = &data[offsets[row] as usize..offsets[row + 1] as usize];
                        if *kind == ColumnType::Text {
                            document.add_text(field, String::from_utf8_lossy(value));
                        } else {
                            document.add_bytes(field, value);
                        }
                    }
                }
            }
            self.writer.add_document(document).map_err(writing)?;
        }
        Ok(())
    }

    pub fn commit(&mut self, payload: Option<&str>) -> Outcome<u64> {
        let mut commit = self.writer.prepare_commit().map_err(writing)?;
        if let Some(payload) = payload {
            commit.set_payload(payload);
        }
        commit.commit().map_err(writing)
    }

    /// What was added since the last commit is committed first.
    pub fn finish(mut self, uncommitted: bool) -> Outcome<FileMap> {
        if uncommitted {
            self.commit(None)?;
        }
        self.writer.wait_merging_threads().map_err(writing)?;
        collect_files(&self.index, &self.directory)
    }
}

impl InputColumn {
    fn check(&self, name: &str, kind: ColumnType, num_docs: usize) -> Outcome<()> {
        let bad = |what: &str| {
            Err(Failure::new(
                Code::InvalidArg,
                format!("column '{name}' ({}): {what}", kind.name()),
            ))
        };
        let rows = match (&self.values, kind) {
            (Values::I64(values), ColumnType::I64 | ColumnType::Date) => values.len(),
            (Values::U64(values), ColumnType::U64) => values.len(),
            (Values::F64(values), ColumnType::F64) => values.len(),
            (Values::Bool(values), ColumnType::Bool) => values.len(),
            (Values::Blob { data, offsets }, ColumnType::Bytes | ColumnType::Text) => {
                if offsets.is_empty() || offsets.windows(2).any(|pair| pair[0] > pair[1]) {
                    return bad("its offsets do not ascend");
                }
                if offsets.last().is_some_and(|end| *end as usize > data.len()) {
                    return bad("its offsets go beyond its data");
                }
                if kind == ColumnType::Text {
                    for row in offsets.windows(2) {
                        if std::str::from_utf8(&data[row[0] as usize..row[1] as usize]).is_err() {
                            return bad("it holds bytes that are not UTF-8");
                        }
                    }
                }
                offsets.len() - 1
            }
            _ => return bad("it holds values of another type"),
        };
        if rows != num_docs {
            return bad(&format!("it has {rows} rows, the batch {num_docs}"));
        }
        if self
            .nulls
            .as_ref()
            .is_some_and(|nulls| nulls.len() < num_docs.div_ceil(8))
        {
            return bad("its bitmap of nulls is too short");
        }
        Ok(())
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls
            .as_ref()
            .and_then(|nulls| nulls.get(row >> 3))
            .is_some_and(|byte| byte >> (row & 7) & 1 == 1)
    }
}

fn schema_of(fields: Vec<FieldSpec>) -> Outcome<Schema> {
    let mut builder = Schema::builder();
    let mut names = std::collections::HashSet::new();
    for field in fields {
        let FieldSpec {
            name,
            kind,
            indexed,
            stored,
            fast,
            tokenizer,
            precision,
        } = field;
        if name.is_empty() || !names.insert(name.clone()) {
            return Err(Failure::new(
                Code::Schema,
                format!("field name '{name}' is empty or used twice"),
            ));
        }
        match kind {
            ColumnType::I64 | ColumnType::U64 | ColumnType::F64 | ColumnType::Bool => {
                let mut options = NumericOptions::default();
                if indexed {
                    options = options.set_indexed();
                }
                if stored {
                    options = options.set_stored();
                }
                if fast {
                    options = options.set_fast();
                }
                match kind {
                    ColumnType::I64 => builder.add_i64_field(&name, options),
                    ColumnType::U64 => builder.add_u64_field(&name, options),
                    ColumnType::F64 => builder.add_f64_field(&name, options),
                    _ => builder.add_bool_field(&name, options),
                };
            }
            ColumnType::Date => {
                let mut options = DateOptions::default();
                if indexed {
                    options = options.set_indexed();
                }
                if stored {
                    options = options.set_stored();
                }
                if fast {
                    options = options.set_fast();
                }
                if let Some(precision) = precision {
                    options = options.set_precision(precision);
                }
                builder.add_date_field(&name, options);
            }
            ColumnType::Bytes => {
                let mut options = BytesOptions::default();
                if indexed {
                    options = options.set_indexed();
                }
                if stored {
                    options = options.set_stored();
                }
                if fast {
                    options = options.set_fast();
                }
                builder.add_bytes_field(&name, options);
            }
            ColumnType::Text => {
                let mut options = TextOptions::default();
                if indexed {
                    let tokenizer = tokenizer.as_deref().unwrap_or("default");
                    options = options.set_indexing_options(
                        TextFieldIndexing::default()
                            .set_tokenizer(tokenizer)
                            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
                    );
                }
                if stored {
                    options = options.set_stored();
                }
                if fast {
                    options = options.set_fast(None);
                }
                builder.add_text_field(&name, options);
            }
        }
    }
    Ok(builder.build())
}

/// The files as they would lie in a folder.
fn collect_files(index: &Index, directory: &RamDirectory) -> Outcome<FileMap> {
    let managed = index.directory().list_managed_files();
    let mut files = FileMap::new();
    for path in managed
        .iter()
        .map(|path| path.as_path())
        .chain([Path::new(MANAGED_FILE)])
    {
        // Tantivy also lists files that it did not come to write, such as deletions where nothing was deleted.
        if !directory.exists(path).unwrap_or(false) {
            continue;
        }
        let bytes = directory
            .open_read(path)
            .map_err(TantivyError::from)
            .and_then(|file| file.read_bytes().map_err(TantivyError::from))
            .map_err(writing)?;
        files.insert(path.to_string_lossy().into_owned(), bytes.to_vec());
    }
    if !files.contains_key(META_FILE) {
        return Err(Failure::new(Code::Write, "tantivy wrote no meta.json"));
    }
    Ok(files)
}

/// One index, of one segment, with the documents of all: index by index, segment by segment, without the deleted ones.
///
/// The documents are read here and indexed anew. Tantivy's own merger joins the other files as well, but trusts what
/// it finds in them: one forged length makes it take all memory.
pub fn merge(indexes: &[OpenIndex], max_bytes: usize) -> Outcome<FileMap> {
    let first = indexes
        .first()
        .ok_or_else(|| Failure::new(Code::InvalidArg, "there is no index to merge"))?;
    let schema = first.tantivy().schema();
    if let Some(field) = first
        .schema
        .iter()
        .find(|field| !field.stored && (field.indexed || field.fast))
    {
        let what = format!(
            "field '{}' is not stored, so a merge would lose it",
            field.name
        );
        return Err(Failure::new(Code::Schema, what));
    }
    let mut unpacked = 0usize;
    for (place, index) in indexes.iter().enumerate() {
        if index.tantivy().schema() != schema {
            let what = format!("index {place} has another schema than index 0");
            return Err(Failure::new(Code::Schema, what));
        }
        for ordinal in 0..index.segments.len() {
            unpacked = unpacked.saturating_add(index.segment(ordinal)?.store.unpacked_len());
        }
    }
    if unpacked > max_bytes {
        let what =
            format!("the documents unpack to {unpacked} bytes, more than the {max_bytes} allowed");
        return Err(Failure::new(Code::Limit, what));
    }

    let directory = RamDirectory::create();
    let target =
        Index::create(directory.clone(), schema, IndexSettings::default()).map_err(writing)?;
    if indexes.iter().all(|index| index.num_docs() == 0) {
        return collect_files(&target, &directory);
    }
    let mut writer =
        SingleSegmentIndexWriter::new(target.clone(), MERGE_MEMORY_BUDGET).map_err(writing)?;
    for index in indexes {
        for ordinal in 0..index.segments.len() {
            let reader = index.segment(ordinal)?;
            let store = &reader.store;
            let mut buffer = Vec::new();
            for block in 0..store.num_blocks() {
                let unpacked = store.unpack(block, buffer)?;
                let (first_doc, count) = store.block_docs(block);
                for position in 0..count {
                    let id = first_doc + position;
                    if !reader.is_alive(id) {
                        continue;
                    }
                    let document = stored_document(
                        unpacked.doc(position),
                        index.schema.len(),
                        store.version(),
                    )
                    .map_err(|error| row_failure(store, id, &index.schema, error))?;
                    writer.add_document(document).map_err(writing)?;
                }
                buffer = unpacked.into_buffer();
            }
        }
    }
    let merged = writer.finalize().map_err(writing)?;
    collect_files(&merged, &directory)
}
