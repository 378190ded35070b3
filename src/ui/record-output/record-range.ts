import {
  type BytesColumn,
  bytesAt as columnBytesAt,
  type RecordColumns,
} from '../../core/record-batch/record-columns.ts';

/** Rows `from` (inclusive) to `to` (exclusive) of one partition's columns. */
export interface RecordRange {
  readonly topic: string;
  readonly partition: number;
  readonly columns: RecordColumns;
  readonly from: number;
  readonly to: number;
}

/** Value `i` of a typed array that is known to be long enough. */
export function at<T>(column: { readonly [index: number]: T }, i: number): T {
  const value = column[i];
  if (value === undefined) throw new RangeError(`row ${i} is outside of its column`);
  return value;
}

/** The bytes of value `i`, a view of the column's, or null. */
export function bytesAt(column: BytesColumn, i: number): Buffer | null {
  return asBuffer(columnBytesAt(column, i));
}

/** The same bytes under Buffer's methods. */
export function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The range in pieces of at most `maxBytes` of key, value and header bytes and `maxRows` rows, one
 * row at least: what is made of a piece stays far below the 512 MiB that a JS string can hold.
 */
export function* splitRange(
  range: RecordRange,
  maxRows: number,
  maxBytes: number,
): Generator<RecordRange> {
  const { key, value, headers } = range.columns;
  const position = (i: number) =>
    at(key.offsets, i) + at(value.offsets, i) + at(headers.offsets, i);
  let from = range.from;
  while (from < range.to) {
    const start = position(from);
    const last = Math.min(range.to, from + maxRows);
    let to = from + 1;
    while (to < last && position(to + 1) - start <= maxBytes) to++;
    yield { ...range, from, to };
    from = to;
  }
}
