//! Reads stored documents in batches, in stored order or in the order of a field.

use std::sync::Arc;

use crate::columns::{Batch, Column, ColumnType, MultiValued, RowError, sort_key};
use crate::error::{Code, Failure, Outcome};
use crate::index::OpenIndex;
use crate::store::{Block, DocStore};
use crate::stored_value::type_name;

/// What unpacked blocks may be kept for documents that are read out of stored order.
const CACHE_BYTES: usize = 64 << 20;
/// A blob's offsets are u32, and one document can add as much as one block holds.
const MAX_BYTES: usize = 1 << 31;

pub struct Range {
    pub field: String,
    /// Inclusive bounds, as numbers that sort like the field's values.
    pub min: u64,
    pub max: u64,
}

pub struct ReadOptions {
    /// All stored fields when absent.
    pub fields: Option<Vec<String>>,
    pub range: Option<Range>,
    pub order_by: Option<String>,
    pub batch_docs: usize,
    pub batch_bytes: usize,
    pub max_bytes: usize,
    pub with_doc_ids: bool,
    pub multi_valued: MultiValued,
}

pub struct BatchOut {
    pub num_docs: usize,
    pub columns: Vec<Column>,
    pub doc_ids: Option<DocIds>,
}

#[derive(Default)]
pub struct DocIds {
    pub segments: Vec<u32>,
    pub docs: Vec<u32>,
}

#[derive(Clone)]
struct KeyField {
    name: String,
    id: u32,
    kind: ColumnType,
}

struct KeyRange {
    field: KeyField,
    min: u64,
    max: u64,
}

#[derive(Clone, Copy)]
struct DocAddress {
    segment: u32,
    doc: u32,
}

enum Order {
    Stored {
        segment: usize,
        block: usize,
        doc: u32,
    },
    By {
        docs: Vec<DocAddress>,
        next: usize,
    },
}

pub struct Cursor {
    index: Arc<OpenIndex>,
    pub fields: Vec<(String, ColumnType)>,
    field_ids: Vec<(u32, ColumnType)>,
    range: Option<KeyRange>,
    order_by: Option<KeyField>,
    batch_docs: usize,
    batch_bytes: usize,
    with_doc_ids: bool,
    multi_valued: MultiValued,
    max_bytes: usize,
    /// Made by the first batch: sorting is work for a thread of the pool.
    order: Option<Order>,
    blocks: BlockCache,
}

impl Cursor {
    pub fn new(index: Arc<OpenIndex>, options: ReadOptions) -> Outcome<Cursor> {
        index.check_open()?;
        let names = match options.fields {
            Some(names) => names,
            None => index
                .schema
                .iter()
                .filter(|field| field.stored)
                .map(|field| field.name.clone())
                .collect(),
        };
        if names.len() >= usize::from(u16::MAX) {
            return Err(Failure::new(Code::Limit, "more than 65534 fields at once"));
        }
        let mut fields = Vec::with_capacity(names.len());
        let mut field_ids: Vec<(u32, ColumnType)> = Vec::with_capacity(names.len());
        for name in names {
            let (id, kind) = stored_field(&index, &name)?;
            if field_ids.iter().any(|(other, _)| *other == id) {
                return Err(Failure::new(
                    Code::InvalidArg,
                    format!("field '{name}' is asked for twice"),
                ));
            }
            fields.push((name, kind));
            field_ids.push((id, kind));
        }
        let range = match options.range {
            None => None,
            Some(Range { field, min, max }) => Some(KeyRange {
                field: key_field(&index, field)?,
                min,
                max,
            }),
        };
        let order_by = match options.order_by {
            None => None,
            Some(name) => Some(key_field(&index, name)?),
        };
        Ok(Cursor {
            fields,
            field_ids,
            range,
            order_by,
            batch_docs: options.batch_docs.max(1),
            batch_bytes: options.batch_bytes.clamp(1, MAX_BYTES / 2),
            max_bytes: options.max_bytes.min(MAX_BYTES),
            with_doc_ids: options.with_doc_ids,
            multi_valued: options.multi_valued,
            order: None,
            blocks: BlockCache::new(index.segments.len()),
            index,
        })
    }

