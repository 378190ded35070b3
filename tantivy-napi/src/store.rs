//! Tantivy's document store, read without trusting it.
//!
//! ```text
//! block* | skip index | footer (28 bytes)                      then the footer every file has
//!
//! footer       u32 store version (1, 2) | u64 offset of the skip index | u8 compressor (0 none, 1 lz4) | 15 reserved
//! skip index   vint layers | vint end of each layer, counted from here on | layers, the top one first
//! layer        checkpoint block*; the last layer lists the data blocks, those above it only help seeking
//! checkpoints  vint n | vint first doc | vint first byte | n x (vint docs, vint bytes)
//! block (lz4)  u32 unpacked size | lz4 block
//! unpacked     document* | u32 start of each document | u32 number of documents
//! document     vint values | values x (u32 field | u8 type | value)
//! ```
//!
//! Integers are little-endian, vints as in `bytes.rs`. Tantivy's own reader slices and allocates by these lengths
//! unchecked; here each is checked against the bytes that are really there before it is used.

use tantivy::directory::OwnedBytes;

use crate::bytes::{Cursor, Malformed, Parsed};
use crate::error::{Code, Failure, Outcome};

const FOOTER_LEN: usize = 28;
const COMPRESSOR_NONE: u8 = 0;
const COMPRESSOR_LZ4: u8 = 1;
/// One byte of an lz4 block can stand for at most 255 bytes.
const LZ4_MAX_RATIO: usize = 255;
/// Each document has a start offset, and at least the byte that counts its values.
const MIN_DOC_LEN: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreVersion {
    /// Dates in microseconds.
    V1,
    /// Dates in nanoseconds.
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compressor {
    None,
    Lz4,
}

#[derive(Clone, Debug)]
struct BlockRef {
    first_doc: u32,
    num_docs: u32,
    start: usize,
    end: usize,
    unpacked_len: usize,
}

pub struct DocStore {
    name: String,
    version: StoreVersion,
    compressor: Compressor,
    data: OwnedBytes,
    blocks: Vec<BlockRef>,
    num_docs: u32,
    unpacked_len: usize,
}

impl DocStore {
    /// `body` is the file without the footer that every Tantivy file has; `max_doc` what meta.json says of the segment.
    pub fn open(name: &str, body: OwnedBytes, max_doc: u32) -> Outcome<DocStore> {
        let corrupt = |what: &str| Failure::corrupt(name, format!("doc store: {what}"));
        let malformed = |Malformed(what): Malformed| corrupt(what);
        let Some(footer_start) = body.len().checked_sub(FOOTER_LEN) else {
            return Err(corrupt("too short for its footer"));
        };
        let mut footer = Cursor::new(&body[footer_start..]);
        let version = match footer.u32().map_err(malformed)? {
            1 => StoreVersion::V1,
            2 => StoreVersion::V2,
            other => {
                let what = format!("doc store version {other}; this build reads versions 1 and 2");
                return Err(Failure::in_file(Code::UnsupportedVersion, name, what));
            }
        };
        let index_start = footer.u64().map_err(malformed)?;
        let compressor = match footer.u8().map_err(malformed)? {
            COMPRESSOR_NONE => Compressor::None,
            COMPRESSOR_LZ4 => Compressor::Lz4,
            other => {
                let what =
                    format!("doc store compressor {other}; this build reads none (0) and lz4 (1)");
                return Err(Failure::in_file(Code::UnsupportedCodec, name, what));
            }
        };
        let index_start = usize::try_from(index_start)
            .ok()
            .filter(|start| *start <= footer_start)
            .ok_or_else(|| corrupt("the skip index starts beyond the end"))?;

        let data = body.slice(0..index_start);
        let blocks =
            read_blocks(&body[index_start..footer_start], &data, compressor).map_err(malformed)?;
        let num_docs = blocks
            .last()
            .map_or(0, |block| block.first_doc + block.num_docs);
        if num_docs != max_doc {
            return Err(corrupt(&format!(
                "it holds {num_docs} documents, meta.json says {max_doc}"
            )));
        }
        let unpacked_len = blocks
            .iter()
            .try_fold(0usize, |sum, block| sum.checked_add(block.unpacked_len))
            .ok_or_else(|| corrupt("the sizes of its blocks overflow"))?;
        Ok(DocStore {
            name: name.to_owned(),
            version,
            compressor,
            data,
            blocks,
            num_docs,
            unpacked_len,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> StoreVersion {
        self.version
    }

    pub fn num_docs(&self) -> u32 {
        self.num_docs
    }

    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// What all blocks together claim to unpack to.
    pub fn unpacked_len(&self) -> usize {
        self.unpacked_len
    }

    pub fn block_unpacked_len(&self, block: usize) -> usize {
        self.blocks.get(block).map_or(0, |block| block.unpacked_len)
    }

    /// First document and number of documents of a block.
    pub fn block_docs(&self, block: usize) -> (u32, u32) {
        self.blocks
            .get(block)
            .map_or((0, 0), |block| (block.first_doc, block.num_docs))
    }

    /// The block that holds `doc`; `doc` must be below `num_docs`.
    pub fn block_of(&self, doc: u32) -> usize {
        self.blocks
            .partition_point(|block| block.first_doc + block.num_docs <= doc)
    }

    /// Unpacks a block into `buffer`, which is emptied first so that its memory can be reused.
    pub fn unpack(&self, block: usize, mut buffer: Vec<u8>) -> Outcome<Block> {
        let corrupt =
            |what: &str| Failure::corrupt(&self.name, format!("doc store: block {block}: {what}"));
        let entry = self
            .blocks
            .get(block)
            .ok_or_else(|| corrupt("no such block"))?;
        let packed = &self.data[entry.start..entry.end];
        buffer.clear();
        if buffer.try_reserve_exact(entry.unpacked_len).is_err() {
            let what = format!(
                "no memory for the {} bytes of block {block}",
                entry.unpacked_len
            );
            return Err(Failure::in_file(Code::Limit, &self.name, what));
        }
        match self.compressor {
            Compressor::None => buffer.extend_from_slice(packed),
            Compressor::Lz4 => {
                buffer.resize(entry.unpacked_len, 0);
                let written = lz4_flex::block::decompress_into(&packed[4..], &mut buffer)
                    .map_err(|error| corrupt(&format!("lz4: {error}")))?;
                if written != entry.unpacked_len {
                    return Err(corrupt("lz4: it unpacks to another size than it claims"));
                }
            }
        }
        Block::new(buffer, entry.num_docs).map_err(|Malformed(what)| corrupt(what))
    }
}

fn read_blocks(index: &[u8], data: &[u8], compressor: Compressor) -> Parsed<Vec<BlockRef>> {
    let mut cursor = Cursor::new(index);
    let num_layers = cursor.vint()?;
    let mut layer = 0..0;
    for _ in 0..num_layers {
        let end = cursor.vint_usize()?;
        if end < layer.end {
            return Err(Malformed("the layers of the skip index overlap"));
        }
        layer = layer.end..end;
    }
    let leaves = cursor
        .rest()
        .get(layer)
        .ok_or(Malformed("the skip index is longer than its file"))?;

    let mut blocks: Vec<BlockRef> = Vec::new();
    let (mut next_doc, mut next_byte) = (0u64, 0u64);
    let mut cursor = Cursor::new(leaves);
    while !cursor.is_empty() {
        let count = cursor.vint()?;
        if count == 0 {
            continue;
        }
        if cursor.vint()? != next_doc || cursor.vint()? != next_byte {
            return Err(Malformed("the skip index has a gap"));
        }
        for _ in 0..count {
            let num_docs = cursor.vint()?;
            let length = cursor.vint()?;
            let first_doc =
                u32::try_from(next_doc).map_err(|_| Malformed("more than 2^32 documents"))?;
            let start =
                usize::try_from(next_byte).map_err(|_| Malformed("a block lies beyond the end"))?;
            next_doc = next_doc.saturating_add(num_docs);
            next_byte = next_byte.saturating_add(length);
            if u32::try_from(next_doc).is_err() {
                return Err(Malformed("more than 2^32 documents"));
            }
            let end = usize::try_from(next_byte)
                .ok()
                .filter(|end| *end <= data.len())
                .ok_or(Malformed("a block lies beyond the end"))?;
            let unpacked_len = unpacked_len(&data[start..end], compressor)?;
            let num_docs =
                u32::try_from(num_docs).map_err(|_| Malformed("more than 2^32 documents"))?;
            if num_docs == 0 || (num_docs as usize).saturating_mul(MIN_DOC_LEN) > unpacked_len {
                return Err(Malformed("a block is too small for its documents"));
            }
            blocks.push(BlockRef {
                first_doc,
                num_docs,
                start,
                end,
                unpacked_len,
            });
        }
    }
    if next_byte != data.len() as u64 {
        return Err(Malformed(
            "the blocks do not fill the space before the skip index",
        ));
    }
    Ok(blocks)
}

/// The claimed size of a block, refused if lz4 could not have packed as much into its bytes.
fn unpacked_len(packed: &[u8], compressor: Compressor) -> Parsed<usize> {
    match compressor {
        Compressor::None => Ok(packed.len()),
        Compressor::Lz4 => {
            let mut cursor = Cursor::new(packed);
            let claimed = cursor.u32()? as usize;
            if claimed > cursor.rest().len().saturating_mul(LZ4_MAX_RATIO) {
                return Err(Malformed(
                    "a block claims to unpack to more than lz4 can pack",
                ));
            }
            Ok(claimed)
        }
    }
}

/// An unpacked block, whose documents are known to lie inside it.
#[derive(Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    /// Where the table of starts begins, and the documents end.
    starts_at: usize,
    num_docs: u32,
}

impl Block {
    fn new(bytes: Vec<u8>, num_docs: u32) -> Parsed<Block> {
        let (head, count) = bytes
            .split_last_chunk::<4>()
            .ok_or(Malformed("too short for its number of documents"))?;
        if u32::from_le_bytes(*count) != num_docs {
            return Err(Malformed(
                "its number of documents is not that of the skip index",
            ));
        }
        let starts_at = (num_docs as usize)
            .checked_mul(4)
            .and_then(|table| head.len().checked_sub(table))
            .ok_or(Malformed("too short for its documents"))?;
        let mut previous = 0;
        for (index, start) in head[starts_at..].chunks_exact(4).enumerate() {
            let start = u32::from_le_bytes([start[0], start[1], start[2], start[3]]) as usize;
            if start < previous || start > starts_at || (index == 0 && start != 0) {
                return Err(Malformed("its documents overlap or leave it"));
            }
            previous = start;
        }
        Ok(Block {
            bytes,
            starts_at,
            num_docs,
        })
    }

    pub fn unpacked_len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of a document, counted from the first one of the block.
    #[inline]
    pub fn doc(&self, index: u32) -> &[u8] {
        if index >= self.num_docs {
            return &[];
        }
        let start = self.start(index);
        let end = if index + 1 < self.num_docs {
            self.start(index + 1)
        } else {
            self.starts_at
        };
        &self.bytes[start..end]
    }

    #[inline]
    fn start(&self, index: u32) -> usize {
        let at = self.starts_at + index as usize * 4;
        match self.bytes[at..].first_chunk::<4>() {
            Some(bytes) => u32::from_le_bytes(*bytes) as usize,
            None => self.starts_at,
        }
    }

    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}
