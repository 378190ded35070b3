/**
 * The twelve fields of an entry, in the order in which Chronik writes them and in which serde reads
 * an entry that is written as an array. All are required; any other field is ignored by the server.
 */
export const ENTRY_FIELDS = [
  { name: 'segment_id', type: 'string' },
  { name: 'topic', type: 'string' },
  { name: 'partition', type: 'i32' },
  { name: 'min_offset', type: 'i64' },
  { name: 'max_offset', type: 'i64' },
  { name: 'record_count', type: 'u64' },
  { name: 'min_timestamp', type: 'i64' },
  { name: 'max_timestamp', type: 'i64' },
  { name: 'object_store_path', type: 'string' },
  { name: 'size_bytes', type: 'u64' },
  { name: 'created_at', type: 'i64' },
  { name: 'compression', type: 'string' },
] as const;

export type FieldType = (typeof ENTRY_FIELDS)[number]['type'];

/** Positions in ENTRY_FIELDS. */
export const FIELD = {
  segmentId: 0,
  topic: 1,
  partition: 2,
  minOffset: 3,
  maxOffset: 4,
  recordCount: 5,
  minTimestamp: 6,
  maxTimestamp: 7,
  objectStorePath: 8,
  sizeBytes: 9,
  createdAt: 10,
  compression: 11,
} as const;

/** Inclusive ranges; `usize` is 64 bits wide on every platform that Chronik is built for. */
export const INTEGER_RANGES = {
  i32: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  i64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  u64: { min: 0n, max: 2n ** 64n - 1n },
} as const;

/** What an error message says was expected of a field. */
export const EXPECTED: Readonly<Record<FieldType, string>> = {
  string: 'a string',
  i32: 'an integer from -2147483648 to 2147483647',
  i64: 'an integer from -9223372036854775808 to 9223372036854775807',
  u64: 'an integer from 0 to 18446744073709551615',
};
