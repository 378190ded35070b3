import type { CompressionType, RecordBatchHeader, TimestampType } from './record.ts';
import { COMPRESSION_TYPES } from './record.ts';

/**
 * The RecordBatch V2 (magic 2) wire format, introduced by KIP-98 and extended by KIP-534. All
 * fixed-width integers are big-endian; a log segment file is batches back to back.
 *
 * ```
 * Batch =>
 *   BaseOffset           int64   at  0   offset of the first record the batch was made with
 *   BatchLength          int32   at  8   bytes that follow this field
 *   PartitionLeaderEpoch int32   at 12   set by the broker, so the CRC leaves it out
 *   Magic                int8    at 16   2
 *   Crc                  uint32  at 17   CRC-32C of all bytes from Attributes to the end
 *   Attributes           int16   at 21
 *   LastOffsetDelta      int32   at 23   stays when compaction removes the last records
 *   BaseTimestamp        int64   at 27   ms; the delete horizon when attribute bit 6 is set
 *   MaxTimestamp         int64   at 35   ms; under LogAppendTime the time of every record
 *   ProducerId           int64   at 43   -1 where the producer is not idempotent
 *   ProducerEpoch        int16   at 51
 *   BaseSequence         int32   at 53
 *   RecordCount          int32   at 57
 *   Records              bytes   at 61   as one compressed block when a codec is set
 *
 * Attributes, bits 15..0:
 *   15-7 unused | 6 delete horizon | 5 control | 4 transactional | 3 timestamp type | 2-0 codec
 *
 * Record =>
 *   Length          varint   bytes that follow
 *   Attributes      int8     unused
 *   TimestampDelta  varlong  against BaseTimestamp
 *   OffsetDelta     varint   against BaseOffset
 *   KeyLength       varint   -1 for null, then that many bytes
 *   ValueLength     varint   -1 for null, then that many bytes
 *   HeaderCount     varint
 *   Header          each: key length varint, key as UTF-8, value length varint (-1 for null), value
 * ```
 *
 * Varints are zigzag-encoded, 7 bits a byte, lowest first, as in Protocol Buffers' sint32/sint64.
 */
export const BASE_OFFSET_AT = 0;
export const BATCH_LENGTH_AT = BASE_OFFSET_AT + 8;
export const LEADER_EPOCH_AT = BATCH_LENGTH_AT + 4;
export const MAGIC_AT = LEADER_EPOCH_AT + 4;
export const CRC_AT = MAGIC_AT + 1;
export const ATTRIBUTES_AT = CRC_AT + 4;
export const LAST_OFFSET_DELTA_AT = ATTRIBUTES_AT + 2;
export const BASE_TIMESTAMP_AT = LAST_OFFSET_DELTA_AT + 4;
export const MAX_TIMESTAMP_AT = BASE_TIMESTAMP_AT + 8;
export const PRODUCER_ID_AT = MAX_TIMESTAMP_AT + 8;
export const PRODUCER_EPOCH_AT = PRODUCER_ID_AT + 8;
export const BASE_SEQUENCE_AT = PRODUCER_EPOCH_AT + 2;
export const RECORD_COUNT_AT = BASE_SEQUENCE_AT + 4;
export const RECORDS_AT = RECORD_COUNT_AT + 4;

/** BatchLength does not count itself and the base offset before it. */
export const LENGTH_OVERHEAD = BATCH_LENGTH_AT + 4;
export const MAGIC_V2 = 2;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;
const DELETE_HORIZON_BIT = 0x40;

export interface BatchAttributes {
  readonly compressionType: CompressionType;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** KIP-534: the base timestamp field holds the time after which tombstones may go. */
  readonly hasDeleteHorizon: boolean;
}

/** The attributes field of a batch with this header; the delete horizon bit is never set. */
export function packAttributes(
  header: Pick<
    RecordBatchHeader,
    'compressionType' | 'timestampType' | 'isTransactional' | 'isControl'
  >,
): number {
  return (
    COMPRESSION_TYPES.indexOf(header.compressionType) |
    (header.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_BIT : 0) |
    (header.isTransactional ? TRANSACTIONAL_BIT : 0) |
    (header.isControl ? CONTROL_BIT : 0)
  );
}

/** The parts of an attributes field, or null where the codec id is none that Kafka defines. */
export function unpackAttributes(attributes: number): BatchAttributes | null {
  const compressionType = COMPRESSION_TYPES[attributes & CODEC_MASK];
  if (compressionType === undefined) return null;
  return {
    compressionType,
    timestampType: attributes & LOG_APPEND_TIME_BIT ? 'LogAppendTime' : 'CreateTime',
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    hasDeleteHorizon: (attributes & DELETE_HORIZON_BIT) !== 0,
  };
}