    /// The next rows, or nothing after the last one.
    pub fn next_batch(&mut self) -> Outcome<Option<BatchOut>> {
        self.index.check_open()?;
        let index = Arc::clone(&self.index);
        let mut order = match self.order.take() {
            Some(order) => order,
            None => self.start(&index)?,
        };
        let most_docs = match &order {
            Order::Stored { .. } => index
                .segments
                .iter()
                .map(|segment| segment.max_doc as usize)
                .sum(),
            Order::By { docs, next } => docs.len() - next,
        };
        // A guess at how many rows fit, so that wide batches of few documents do not claim memory for many.
        let capacity = most_docs
            .min(self.batch_docs)
            .min(self.batch_bytes / 64 + 1);
        let mut batch = Batch::new(&self.field_ids, index.schema.len(), capacity);
        let mut doc_ids = self.with_doc_ids.then(DocIds::default);
        match &mut order {
            Order::Stored {
                segment,
                block,
                doc,
            } => {
                self.fill_in_stored_order(&index, segment, block, doc, &mut batch, &mut doc_ids)?
            }
            Order::By { docs, next } => {
                self.fill_in_key_order(&index, docs, next, &mut batch, &mut doc_ids)?
            }
        }
        self.order = Some(order);
        if batch.rows() == 0 {
            return Ok(None);
        }
        Ok(Some(BatchOut {
            num_docs: batch.rows(),
            columns: batch.columns,
            doc_ids,
        }))
    }

    fn start(&mut self, index: &OpenIndex) -> Outcome<Order> {
        let mut unpacked = 0usize;
        for ordinal in 0..index.segments.len() {
            unpacked = unpacked.saturating_add(index.segment(ordinal)?.store.unpacked_len());
        }
        if unpacked > self.max_bytes {
            return Err(Failure::new(
                Code::Limit,
                format!(
                    "the documents unpack to {unpacked} bytes, more than the {} allowed",
                    self.max_bytes
                ),
            ));
        }
        match self.order_by.clone() {
            None => Ok(Order::Stored {
                segment: 0,
                block: 0,
                doc: 0,
            }),
            Some(field) => Ok(Order::By {
                docs: self.sorted_docs(index, &field)?,
                next: 0,
            }),
        }
    }

    fn is_full(&self, batch: &Batch) -> bool {
        batch.rows() >= self.batch_docs || batch.num_bytes() >= self.batch_bytes
    }

    fn fill_in_stored_order(
        &mut self,
        index: &OpenIndex,
        segment: &mut usize,
        block: &mut usize,
        doc: &mut u32,
        batch: &mut Batch,
        doc_ids: &mut Option<DocIds>,
    ) -> Outcome<()> {
        while *segment < index.segments.len() {
            let reader = index.segment(*segment)?;
            let store = &reader.store;
            while *block < store.num_blocks() {
                let (first, count) = store.block_docs(*block);
                let unpacked = self.blocks.sequential(store, *segment, *block)?;
                while *doc < count {
                    let id = first + *doc;
                    let bytes = unpacked.doc(*doc);
                    *doc += 1;
                    if !reader.is_alive(id) {
                        continue;
                    }
                    if let Some(range) = &self.range {
                        let key = key_of(store, id, bytes, &range.field)?;
                        if !key.is_some_and(|key| (range.min..=range.max).contains(&key)) {
                            continue;
                        }
                    }
                    batch
                        .push_doc(bytes, store.version(), self.multi_valued)
                        .map_err(|error| row_failure(store, id, &self.fields, error))?;
                    if let Some(ids) = doc_ids {
                        ids.segments.push(*segment as u32);
                        ids.docs.push(id);
                    }
                    if batch.rows() >= self.batch_docs || batch.num_bytes() >= self.batch_bytes {
                        return Ok(());
                    }
                }
                *block += 1;
                *doc = 0;
                self.index.check_open()?;
            }
            *segment += 1;
            *block = 0;
        }
        Ok(())
    }

