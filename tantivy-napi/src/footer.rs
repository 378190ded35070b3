//! The footer that Tantivy appends to every file it manages.
//!
//! ```text
//! body | {"version":{..,"index_format_version":7},"crc":1234} | u32 length of the JSON | u32 magic 1337
//! ```
//!
//! Integers are little-endian. The CRC-32 covers the body alone.

use serde::Deserialize;

use crate::error::{Code, Failure, Outcome};

const MAGIC: u32 = 1337;
const TRAILER_LEN: usize = 8;
/// What Tantivy accepts; a real footer has about 100 bytes.
const MAX_JSON_LEN: usize = 50_000;
pub const FORMAT_VERSIONS: std::ops::RangeInclusive<u32> =
    tantivy::INDEX_FORMAT_OLDEST_SUPPORTED_VERSION..=tantivy::INDEX_FORMAT_VERSION;

#[derive(Deserialize)]
struct FooterJson {
    version: VersionJson,
    crc: u32,
}

#[derive(Deserialize)]
struct VersionJson {
    major: u32,
    minor: u32,
    patch: u32,
    index_format_version: u32,
}

#[derive(Clone, Debug)]
pub struct Footer {
    pub crc: u32,
    pub format_version: u32,
    pub library_version: String,
    pub body_len: usize,
}

impl Footer {
    pub fn parse(name: &str, file: &[u8]) -> Outcome<Footer> {
        let bad =
            |what: &str| Failure::corrupt(name, format!("{what} (file of {} bytes)", file.len()));
        let (head, trailer) = file
            .split_last_chunk::<TRAILER_LEN>()
            .ok_or_else(|| bad("too short for a footer"))?;
        let [a, b, c, d, m0, m1, m2, m3] = *trailer;
        if u32::from_le_bytes([m0, m1, m2, m3]) != MAGIC {
            return Err(bad(
                "the footer's magic number is missing: truncated, or not a tantivy file",
            ));
        }
        let json_len = u32::from_le_bytes([a, b, c, d]) as usize;
        if json_len > MAX_JSON_LEN || json_len > head.len() {
            return Err(bad("the footer's length is impossible"));
        }
        let body_len = head.len() - json_len;
        let json: FooterJson = serde_json::from_slice(&head[body_len..])
            .map_err(|error| bad(&format!("the footer is not readable: {error}")))?;
        let VersionJson {
            major,
            minor,
            patch,
            index_format_version,
        } = json.version;
        Ok(Footer {
            crc: json.crc,
            format_version: index_format_version,
            library_version: format!("{major}.{minor}.{patch}"),
            body_len,
        })
    }

    pub fn check_version(&self, name: &str) -> Outcome<()> {
        if FORMAT_VERSIONS.contains(&self.format_version) {
            return Ok(());
        }
        Err(Failure::in_file(
            Code::UnsupportedVersion,
            name,
            format!(
                "index format {} written by tantivy {}; this build reads formats {} to {}",
                self.format_version,
                self.library_version,
                FORMAT_VERSIONS.start(),
                FORMAT_VERSIONS.end()
            ),
        ))
    }

    pub fn check_crc(&self, name: &str, file: &[u8]) -> Outcome<()> {
        let actual = crc32fast::hash(&file[..self.body_len]);
        if actual == self.crc {
            return Ok(());
        }
        Err(Failure::corrupt(
            name,
            format!(
                "the checksum is {actual:08x}, its footer says {:08x}",
                self.crc
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(body: &[u8], crc: u32, format: u32) -> Vec<u8> {
        let json = format!(
            r#"{{"version":{{"major":0,"minor":24,"patch":2,"index_format_version":{format}}},"crc":{crc}}}"#
        );
        let mut bytes = body.to_vec();
        bytes.extend_from_slice(json.as_bytes());
        bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&MAGIC.to_le_bytes());
        bytes
    }

    #[test]
    fn crc_covers_the_body() {
        let good = file(b"123456789", 0xcbf4_3926, 7);
        let footer = Footer::parse("a.store", &good).unwrap();
        assert_eq!((footer.body_len, footer.format_version), (9, 7));
        assert!(footer.check_crc("a.store", &good).is_ok());
        let mut flipped = good.clone();
        flipped[3] ^= 1;
        assert_eq!(
            footer.check_crc("a.store", &flipped).unwrap_err().code,
            Code::CorruptFile
        );
    }

    #[test]
    fn unknown_format_is_told_apart_from_damage() {
        let footer = Footer::parse("a.store", &file(b"", 0, 8)).unwrap();
        assert_eq!(
            footer.check_version("a.store").unwrap_err().code,
            Code::UnsupportedVersion
        );
    }

    #[test]
    fn every_truncation_is_an_error() {
        let good = file(b"123456789", 0xcbf4_3926, 7);
        for len in 0..good.len() {
            assert!(Footer::parse("a.store", &good[..len]).is_err(), "at {len}");
        }
    }
}
