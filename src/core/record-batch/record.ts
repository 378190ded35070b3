/** Kafka's compression types in the order of their ids in a batch's attributes (bits 0-2). */
export const COMPRESSION_TYPES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CompressionType = (typeof COMPRESSION_TYPES)[number];

/** Attribute bit 3: 0 is CreateTime, 1 is LogAppendTime. */
export const TIMESTAMP_TYPES = ['CreateTime', 'LogAppendTime'] as const;
export type TimestampType = (typeof TIMESTAMP_TYPES)[number];

export interface RecordHeader {
  readonly key: string;
  /** null and zero-length are different values. */
  readonly value: Uint8Array | null;
}

export interface KafkaRecord {
  readonly offset: bigint;
  /** Epoch ms; -1 where the producer set none. */
  readonly timestamp: bigint;
  /** null and zero-length are different values. */
  readonly key: Uint8Array | null;
  /** null is a tombstone; zero-length is a value. */
  readonly value: Uint8Array | null;
  /** In the producer's order, duplicates included. */
  readonly headers: readonly RecordHeader[];
  /** The record's own attributes byte; unused by Kafka, 0 in practice. */
  readonly attributes: number;
}

/** The fields of a RecordBatch V2 header that its bytes can't be rebuilt without. */
export interface RecordBatchHeader {
  readonly baseOffset: bigint;
  readonly partitionLeaderEpoch: number;
  readonly compressionType: CompressionType;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** -1 where the producer is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}