    fn fill_in_key_order(
        &mut self,
        index: &OpenIndex,
        docs: &[DocAddress],
        next: &mut usize,
        batch: &mut Batch,
        doc_ids: &mut Option<DocIds>,
    ) -> Outcome<()> {
        while let Some(DocAddress { segment, doc }) = docs.get(*next).copied() {
            *next += 1;
            let store = &index.segment(segment as usize)?.store;
            let (block, first) = self.blocks.locate(store, segment as usize, doc);
            let unpacked = self.blocks.get(store, segment as usize, block)?;
            batch
                .push_doc(
                    unpacked.doc(doc - first),
                    store.version(),
                    self.multi_valued,
                )
                .map_err(|error| row_failure(store, doc, &self.fields, error))?;
            self.blocks.release(segment as usize, block);
            if let Some(ids) = doc_ids {
                ids.segments.push(segment);
                ids.docs.push(doc);
            }
            if self.is_full(batch) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Where the wanted documents are, by ascending key. Equal keys stay in stored order; documents without the field
    /// come last, also in stored order.
    fn sorted_docs(&mut self, index: &OpenIndex, field: &KeyField) -> Outcome<Vec<DocAddress>> {
        let num_docs: usize = index
            .segments
            .iter()
            .map(|segment| segment.max_doc as usize)
            .sum();
        let needed =
            num_docs.saturating_mul(size_of::<(u64, DocAddress)>() + size_of::<DocAddress>());
        if needed > self.max_bytes {
            return Err(Failure::new(
                Code::Limit,
                format!(
                    "ordering {num_docs} documents takes {needed} bytes, more than the {} allowed",
                    self.max_bytes
                ),
            ));
        }
        let mut keyed: Vec<(u64, DocAddress)> = Vec::with_capacity(num_docs);
        let mut without_key: Vec<DocAddress> = Vec::new();
        for ordinal in 0..index.segments.len() {
            let reader = index.segment(ordinal)?;
            let store = &reader.store;
            for block in 0..store.num_blocks() {
                index.check_open()?;
                let (first, count) = store.block_docs(block);
                let mut wanted = 0;
                let unpacked = self.blocks.sequential(store, ordinal, block)?;
                for position in 0..count {
                    let id = first + position;
                    if !reader.is_alive(id) {
                        continue;
                    }
                    let bytes = unpacked.doc(position);
                    if let Some(range) = &self.range {
                        let key = key_of(store, id, bytes, &range.field)?;
                        if !key.is_some_and(|key| (range.min..=range.max).contains(&key)) {
                            continue;
                        }
                    }
                    let address = DocAddress {
                        segment: ordinal as u32,
                        doc: id,
                    };
                    wanted += 1;
                    match key_of(store, id, bytes, field)? {
                        Some(key) => keyed.push((key, address)),
                        None => without_key.push(address),
                    }
                }
                self.blocks.keep_current(store, ordinal, block, wanted);
            }
        }
        // The sort is stable, and fast on runs that are already sorted, as segments often are.
        keyed.sort_by_key(|(key, _)| *key);
        let mut docs: Vec<DocAddress> = keyed.into_iter().map(|(_, address)| address).collect();
        docs.append(&mut without_key);
        Ok(docs)
    }
}

fn stored_field(index: &OpenIndex, name: &str) -> Outcome<(u32, ColumnType)> {
    let (id, field) = index.field(name)?;
    if !field.stored {
        return Err(Failure::new(
            Code::FieldType,
            format!("field '{name}' is not stored, so its values cannot be read"),
        ));
    }
    let kind = field.column_type.ok_or_else(|| {
        Failure::new(
            Code::FieldType,
            format!(
                "field '{name}' has the type {}, which cannot be read",
                field.type_name
            ),
        )
    })?;
    Ok((id, kind))
}

fn key_field(index: &OpenIndex, name: String) -> Outcome<KeyField> {
    let (id, kind) = stored_field(index, &name)?;
    match kind {
        ColumnType::I64 | ColumnType::U64 | ColumnType::Date => Ok(KeyField { name, id, kind }),
        _ => Err(Failure::new(
            Code::FieldType,
            format!(
                "field '{name}' has the type {}; a range or an order takes i64, u64 or date",
                kind.name()
            ),
        )),
    }
}

fn key_of(store: &DocStore, doc: u32, bytes: &[u8], field: &KeyField) -> Outcome<Option<u64>> {
    sort_key(bytes, field.id, field.kind, store.version())
        .map_err(|error| row_failure(store, doc, std::slice::from_ref(field), error))
}

/// A field as messages speak of it.
pub trait Named {
    fn name(&self) -> &str;
    fn type_name(&self) -> &str;
}

impl Named for KeyField {
    fn name(&self) -> &str {
        &self.name
    }

    fn type_name(&self) -> &str {
        self.kind.name()
    }
}

impl Named for (String, ColumnType) {
    fn name(&self) -> &str {
        &self.0
    }

    fn type_name(&self) -> &str {
        self.1.name()
    }
}

/// `fields` are those whose places the error counts.
pub fn row_failure(store: &DocStore, doc: u32, fields: &[impl Named], error: RowError) -> Failure {
    let name = |place: usize| fields.get(place).map_or("?", Named::name);
    match error {
        RowError::Malformed(what) => {
            Failure::corrupt(store.name(), format!("doc store: document {doc}: {what}"))
        }
        RowError::WrongType(place, code) => {
            let (name, found) = (name(place), type_name(code));
            let kind = fields.get(place).map_or("?", Named::type_name);
            let what = format!(
                "document {doc}: field '{name}' is {kind} in the schema, {found} where it is stored"
            );
            Failure::in_file(Code::FieldType, store.name(), what)
        }
        RowError::MultiValued(place) => {
            let what = format!(
                "document {doc}: field '{}' has more than one value",
                name(place)
            );
            Failure::in_file(Code::MultiValued, store.name(), what)
        }
    }
}

/// Unpacked blocks. In stored order one at a time is enough; in key order a block is kept until its last wanted
/// document is out, or until room is needed for others.
struct BlockCache {
    current: Block,
    current_place: Option<(usize, usize)>,
    segments: Vec<Vec<CachedBlock>>,
    /// The block last used in each segment: neighbours in key order are mostly neighbours in a block.
    hints: Vec<usize>,
    kept_bytes: usize,
    clock: u64,
}

#[derive(Default)]
struct CachedBlock {
    block: Option<Block>,
    last_used: u64,
    /// Wanted documents that are still to come.
    remaining: u32,
}

impl BlockCache {
    fn new(num_segments: usize) -> BlockCache {
        BlockCache {
            current: Block::default(),
            current_place: None,
            segments: (0..num_segments).map(|_| Vec::new()).collect(),
            hints: vec![0; num_segments],
            kept_bytes: 0,
            clock: 0,
        }
    }

    fn sequential(&mut self, store: &DocStore, segment: usize, block: usize) -> Outcome<&Block> {
        if self.current_place != Some((segment, block)) {
            self.current_place = None;
            let buffer = std::mem::take(&mut self.current).into_buffer();
            self.current = store.unpack(block, buffer)?;
            self.current_place = Some((segment, block));
        }
        Ok(&self.current)
    }

    /// After the keys of a block were read: notes how many of its documents are wanted, and keeps it if there is room.
    fn keep_current(&mut self, store: &DocStore, segment: usize, block: usize, wanted: u32) {
        let Some(slots) = self.segments.get_mut(segment) else {
            return;
        };
        if slots.is_empty() {
            slots.resize_with(store.num_blocks(), CachedBlock::default);
        }
        let Some(slot) = slots.get_mut(block) else {
            return;
        };
        slot.remaining = wanted;
        let length = self.current.unpacked_len();
        if wanted > 0 && self.kept_bytes + length <= CACHE_BYTES {
            slot.block = Some(std::mem::take(&mut self.current));
            self.current_place = None;
            self.kept_bytes += length;
        }
    }

    /// The block of a document, and the first document of that block.
    fn locate(&mut self, store: &DocStore, segment: usize, doc: u32) -> (usize, u32) {
        let hint = self.hints.get(segment).copied().unwrap_or(0);
        let (first, count) = store.block_docs(hint);
        if doc >= first && doc - first < count {
            return (hint, first);
        }
        let block = store.block_of(doc);
        if let Some(hint) = self.hints.get_mut(segment) {
            *hint = block;
        }
        (block, store.block_docs(block).0)
    }

    fn get(&mut self, store: &DocStore, segment: usize, block: usize) -> Outcome<&Block> {
        self.clock += 1;
        let missing = self
            .segments
            .get(segment)
            .and_then(|slots| slots.get(block))
            .is_some_and(|slot| slot.block.is_none());
        if missing {
            self.make_room(store.block_unpacked_len(block));
            let unpacked = store.unpack(block, Vec::new())?;
            self.kept_bytes += unpacked.unpacked_len();
            if let Some(slot) = self.segments[segment].get_mut(block) {
                slot.block = Some(unpacked);
            }
        }
        let clock = self.clock;
        self.segments
            .get_mut(segment)
            .and_then(|slots| slots.get_mut(block))
            .and_then(|slot| {
                slot.last_used = clock;
                slot.block.as_ref()
            })
            .ok_or_else(|| Failure::corrupt(store.name(), format!("doc store: no block {block}")))
    }

    /// One wanted document of the block is out; with the last one its memory goes.
    fn release(&mut self, segment: usize, block: usize) {
        let Some(slot) = self
            .segments
            .get_mut(segment)
            .and_then(|slots| slots.get_mut(block))
        else {
            return;
        };
        slot.remaining = slot.remaining.saturating_sub(1);
        if slot.remaining == 0
            && let Some(block) = slot.block.take()
        {
            self.kept_bytes -= block.unpacked_len();
        }
    }

    /// Drops the blocks that were not used for longest. It makes more room than is needed now, so that looking for them
    /// is not paid for with each block.
    fn make_room(&mut self, length: usize) {
        if self.kept_bytes + length <= CACHE_BYTES {
            return;
        }
        let target = (CACHE_BYTES / 4 * 3).saturating_sub(length);
        let mut kept: Vec<&mut CachedBlock> = self
            .segments
            .iter_mut()
            .flatten()
            .filter(|slot| slot.block.is_some())
            .collect();
        kept.sort_unstable_by_key(|slot| slot.last_used);
        for slot in kept {
            if self.kept_bytes <= target {
                break;
            }
            if let Some(block) = slot.block.take() {
                self.kept_bytes -= block.unpacked_len();
            }
        }
    }
}
