/**
 * One entry of Chronik's `segment_index.json`, as the server's `SegmentMetadata` has it.
 * int64 and uint64 fields are bigint: i64::MIN stands in real files, and JSON numbers would lose it.
 */
export interface SegmentEntry {
  readonly segmentId: string;
  readonly topic: string;
  /** i32 */
  readonly partition: number;
  /** i64, inclusive */
  readonly minOffset: bigint;
  /** i64, inclusive; max_offset - min_offset + 1 is larger than recordCount where there are holes. */
  readonly maxOffset: bigint;
  /** u64 */
  readonly recordCount: bigint;
  /** i64, epoch ms: the smallest base timestamp of a batch, which may be larger than a record's. */
  readonly minTimestamp: bigint;
  /** i64, epoch ms. -9223372036854775808 where the server lost it. */
  readonly maxTimestamp: bigint;
  /** The literal store key, spelled as the server's data dir was spelled. */
  readonly objectStorePath: string;
  /** u64 */
  readonly sizeBytes: bigint;
  /** i64, epoch SECONDS: when the archive was indexed, not when its records were written. */
  readonly createdAtSeconds: bigint;
  /** Always the literal "snappy", although the file is gzip. */
  readonly compression: string;
}

/** What the server writes as max_timestamp where it took a minimum instead of a maximum. */
export const LOST_MAX_TIMESTAMP = -(2n ** 63n);
