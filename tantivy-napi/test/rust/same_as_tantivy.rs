//! The doc store reader here and Tantivy's own one find the same in the same files.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::collector::DocSetCollector;
use tantivy::directory::OwnedBytes;
use tantivy::indexer::NoMergePolicy;
use tantivy::query::AllQuery;
use tantivy::schema::{
    DateOptions, FAST, Facet, FacetOptions, INDEXED, NumericOptions, OwnedValue, STORED, Schema,
    TEXT,
};
use tantivy::store::Compressor;
use tantivy::{
    DateTime, DocAddress, Index, IndexSettings, IndexWriter, TantivyDocument, Term,
    directory::RamDirectory,
};
use tantivy_napi::columns::{MultiValued, Values};
use tantivy_napi::files::Files;
use tantivy_napi::index::OpenIndex;
use tantivy_napi::read::{BatchOut, Cursor, ReadOptions};

fn schema() -> Schema {
    let mut builder = Schema::builder();
    builder.add_i64_field("id", STORED | INDEXED | FAST);
    builder.add_u64_field("size", STORED);
    builder.add_f64_field("ratio", STORED);
    builder.add_bool_field("odd", NumericOptions::default() | STORED);
    builder.add_date_field("at", DateOptions::from(STORED | FAST));
    builder.add_bytes_field("raw", STORED);
    builder.add_text_field("title", STORED | TEXT);
    builder.add_facet_field("path", FacetOptions::default().set_stored());
    builder.add_json_field("attributes", STORED);
    builder.add_ip_addr_field("address", STORED);
    builder.build()
}

const READABLE: [&str; 7] = ["id", "size", "ratio", "odd", "at", "raw", "title"];

/// Small numbers that look random, the same in each run.
fn noise(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}

fn document(schema: &Schema, n: u64) -> TantivyDocument {
    let field = |name| schema.get_field(name).unwrap();
    let mut doc = TantivyDocument::default();
    let dice = noise(n);
    let extremes = [i64::MIN, i64::MAX, 0, -1];
    doc.add_i64(field("id"), n as i64);
    if !dice.is_multiple_of(5) {
        doc.add_u64(field("size"), u64::MAX - dice);
    }
    if !dice.is_multiple_of(7) {
        doc.add_f64(
            field("ratio"),
            [f64::MIN, -0.0, 0.0, f64::INFINITY, 1.5e-300][(dice % 5) as usize],
        );
    }
    doc.add_bool(field("odd"), n % 2 == 1);
    if !dice.is_multiple_of(3) {
        let nanos = extremes[(dice % 4) as usize] ^ (dice >> 40) as i64;
        doc.add_date(field("at"), DateTime::from_timestamp_nanos(nanos));
    }
    if !dice.is_multiple_of(2) {
        let raw: Vec<u8> = (0..dice % 400).map(|i| noise(i ^ dice) as u8).collect();
        doc.add_bytes(field("raw"), &raw);
    }
    if !dice.is_multiple_of(11) {
        doc.add_text(field("title"), "ünïcode ☃ ".repeat((dice % 13) as usize));
    }
    if dice.is_multiple_of(4) {
        doc.add_facet(field("path"), Facet::from(&format!("/a/{n}")));
    }
    if dice.is_multiple_of(6) {
        let json = r#"{"list":[1,null,{"deep":["x",-2.5,true,[]]}],"empty":{}}"#;
        let value: OwnedValue = serde_json::from_str::<serde_json::Value>(json)
            .unwrap()
            .into();
        if let OwnedValue::Object(entries) = value {
            doc.add_object(field("attributes"), entries.into_iter().collect());
        }
    }
    doc.add_ip_addr(field("address"), std::net::Ipv6Addr::from(u128::from(dice)));
    doc
}

