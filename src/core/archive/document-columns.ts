import type { BlobColumn, ColumnBatch } from 'tantivy-napi';
import type { BytesColumn, RecordColumns } from '../record-batch/record-columns.ts';
import { ArchiveError } from './archive-error.ts';
import type { ArchiveFieldName } from './archive-schema.ts';

/** What `recordColumns` reads; `_sequence` is left out, being base sequence + index. */
export const RECORD_FIELDS = [
  '_offset',
  '_ts',
  '_key',
  '_value',
  '_headers',
  '_attributes',
  '_base_offset',
  '_partition_leader_epoch',
  '_producer_id',
  '_producer_epoch',
  '_base_sequence',
  '_is_transactional',
  '_is_control',
  '_compression',
  '_timestamp_type',
] as const satisfies readonly ArchiveFieldName[];

/**
 * Tantivy's stored columns as records. Checks every value's range, since a value cut to its type's
 * width would be another record. Throws ArchiveError `archive-record-invalid` with field and row.
 */
export function recordColumns(batch: ColumnBatch): RecordColumns {
  const rows = batch.numDocs;
  const offset = int64Column(batch, '_offset', 'i64');
  for (let row = 0; row < rows; row++) {
    if ((offset[row] ?? -1n) < 0n) throw invalid('_offset', row, 'the offset is negative');
  }
  return {
    length: rows,
    offset,
    timestamp: milliseconds(int64Column(batch, '_ts', 'date')),
    key: bytesColumn(batch, '_key', 'bytes'),
    value: bytesColumn(batch, '_value', 'bytes'),
    headers: bytesColumn(batch, '_headers', 'text'),
    attributes: narrow(batch, '_attributes', new Int8Array(rows), -128, 127),
    baseOffset: int64Column(batch, '_base_offset', 'i64'),
    partitionLeaderEpoch: narrow(
      batch,
      '_partition_leader_epoch',
      new Int32Array(rows),
      -(2 ** 31),
      2 ** 31 - 1,
    ),
    producerId: int64Column(batch, '_producer_id', 'i64'),
    producerEpoch: narrow(batch, '_producer_epoch', new Int16Array(rows), -(2 ** 15), 2 ** 15 - 1),
    baseSequence: narrow(batch, '_base_sequence', new Int32Array(rows), -(2 ** 31), 2 ** 31 - 1),
    isTransactional: boolColumn(batch, '_is_transactional'),
    isControl: boolColumn(batch, '_is_control'),
    compression: narrow(batch, '_compression', new Uint8Array(rows), 0, 4),
    timestampType: narrow(batch, '_timestamp_type', new Uint8Array(rows), 0, 1),
  };
}

function int64Column(
  batch: ColumnBatch,
  name: ArchiveFieldName,
  type: 'i64' | 'date',
): BigInt64Array {
  const found = batch.columns[name];
  if (found?.type !== type) throw differs(name, type);
  requireValues(found.nulls, name);
  return found.values;
}

function boolColumn(batch: ColumnBatch, name: ArchiveFieldName): Uint8Array {
  const found = batch.columns[name];
  if (found?.type !== 'bool') throw differs(name, 'bool');
  requireValues(found.nulls, name);
  return found.values;
}

function bytesColumn(
  batch: ColumnBatch,
  name: ArchiveFieldName,
  type: BlobColumn['type'],
): BytesColumn {
  const found = batch.columns[name];
  if (found?.type !== 'bytes' && found?.type !== 'text') throw differs(name, type);
  return { data: found.data, offsets: found.offsets, nulls: found.nulls };
}

/**
 * Copies a 64-bit column into a narrower one. The 64-bit words are read as pairs of 32-bit halves,
 * which spares a BigInt a value.
 */
function narrow<T extends Int8Array | Int16Array | Int32Array | Uint8Array>(
  batch: ColumnBatch,
  name: ArchiveFieldName,
  target: T,
  min: number,
  max: number,
): T {
  const found = batch.columns[name];
  if (found?.type !== 'i64' && found?.type !== 'u64') throw differs(name, 'i64 or u64');
  requireValues(found.nulls, name);
  const halves = int32Halves(found.values);
  for (let row = 0; row < target.length; row++) {
    const low = halves[2 * row] ?? 0;
    const high = halves[2 * row + 1] ?? 0;
    // A value fits 32 bits when the upper half only repeats the sign of the lower one.
    if (high !== low >> 31 || low < min || low > max) {
      throw invalid(name, row, `the value is not between ${min} and ${max}`);
    }
    target[row] = low;
  }
  return target;
}

/**
 * Nanoseconds -> milliseconds, rounded down. With ns = high * 2^32 + low and 2^32 = 4294 * 10^6 +
 * 967296, all steps stay below 2^53 and are exact.
 */
function milliseconds(nanoseconds: BigInt64Array): BigInt64Array {
  const halves = int32Halves(nanoseconds);
  const result = new BigInt64Array(nanoseconds.length);
  const target = int32Halves(result);
  for (let row = 0; row < nanoseconds.length; row++) {
    const low = (halves[2 * row] ?? 0) >>> 0;
    const high = halves[2 * row + 1] ?? 0;
    const ms = high * 4294 + Math.floor((high * 967296 + low) / 1_000_000);
    const upper = Math.floor(ms / 2 ** 32);
    target[2 * row] = ms - upper * 2 ** 32;
    target[2 * row + 1] = upper;
  }
  return result;
}

/** The little-endian halves of 64-bit words, low before high: every platform that Node runs on. */
function int32Halves(values: BigInt64Array | BigUint64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

function requireValues(nulls: Uint8Array | null, name: ArchiveFieldName): void {
  const byte = nulls?.findIndex((bits) => bits !== 0) ?? -1;
  if (byte === -1) return;
  const bit = Math.log2((nulls?.[byte] ?? 1) & -(nulls?.[byte] ?? 1));
  throw invalid(name, byte * 8 + bit, 'the document has no such value');
}

function differs(field: ArchiveFieldName, expected: string): ArchiveError {
  return new ArchiveError('archive-schema-differs', { field, expected });
}

function invalid(field: ArchiveFieldName, row: number, why: string): ArchiveError {
  return new ArchiveError('archive-record-invalid', { field, row, why });
}
