//! An opened index: its schema and segments, and its files checked as they are first read.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tantivy::Index;
use tantivy::directory::OwnedBytes;
use tantivy::index::SegmentComponent;
use tantivy::schema::{FieldType, Schema};

use crate::columns::ColumnType;
use crate::error::{Code, Failure, Outcome, guard};
use crate::files::{Files, META_FILE};
use crate::footer::Footer;
use crate::read::Named;
use crate::store::DocStore;

pub struct FieldInfo {
    pub name: String,
    pub type_name: &'static str,
    /// `None` for types that are listed but not read: facet, ip, json.
    pub column_type: Option<ColumnType>,
    pub indexed: bool,
    pub stored: bool,
    pub fast: bool,
    pub tokenizer: Option<String>,
}

impl Named for FieldInfo {
    fn name(&self) -> &str {
        &self.name
    }

    fn type_name(&self) -> &str {
        self.type_name
    }
}

pub struct SegmentInfo {
    pub id: String,
    pub max_doc: u32,
    pub deleted_docs: u32,
    /// Every file that meta.json makes this segment need.
    pub files: Vec<String>,
    store_file: String,
    delete_file: Option<String>,
}

pub struct Checksum {
    pub name: String,
    pub failure: Option<Failure>,
}

pub struct OpenIndex {
    files: Files,
    tantivy: Index,
    verify_checksums: bool,
    pub schema: Vec<FieldInfo>,
    pub segments: Vec<SegmentInfo>,
    pub opstamp: u64,
    pub payload: Option<String>,
    pub meta_json: String,
    /// The newest format among the files' footers.
    pub format_version: Option<u32>,
    pub library_version: Option<String>,
    pub num_bytes: usize,
    readers: Vec<OnceLock<Outcome<SegmentReader>>>,
    closed: AtomicBool,
}

pub struct SegmentReader {
    pub store: DocStore,
    alive: Option<AliveDocs>,
}

impl SegmentReader {
    pub fn is_alive(&self, doc: u32) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.contains(doc))
    }
}

impl OpenIndex {
    pub fn open(files: Files, verify_checksums: bool) -> Outcome<OpenIndex> {
        let meta_file = files
            .get(META_FILE)
            .ok_or_else(|| Failure::missing(META_FILE))?;
        let meta_json = std::str::from_utf8(meta_file)
            .map_err(|_| Failure::corrupt(META_FILE, "it is not UTF-8"))?
            .to_owned();
        let num_bytes = files
            .names()
            .filter_map(|name| files.get(name))
            .map(|bytes| bytes.len())
            .sum();
        let in_meta = |error| Failure::from_tantivy(error, Some(META_FILE));
        let (tantivy, meta) = guard(Some(META_FILE), || {
            let index = Index::open(files.clone()).map_err(in_meta)?;
            let meta = index.load_metas().map_err(in_meta)?;
            Ok((index, meta))
        })?;

        let mut segments = Vec::with_capacity(meta.segments.len());
        let mut ids = HashSet::new();
        let mut total_docs = 0u64;
        for segment in &meta.segments {
            let id = segment.id().uuid_string();
            if !ids.insert(id.clone()) {
                return Err(Failure::corrupt(
                    META_FILE,
                    format!("segment {id} is listed twice"),
                ));
            }
            let (max_doc, deleted_docs) = (segment.max_doc(), segment.num_deleted_docs());
            if deleted_docs > max_doc {
                let what =
                    format!("segment {id} has {deleted_docs} deletions in {max_doc} documents");
                return Err(Failure::corrupt(META_FILE, what));
            }
            total_docs += u64::from(max_doc);
            let file = |component| {
                segment
                    .relative_path(component)
                    .to_string_lossy()
                    .into_owned()
            };
            let delete_file = segment
                .has_deletes()
                .then(|| file(SegmentComponent::Delete));
            let mut names: Vec<String> = [
                SegmentComponent::Postings,
                SegmentComponent::Positions,
                SegmentComponent::FastFields,
                SegmentComponent::FieldNorms,
                SegmentComponent::Terms,
                SegmentComponent::Store,
            ]
            .into_iter()
            .map(file)
            .collect();
            names.extend(delete_file.clone());
            segments.push(SegmentInfo {
                id,
                max_doc,
                deleted_docs,
                files: names,
                store_file: file(SegmentComponent::Store),
                delete_file,
            });
        }
        if u32::try_from(total_docs).is_err() {
            return Err(Failure::corrupt(
                META_FILE,
                "it claims more than 2^32 documents",
            ));
        }

        let mut newest: Option<Footer> = None;
        for name in segments.iter().flat_map(|segment| &segment.files) {
            // A damaged footer is the business of whoever reads that file.
            let Some(Ok(footer)) = files.get(name).map(|bytes| Footer::parse(name, bytes)) else {
                continue;
            };
            footer.check_version(name)?;
            if newest
                .as_ref()
                .is_none_or(|newest| newest.format_version < footer.format_version)
            {
                newest = Some(footer);
            }
        }
        let readers = segments.iter().map(|_| OnceLock::new()).collect();
        Ok(OpenIndex {
            schema: describe(&meta.schema),
            tantivy,
            files,
            verify_checksums,
            segments,
            opstamp: meta.opstamp,
            payload: meta.payload,
            meta_json,
            format_version: newest.as_ref().map(|footer| footer.format_version),
            library_version: newest.map(|footer| footer.library_version),
            num_bytes,
            readers,
            closed: AtomicBool::new(false),
        })
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub fn check_open(&self) -> Outcome<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Failure::closed("the index"));
        }
        Ok(())
    }

    pub fn num_docs(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| u64::from(segment.max_doc - segment.deleted_docs))
            .sum()
    }

    pub fn tantivy(&self) -> &Index {
        &self.tantivy
    }

    pub fn field(&self, name: &str) -> Outcome<(u32, &FieldInfo)> {
        self.schema
            .iter()
            .position(|field| field.name == name)
            .and_then(|id| Some((u32::try_from(id).ok()?, self.schema.get(id)?)))
            .ok_or_else(|| Failure::new(Code::Schema, format!("the schema has no field '{name}'")))
    }

    /// Opened, checked and indexed once, then shared by all that read the segment.
    pub fn segment(&self, ordinal: usize) -> Outcome<&SegmentReader> {
        let (Some(cell), Some(info)) = (self.readers.get(ordinal), self.segments.get(ordinal))
        else {
            return Err(Failure::new(
                Code::InvalidArg,
                format!("no segment {ordinal}"),
            ));
        };
        cell.get_or_init(|| guard(Some(&info.store_file), || self.open_segment(info)))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn open_segment(&self, info: &SegmentInfo) -> Outcome<SegmentReader> {
        let store = DocStore::open(&info.store_file, self.body(&info.store_file)?, info.max_doc)?;
        let alive = match &info.delete_file {
            None => None,
            Some(name) => Some(AliveDocs::parse(name, &self.body(name)?, info)?),
        };
        Ok(SegmentReader { store, alive })
    }

    /// A file without its footer, after the footer's checks.
    fn body(&self, name: &str) -> Outcome<OwnedBytes> {
        let file = self.files.get(name).ok_or_else(|| Failure::missing(name))?;
        let footer = Footer::parse(name, file)?;
        footer.check_version(name)?;
        if self.verify_checksums {
            footer.check_crc(name, file)?;
        }
        Ok(file.slice(0..footer.body_len))
    }

    /// Every file that a segment needs, and every other file given that carries a footer, in order of name.
    pub fn verify_checksums(&self) -> Vec<Checksum> {
        let mut names: Vec<&str> = self
            .segments
            .iter()
            .flat_map(|segment| segment.files.iter().map(String::as_str))
            .collect();
        // Lock files and the two JSON files have no footer.
        names.extend(
            self.files
                .names()
                .filter(|name| !name.starts_with('.') && *name != META_FILE),
        );
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| Checksum {
                name: name.to_owned(),
                failure: self.verify_file(name).err(),
            })
            .collect()
    }

    fn verify_file(&self, name: &str) -> Outcome<()> {
        let file = self.files.get(name).ok_or_else(|| Failure::missing(name))?;
        let footer = Footer::parse(name, file)?;
        footer.check_crc(name, file)?;
        footer.check_version(name)
    }
}

