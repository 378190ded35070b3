import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_OVERHEAD,
  MAGIC_AT,
  MAGIC_V2,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  packAttributes,
  RECORD_COUNT_AT,
  RECORDS_AT,
} from './batch-layout.ts';
import { type Codecs, codecOf } from './compression/codec.ts';
import { crc32c } from './crc32c.ts';
import { type EncodedRecords, RecordsWriter } from './encode-records.ts';
import type { BatchRange } from './group-batches.ts';
import type { RecordBatchHeader } from './record.ts';
import type { RecordColumns } from './record-columns.ts';

/**
 * Builds RecordBatch V2 bytes from rows of columns. One encoder serves many batches: it keeps its
 * working memory, which grows to the largest batch met.
 *
 * What the rows can't tell is set so that readers find the same records: the base timestamp is the
 * first record's, the max timestamp the largest one's, the last offset delta that of the last record,
 * the delete horizon is unset. Under LogAppendTime readers take the max timestamp for every record.
 */
export class BatchEncoder {
  readonly #codecs: Codecs;
  readonly #writer = new RecordsWriter();

  /** Batches of a compression type that is not among the codecs can't be encoded; `none` always can. */
  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /**
   * The bytes of one batch, in memory of their own.
   *
   * @throws SegctlError `batch-offset-range`, `headers-malformed`, `batch-too-large`.
   */
  encode(columns: RecordColumns, { from, to, header }: BatchRange): Uint8Array {
    if (from < 0 || to > columns.length || from >= to) {
      throw new RangeError(`rows ${from} to ${to} of ${columns.length}`);
    }
    const records = this.#writer.write(columns, from, to, header.baseOffset, RECORDS_AT);
    const batch = this.#pack(records, header);
    writeHeader(batch, header, records, to - from);
    return batch;
  }

  /** A batch without its header. */
  #pack({ end }: EncodedRecords, { compressionType }: RecordBatchHeader): Uint8Array {
    if (compressionType === 'none') return this.#writer.bytes.slice(0, end);
    const codec = codecOf(this.#codecs, compressionType);
    const payload = codec.compress(this.#writer.bytes.subarray(RECORDS_AT, end));
    const batch = new Uint8Array(RECORDS_AT + payload.length);
    batch.set(payload, RECORDS_AT);
    return batch;
  }
}

function writeHeader(
  batch: Uint8Array,
  header: RecordBatchHeader,
  records: EncodedRecords,
  recordCount: number,
): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  view.setBigInt64(BASE_OFFSET_AT, header.baseOffset);
  view.setInt32(BATCH_LENGTH_AT, batch.length - LENGTH_OVERHEAD);
  view.setInt32(LEADER_EPOCH_AT, header.partitionLeaderEpoch);
  view.setInt8(MAGIC_AT, MAGIC_V2);
  view.setInt16(ATTRIBUTES_AT, packAttributes(header));
  view.setInt32(LAST_OFFSET_DELTA_AT, records.lastOffsetDelta);
  view.setBigInt64(BASE_TIMESTAMP_AT, records.baseTimestamp);
  view.setBigInt64(MAX_TIMESTAMP_AT, records.maxTimestamp);
  view.setBigInt64(PRODUCER_ID_AT, header.producerId);
  view.setInt16(PRODUCER_EPOCH_AT, header.producerEpoch);
  view.setInt32(BASE_SEQUENCE_AT, header.baseSequence);
  view.setInt32(RECORD_COUNT_AT, recordCount);
  view.setUint32(CRC_AT, crc32c(batch.subarray(ATTRIBUTES_AT)));
}
