//! Damaged and forged files end in a coded failure: no abort, no endless loop, no memory beyond the limits.
//!
//! `TANTIVY_NAPI_FUZZ` sets the number of rounds for each file (default 400), `TANTIVY_NAPI_SEED` where they start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::OwnedBytes;
use tantivy_napi::columns::MultiValued;
use tantivy_napi::error::{Code, Failure, Outcome, guard};
use tantivy_napi::files::Files;
use tantivy_napi::footer::Footer;
use tantivy_napi::index::OpenIndex;
use tantivy_napi::read::{Cursor, Range, ReadOptions};
use tantivy_napi::write;

type FileMap = HashMap<String, Vec<u8>>;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn load(folder: &str) -> FileMap {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("test/fixtures")
        .join(folder);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

fn files(map: &FileMap) -> Files {
    Files::new(
        map.iter()
            .map(|(name, data)| (name.clone(), OwnedBytes::new(data.clone())))
            .collect(),
    )
}

/// Gives a file the checksum of what it now holds, as someone who forges it would.
fn forge_checksum(file: &mut Vec<u8>) {
    const TRAILER_LEN: usize = 8;
    let Ok(footer) = Footer::parse("", file) else {
        return;
    };
    let magic = file[file.len() - 4..].to_vec();
    let json = String::from_utf8(file[footer.body_len..file.len() - TRAILER_LEN].to_vec()).unwrap();
    let crc = crc32fast::hash(&file[..footer.body_len]);
    let json = json.replace(&footer.crc.to_string(), &crc.to_string());
    file.truncate(footer.body_len);
    file.extend_from_slice(json.as_bytes());
    file.extend_from_slice(&(json.len() as u32).to_le_bytes());
    file.extend_from_slice(&magic);
}

fn mutate(random: &mut Random, file: &mut Vec<u8>) {
    match random.below(8) {
        0 => {
            let keep = random.below(file.len());
            file.truncate(keep);
            return;
        }
        1 if !file.is_empty() => {
            // Interesting lengths: the largest ones, and those that overflow when added to.
            let at = random.below(file.len());
            let value = [0xff, 0x7f, 0x80, 0x00][random.below(4)];
            let count = 1 + random.below(9);
            for byte in file.iter_mut().skip(at).take(count) {
                *byte = value;
            }
        }
        2 => {
            let from = random.below(file.len());
            let to = from + random.below(64);
            let end = to.min(file.len());
            file.drain(from..end);
        }
        _ => {
            for _ in 0..=random.below(4) {
                if !file.is_empty() {
                    let at = random.below(file.len());
                    file[at] ^= 1 << random.below(8);
                }
            }
        }
    }
    if random.below(4) != 0 {
        forge_checksum(file);
    }
}

fn read_all(map: &FileMap, order_by: Option<&str>, range: Option<Range>) -> Outcome<usize> {
    read_fields(map, None, order_by, range)
}

fn read_fields(
    map: &FileMap,
    fields: Option<&[&str]>,
    order_by: Option<&str>,
    range: Option<Range>,
) -> Outcome<usize> {
    guard(None, || {
        let index = Arc::new(OpenIndex::open(files(map), true)?);
        index.verify_checksums();
        let mut cursor = Cursor::new(
            index,
            ReadOptions {
                fields: fields.map(|names| names.iter().map(|name| name.to_string()).collect()),
                range,
                order_by: order_by.map(str::to_owned),
                batch_docs: 50,
                batch_bytes: 1 << 20,
                max_bytes: 64 << 20,
                with_doc_ids: false,
                multi_valued: MultiValued::First,
            },
        )?;
        let mut docs = 0;
        while let Some(batch) = cursor.next_batch()? {
            docs += batch.num_docs;
        }
        Ok(docs)
    })
}

fn merge(map: &FileMap) -> Outcome<usize> {
    guard(None, || {
        let indexes = [OpenIndex::open(files(map), true)?];
        Ok(write::merge(&indexes, 64 << 20)?.len())
    })
}

fn store_name(map: &FileMap) -> String {
    map.iter()
        .filter(|(name, _)| name.ends_with(".store"))
        .max_by_key(|(_, data)| data.len())
        .map(|(name, _)| name.clone())
        .unwrap()
}

fn fuzz(
    folder: &str,
    name_filter: impl Fn(&str) -> bool,
    run: impl Fn(&FileMap) -> Outcome<usize>,
) {
    let original = load(folder);
    let rounds = setting("TANTIVY_NAPI_FUZZ", 400);
    let seed = setting("TANTIVY_NAPI_SEED", 1);
    let mut failures = HashMap::new();
    let mut names: Vec<&String> = original.keys().filter(|name| name_filter(name)).collect();
    names.sort();
    for name in names {
        for round in 0..rounds {
            let mut map = original.clone();
            let mut random = Random((seed + round).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            mutate(&mut random, map.get_mut(name).unwrap());
            if setting("TANTIVY_NAPI_TRACE", 0) == 1 {
                // An abort leaves no message: the last line names the round.
                eprintln!("{folder} {name} {}", seed + round);
            }
            if let Err(Failure { code, .. }) = run(&map) {
                *failures.entry(code.name()).or_insert(0u64) += 1;
            }
        }
    }
    println!("{folder}: {failures:?}");
    assert!(
        failures.contains_key(Code::CorruptFile.name()),
        "no damage was ever noticed"
    );
}

#[test]
fn reading_flipped_cut_and_forged_files() {
    for folder in ["records-13", "records-96"] {
        fuzz(
            folder,
            |name| name.ends_with(".store") || name == "meta.json",
            |map| read_all(map, Some("_offset"), None),
        );
        fuzz(
            folder,
            |name| name.ends_with(".store"),
            |map| {
                let range = Range {
                    field: "_ts".to_owned(),
                    min: 0,
                    max: u64::MAX,
                };
                read_all(map, None, Some(range))
            },
        );
    }
}

#[test]
fn skipping_over_nested_values_and_deletions_in_forged_files() {
    fuzz(
        "every-type",
        |name| name.ends_with(".store") || name.ends_with(".del"),
        |map| read_fields(map, Some(&["id", "title"]), Some("id"), None),
    );
}

#[test]
fn merging_flipped_cut_and_forged_files() {
    fuzz(
        "records-96",
        |name| name.ends_with(".store") || name == "meta.json",
        merge,
    );
}

#[test]
fn an_undamaged_index_reads_and_merges() {
    assert_eq!(
        read_all(&load("records-96"), Some("_offset"), None).unwrap(),
        96
    );
    assert_eq!(merge(&load("records-96")).unwrap(), 8);
}

/// Forges `bytes` into the largest store of records-13 at `at(body length)`.
fn forged(at: impl Fn(&[u8]) -> usize, bytes: &[u8]) -> Outcome<usize> {
    let mut map = load("records-13");
    let name = store_name(&map);
    let store = map.get_mut(&name).unwrap();
    let body_len = Footer::parse(&name, store).unwrap().body_len;
    let at = at(&store[..body_len]);
    store[at..at + bytes.len()].copy_from_slice(bytes);
    forge_checksum(store);
    assert!(
        Footer::parse(&name, store)
            .unwrap()
            .check_crc(&name, store)
            .is_ok()
    );
    read_all(&map, None, None)
}

#[test]
fn a_block_that_claims_four_gigabytes_is_refused_before_it_is_unpacked() {
    let failure = forged(|_| 0, &u32::MAX.to_le_bytes()).unwrap_err();
    assert_eq!(failure.code, Code::CorruptFile);
    assert!(
        failure.message.contains("more than lz4 can pack"),
        "{}",
        failure.message
    );
}

#[test]
fn versions_and_codecs_of_the_doc_store_are_told_apart_from_damage() {
    let version = forged(|body| body.len() - 28, &3u32.to_le_bytes()).unwrap_err();
    assert_eq!(version.code, Code::UnsupportedVersion);
    let codec = forged(|body| body.len() - 16, &[4]).unwrap_err();
    assert_eq!(codec.code, Code::UnsupportedCodec);
    let offset = forged(|body| body.len() - 24, &u64::MAX.to_le_bytes()).unwrap_err();
    assert_eq!(offset.code, Code::CorruptFile);
}

#[test]
fn more_than_the_allowed_bytes_is_a_limit() {
    let index = Arc::new(OpenIndex::open(files(&load("records-13")), true).unwrap());
    let mut cursor = Cursor::new(
        index,
        ReadOptions {
            fields: None,
            range: None,
            order_by: None,
            batch_docs: 10,
            batch_bytes: 10,
            max_bytes: 300_000,
            with_doc_ids: false,
            multi_valued: MultiValued::Error,
        },
    )
    .unwrap();
    assert_eq!(
        cursor.next_batch().map(|_| ()).unwrap_err().code,
        Code::Limit
    );
}
