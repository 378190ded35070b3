/**
 * A variable-length column: one blob of bytes, and where each value lies in it. Null and empty are
 * told apart by the bitmap alone.
 */
export interface BytesColumn {
  readonly data: Uint8Array;
  /** length + 1 ascending positions in `data`; value i is data[offsets[i], offsets[i + 1]). */
  readonly offsets: Uint32Array;
  /** Bit i (byte i >> 3, bit i & 7) is 1 where value i is null; null when no value is. */
  readonly nulls: Uint8Array | null;
}

/**
 * Records of one partition in columns, in ascending offset order: how they travel from an archive
 * to the batch encoder without an object a record. All columns have `length` values.
 */
export interface RecordColumns {
  readonly length: number;
  readonly offset: BigInt64Array;
  /** Epoch ms. */
  readonly timestamp: BigInt64Array;
  readonly key: BytesColumn;
  readonly value: BytesColumn;
  /** JSON text `[{"key":"h","value":[104,105]}]`, value null or bytes; null or `[]` for no headers. */
  readonly headers: BytesColumn;
  /** The record's own attributes byte. */
  readonly attributes: Int8Array;
  readonly baseOffset: BigInt64Array;
  readonly partitionLeaderEpoch: Int32Array;
  readonly producerId: BigInt64Array;
  readonly producerEpoch: Int16Array;
  readonly baseSequence: Int32Array;
  readonly isTransactional: Uint8Array;
  readonly isControl: Uint8Array;
  /** Kafka's compression id, 0..4. */
  readonly compression: Uint8Array;
  /** 0 CreateTime, 1 LogAppendTime. */
  readonly timestampType: Uint8Array;
}

/** Rows [from, to) of a column, without copying its bytes. */
export function sliceBytesColumn(column: BytesColumn, from: number, to: number): BytesColumn {
  return {
    data: column.data,
    offsets: column.offsets.subarray(from, to + 1),
    nulls: column.nulls === null ? null : copyBits(column.nulls, from, to),
  };
}

/** Whether row `row` of the column is null. */
export function isNullAt(column: BytesColumn, row: number): boolean {
  return column.nulls !== null && ((column.nulls[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}

/** The value of row `row`, a view of the column's bytes; null where it is null. */
export function bytesAt(column: BytesColumn, row: number): Uint8Array | null {
  if (isNullAt(column, row)) return null;
  return column.data.subarray(column.offsets[row], column.offsets[row + 1]);
}

/** Rows [from, to); the typed arrays are views of the given ones. */
export function sliceRecordColumns(
  columns: RecordColumns,
  from: number,
  to: number,
): RecordColumns {
  return {
    length: to - from,
    offset: columns.offset.subarray(from, to),
    timestamp: columns.timestamp.subarray(from, to),
    key: sliceBytesColumn(columns.key, from, to),
    value: sliceBytesColumn(columns.value, from, to),
    headers: sliceBytesColumn(columns.headers, from, to),
    attributes: columns.attributes.subarray(from, to),
    baseOffset: columns.baseOffset.subarray(from, to),
    partitionLeaderEpoch: columns.partitionLeaderEpoch.subarray(from, to),
    producerId: columns.producerId.subarray(from, to),
    producerEpoch: columns.producerEpoch.subarray(from, to),
    baseSequence: columns.baseSequence.subarray(from, to),
    isTransactional: columns.isTransactional.subarray(from, to),
    isControl: columns.isControl.subarray(from, to),
    compression: columns.compression.subarray(from, to),
    timestampType: columns.timestampType.subarray(from, to),
  };
}

/** The rows of `a`, then those of `b`, in new arrays. */
export function concatRecordColumns(a: RecordColumns, b: RecordColumns): RecordColumns {
  const length = a.length + b.length;
  return {
    length,
    offset: concatInto(new BigInt64Array(length), a.offset, b.offset),
    timestamp: concatInto(new BigInt64Array(length), a.timestamp, b.timestamp),
    key: concatBytesColumns(a.key, b.key),
    value: concatBytesColumns(a.value, b.value),
    headers: concatBytesColumns(a.headers, b.headers),
    attributes: concatInto(new Int8Array(length), a.attributes, b.attributes),
    baseOffset: concatInto(new BigInt64Array(length), a.baseOffset, b.baseOffset),
    partitionLeaderEpoch: concatInto(
      new Int32Array(length),
      a.partitionLeaderEpoch,
      b.partitionLeaderEpoch,
    ),
    producerId: concatInto(new BigInt64Array(length), a.producerId, b.producerId),
    producerEpoch: concatInto(new Int16Array(length), a.producerEpoch, b.producerEpoch),
    baseSequence: concatInto(new Int32Array(length), a.baseSequence, b.baseSequence),
    isTransactional: concatInto(new Uint8Array(length), a.isTransactional, b.isTransactional),
    isControl: concatInto(new Uint8Array(length), a.isControl, b.isControl),
    compression: concatInto(new Uint8Array(length), a.compression, b.compression),
    timestampType: concatInto(new Uint8Array(length), a.timestampType, b.timestampType),
  };
}

interface Settable<T> {
  readonly length: number;
  set(values: T, at: number): void;
}

function concatInto<T extends Settable<T>>(target: T, a: T, b: T): T {
  target.set(a, 0);
  target.set(b, a.length);
  return target;
}

function concatBytesColumns(a: BytesColumn, b: BytesColumn): BytesColumn {
  const rowsA = a.offsets.length - 1;
  const rowsB = b.offsets.length - 1;
  const startA = a.offsets[0] ?? 0;
  const bytesA = (a.offsets[rowsA] ?? 0) - startA;
  const startB = b.offsets[0] ?? 0;
  const bytesB = (b.offsets[rowsB] ?? 0) - startB;
  const data = new Uint8Array(bytesA + bytesB);
  data.set(a.data.subarray(startA, startA + bytesA), 0);
  data.set(b.data.subarray(startB, startB + bytesB), bytesA);
  const offsets = new Uint32Array(rowsA + rowsB + 1);
  for (let row = 0; row <= rowsA; row++) offsets[row] = (a.offsets[row] ?? 0) - startA;
  for (let row = 1; row <= rowsB; row++) {
    offsets[rowsA + row] = (b.offsets[row] ?? 0) - startB + bytesA;
  }
  return { data, offsets, nulls: concatNulls(a, rowsA, b, rowsB) };
}

function concatNulls(
  a: BytesColumn,
  rowsA: number,
  b: BytesColumn,
  rowsB: number,
): Uint8Array | null {
  if (a.nulls === null && b.nulls === null) return null;
  const bits = new Uint8Array((rowsA + rowsB + 7) >> 3);
  for (let row = 0; row < rowsA; row++) if (isNullAt(a, row)) setBit(bits, row);
  for (let row = 0; row < rowsB; row++) if (isNullAt(b, row)) setBit(bits, rowsA + row);
  return bits;
}

function copyBits(source: Uint8Array, from: number, to: number): Uint8Array | null {
  const bits = new Uint8Array((to - from + 7) >> 3);
  let any = false;
  for (let row = from; row < to; row++) {
    if (((source[row >> 3] ?? 0) & (1 << (row & 7))) === 0) continue;
    setBit(bits, row - from);
    any = true;
  }
  return any ? bits : null;
}

function setBit(bits: Uint8Array, row: number): void {
  bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
}