fn describe(schema: &Schema) -> Vec<FieldInfo> {
    schema
        .fields()
        .map(|(_, entry)| {
            let (type_name, column_type) = match entry.field_type() {
                FieldType::Str(_) => ("text", Some(ColumnType::Text)),
                FieldType::U64(_) => ("u64", Some(ColumnType::U64)),
                FieldType::I64(_) => ("i64", Some(ColumnType::I64)),
                FieldType::F64(_) => ("f64", Some(ColumnType::F64)),
                FieldType::Bool(_) => ("bool", Some(ColumnType::Bool)),
                FieldType::Date(_) => ("date", Some(ColumnType::Date)),
                FieldType::Bytes(_) => ("bytes", Some(ColumnType::Bytes)),
                FieldType::Facet(_) => ("facet", None),
                FieldType::JsonObject(_) => ("json", None),
                FieldType::IpAddr(_) => ("ip", None),
            };
            let tokenizer = match entry.field_type() {
                FieldType::Str(options) => options
                    .get_indexing_options()
                    .map(|indexing| indexing.tokenizer().to_owned()),
                _ => None,
            };
            FieldInfo {
                name: entry.name().to_owned(),
                type_name,
                column_type,
                indexed: entry.is_indexed(),
                stored: entry.is_stored(),
                fast: entry.is_fast(),
                tokenizer,
            }
        })
        .collect()
}

/// A segment's `.del` file: `u32 documents | u64 words`, a set bit for each document that is not deleted.
struct AliveDocs(Vec<u64>);

impl AliveDocs {
    fn parse(name: &str, body: &[u8], info: &SegmentInfo) -> Outcome<AliveDocs> {
        let corrupt = |what: String| Failure::corrupt(name, format!("deletions: {what}"));
        let Some((max_doc, words)) = body.split_first_chunk::<4>() else {
            return Err(corrupt("too short".to_owned()));
        };
        let max_doc = u32::from_le_bytes(*max_doc);
        if max_doc != info.max_doc || words.len() != (max_doc as usize).div_ceil(64) * 8 {
            return Err(corrupt(format!(
                "made for {max_doc} documents in {} bytes, the segment has {}",
                words.len(),
                info.max_doc
            )));
        }
        let words: Vec<u64> = words
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect();
        let alive = AliveDocs(words);
        let num_alive = (0..max_doc).filter(|doc| alive.contains(*doc)).count();
        if num_alive as u64 != u64::from(max_doc - info.deleted_docs) {
            return Err(corrupt(format!(
                "{num_alive} of {max_doc} documents are left, meta.json says {} are deleted",
                info.deleted_docs
            )));
        }
        Ok(alive)
    }

    fn contains(&self, doc: u32) -> bool {
        self.0
            .get(doc as usize / 64)
            .is_some_and(|word| word >> (doc % 64) & 1 == 1)
    }
}
