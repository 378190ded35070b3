import { SegctlError } from '../segctl-error.ts';
import { HeadersWriter } from './encode-headers.ts';
import { Int64Column } from './int64-columns.ts';
import type { BytesColumn, RecordColumns } from './record-columns.ts';
import {
  isFastVarlong,
  sizeOfBigVarlong,
  sizeOfVarint,
  sizeOfVarlong,
  writeBigVarlong,
  writeVarint,
  writeVarlong,
} from './varint.ts';

const INITIAL_BYTES = 64 * 1024;
/** Below this a loop beats the two views that a bulk copy needs. */
const BULK_COPY_BYTES = 40;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const MAX_INT32 = 2 ** 31 - 1;
/** BatchLength is an int32. */
const MAX_RECORDS_BYTES = 2 ** 31 - 1 - 64;

/** Where the encoder leaves what the batch header says about the records. */
export interface EncodedRecords {
  /** In the writer's own memory, overwritten by its next call; `reserved` bytes lie before it. */
  readonly end: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
}

/**
 * Writes the records section of batches (layout in batch-layout.ts) into one buffer that grows and
 * is used again, straight from columns, without an object a record.
 */
export class RecordsWriter {
  /** The buffer; another one after each growth. */
  bytes = new Uint8Array(INITIAL_BYTES);
  readonly #headers = new HeadersWriter();

  /**
   * Writes the rows [from, to) from position `reserved` on. Timestamps are written against that of
   * the first row: every producer known does so, and the archive does not keep what was written.
   *
   * @throws SegctlError `batch-offset-range` where an offset does not fit the batch,
   * `headers-malformed`, `batch-too-large`.
   */
  write(
    columns: RecordColumns,
    from: number,
    to: number,
    baseOffset: bigint,
    reserved: number,
  ): EncodedRecords {
    const offsets = new Int64Column(columns.offset);
    const timestamps = new Int64Column(columns.timestamp);
    const firstDelta = Number(offsets.at(from) - baseOffset);
    let position = reserved;
    let maxRow = from;
    let offsetDelta = firstDelta;
    for (let row = from; row < to; row++) {
      offsetDelta = firstDelta + offsets.difference(row, from);
      if (offsetDelta < 0 || offsetDelta > MAX_INT32) {
        throw offsetOutOfRange(offsets.at(row), baseOffset);
      }
      const timestampDelta = timestamps.difference(row, from);
      if (timestamps.difference(row, maxRow) > 0) maxRow = row;
      position = isFastVarlong(timestampDelta)
        ? this.#writeRecord(columns, row, position, offsetDelta, timestampDelta, null)
        : this.#writeRecord(
            columns,
            row,
            position,
            offsetDelta,
            0,
            // Far ends of the int64 range wrap around, here as in every reader's addition.
            BigInt.asIntN(64, timestamps.at(row) - timestamps.at(from)),
          );
    }
    return {
      end: position,
      lastOffsetDelta: offsetDelta,
      baseTimestamp: timestamps.at(from),
      maxTimestamp: timestamps.at(maxRow),
    };
  }

  #writeRecord(
    columns: RecordColumns,
    row: number,
    start: number,
    offsetDelta: number,
    timestampDelta: number,
    bigTimestampDelta: bigint | null,
  ): number {
    const keyBytes = lengthAt(columns.key, row);
    const valueBytes = lengthAt(columns.value, row);
    const headersBytes = this.#writeHeaders(columns.headers, row);
    const bodyBytes =
      1 +
      (bigTimestampDelta === null
        ? sizeOfVarlong(timestampDelta)
        : sizeOfBigVarlong(bigTimestampDelta)) +
      sizeOfVarint(offsetDelta) +
      sizeOfVarint(keyBytes) +
      Math.max(keyBytes, 0) +
      sizeOfVarint(valueBytes) +
      Math.max(valueBytes, 0) +
      headersBytes;
    this.#reserve(start, bodyBytes + 5);

    const target = this.bytes;
    let at = writeVarint(target, start, bodyBytes);
    target[at++] = columns.attributes[row] ?? 0;
    at =
      bigTimestampDelta === null
        ? writeVarlong(target, at, timestampDelta)
        : writeBigVarlong(target, at, bigTimestampDelta);
    at = writeVarint(target, at, offsetDelta);
    at = writeVarint(target, at, keyBytes);
    if (keyBytes > 0)
      at = copyBytes(columns.key.data, columns.key.offsets[row] ?? 0, keyBytes, target, at);
    at = writeVarint(target, at, valueBytes);
    if (valueBytes > 0)
      at = copyBytes(columns.value.data, columns.value.offsets[row] ?? 0, valueBytes, target, at);
    return copyBytes(this.#headers.bytes, 0, headersBytes, target, at);
  }

  /** Leaves the header count and headers of a row at the start of the headers writer's bytes. */
  #writeHeaders(column: BytesColumn, row: number): number {
    const length = lengthAt(column, row);
    const { data, offsets } = column;
    const start = offsets[row] ?? 0;
    const isEmpty =
      length <= 0 ||
      (length === 2 && data[start] === OPENING_BRACKET && data[start + 1] === CLOSING_BRACKET);
    if (!isEmpty) return this.#headers.write(data, start, start + length);
    this.#headers.bytes[0] = 0;
    return 1;
  }

  #reserve(used: number, more: number): void {
    const needed = used + more;
    if (needed <= this.bytes.length) return;
    if (needed > MAX_RECORDS_BYTES) throw tooLarge(needed);
    const grown = new Uint8Array(
      Math.min(MAX_RECORDS_BYTES, Math.max(needed, this.bytes.length * 2)),
    );
    grown.set(this.bytes.subarray(0, used));
    this.bytes = grown;
  }
}

/** Value i's length, -1 for null. */
function lengthAt(column: BytesColumn, row: number): number {
  const { nulls, offsets } = column;
  if (nulls !== null && ((nulls[row >> 3] ?? 0) >> (row & 7)) & 1) return -1;
  return (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
}

/** Returns the position after the copy. */
function copyBytes(
  source: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  at: number,
): number {
  if (length >= BULK_COPY_BYTES) {
    target.set(source.subarray(start, start + length), at);
  } else {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i] ?? 0;
  }
  return at + length;
}

function offsetOutOfRange(offset: bigint, baseOffset: bigint): SegctlError {
  return new SegctlError(`offset ${offset} does not fit a batch with base offset ${baseOffset}`, {
    code: 'batch-offset-range',
    facts: { offset, baseOffset },
  });
}

function tooLarge(bytes: number): SegctlError {
  return new SegctlError(`a batch can't hold ${bytes} bytes of records`, {
    code: 'batch-too-large',
    facts: { recordsBytes: bytes, maxBytes: MAX_RECORDS_BYTES },
  });
}
