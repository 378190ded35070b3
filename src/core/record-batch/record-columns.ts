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