fn build(compressor: Compressor, docs: u64, deleted: bool) -> (Index, Files) {
    let directory = RamDirectory::create();
    let settings = IndexSettings {
        docstore_compression: compressor,
        ..IndexSettings::default()
    };
    let schema = schema();
    let index = Index::create(directory.clone(), schema.clone(), settings).unwrap();
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 20_000_000).unwrap();
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for n in 0..docs {
        writer.add_document(document(&schema, n)).unwrap();
        if n % 1000 == 999 {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    if deleted {
        for n in (0..docs).filter(|n| noise(*n).is_multiple_of(9)) {
            writer.delete_term(Term::from_field_i64(
                schema.get_field("id").unwrap(),
                n as i64,
            ));
        }
        writer.commit().unwrap();
    }
    (index.clone(), files_of(&index, &directory))
}

fn files_of(index: &Index, directory: &RamDirectory) -> Files {
    use tantivy::Directory;
    let mut files = HashMap::new();
    for path in index.directory().list_managed_files() {
        if directory.exists(&path).unwrap() {
            let bytes = directory.open_read(&path).unwrap().read_bytes().unwrap();
            files.insert(
                path.to_string_lossy().into_owned(),
                OwnedBytes::new(bytes.to_vec()),
            );
        }
    }
    Files::new(files)
}

fn options(order_by: Option<&str>, batch_docs: usize) -> ReadOptions {
    ReadOptions {
        fields: Some(READABLE.map(str::to_owned).to_vec()),
        range: None,
        order_by: order_by.map(str::to_owned),
        batch_docs,
        batch_bytes: 1 << 20,
        max_bytes: 1 << 30,
        with_doc_ids: true,
        multi_valued: MultiValued::Error,
    }
}

/// One row of `READABLE`, in a form that Tantivy's values can be brought to as well.
fn row(batch: &mut BatchOut, nulls: &[Option<Vec<u8>>], row: usize) -> Vec<Option<OwnedValue>> {
    batch
        .columns
        .iter()
        .zip(nulls)
        .map(|(column, nulls)| {
            if nulls
                .as_ref()
                .is_some_and(|nulls| nulls[row >> 3] >> (row & 7) & 1 == 1)
            {
                return None;
            }
            Some(match &column.values {
                Values::I64(values) if column.kind.name() == "date" => {
                    OwnedValue::Date(DateTime::from_timestamp_nanos(values[row]))
                }
                Values::I64(values) => OwnedValue::I64(values[row]),
                Values::U64(values) => OwnedValue::U64(values[row]),
                Values::F64(values) => OwnedValue::F64(values[row]),
                Values::Bool(values) => OwnedValue::Bool(values[row] != 0),
                Values::Blob { data, offsets } => {
                    let value = data[offsets[row] as usize..offsets[row + 1] as usize].to_vec();
                    if column.kind.name() == "text" {
                        OwnedValue::Str(String::from_utf8(value).unwrap())
                    } else {
                        OwnedValue::Bytes(value)
                    }
                }
            })
        })
        .collect()
}

fn compare(index: &Index, files: Files, order_by: Option<&str>, batch_docs: usize) {
    let opened = Arc::new(OpenIndex::open(files, true).unwrap());
    let searcher = index.reader().unwrap().searcher();
    // Tantivy's searcher may list segments in another order than meta.json does.
    let ordinals: HashMap<String, u32> = searcher
        .segment_readers()
        .iter()
        .enumerate()
        .map(|(ordinal, reader)| (reader.segment_id().uuid_string(), ordinal as u32))
        .collect();
    let schema = index.schema();
    let mut expected = searcher.search(&AllQuery, &DocSetCollector).unwrap();
    let mut cursor = Cursor::new(Arc::clone(&opened), options(order_by, batch_docs)).unwrap();
    let mut last_id = i64::MIN;
    while let Some(mut batch) = cursor.next_batch().unwrap() {
        let nulls: Vec<_> = batch
            .columns
            .iter_mut()
            .map(|column| column.take_nulls())
            .collect();
        assert!(batch.num_docs <= batch_docs);
        let ids = batch.doc_ids.take().unwrap();
        for place in 0..batch.num_docs {
            let segment = &opened.segments[ids.segments[place] as usize].id;
            let address = DocAddress::new(ordinals[segment], ids.docs[place]);
            assert!(
                expected.remove(&address),
                "{address:?} is deleted, or came twice"
            );
            let doc: TantivyDocument = searcher.doc(address).unwrap();
            let theirs: Vec<Option<OwnedValue>> = READABLE
                .iter()
                .map(|name| {
                    doc.get_first(schema.get_field(name).unwrap())
                        .map(OwnedValue::from)
                })
                .collect();
            let ours = row(&mut batch, &nulls, place);
            assert_eq!(ours, theirs, "{address:?}");
            if order_by == Some("id") {
                let Some(OwnedValue::I64(id)) = ours[0] else {
                    panic!("no id")
                };
                assert!(id > last_id);
                last_id = id;
            }
        }
    }
    assert!(
        expected.is_empty(),
        "{} documents never came",
        expected.len()
    );
}

#[test]
fn lz4_store_in_segments() {
    let (index, files) = build(Compressor::Lz4, 5_500, false);
    assert_eq!(index.searchable_segment_ids().unwrap().len(), 6);
    compare(&index, files.clone(), None, 700);
    compare(&index, files, Some("id"), 16_384);
}

#[test]
fn unpacked_store() {
    let (index, files) = build(Compressor::None, 1_200, false);
    compare(&index, files.clone(), None, 1);
    compare(&index, files, Some("size"), 100);
}

#[test]
fn deleted_documents_stay_out() {
    let (index, files) = build(Compressor::Lz4, 3_000, true);
    compare(&index, files.clone(), None, 64);
    compare(&index, files, Some("at"), 64);
}

#[test]
fn an_empty_index_has_no_batch() {
    let (index, files) = build(Compressor::Lz4, 0, false);
    compare(&index, files, Some("id"), 10);
}
