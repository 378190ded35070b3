import { SegctlError } from '../segctl-error.ts';
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
  RECORD_COUNT_AT,
  RECORDS_AT,
  unpackAttributes,
} from './batch-layout.ts';
import { crc32c } from './crc32c.ts';
import type { RecordBatchHeader } from './record.ts';

/** All that a batch's first 61 bytes tell, and where they were found. */
export interface BatchInfo extends RecordBatchHeader {
  /** Byte of the batch's start in what was read. */
  readonly position: number;
  /** The whole batch, header included. */
  readonly sizeBytes: number;
  readonly crc: number;
  readonly crcValid: boolean;
  readonly lastOffset: bigint;
  readonly lastOffsetDelta: number;
  /** As the header has it, not checked against the records. */
  readonly recordCount: number;
  /** What the records' timestamps count from, ms; also where it is the delete horizon. */
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** KIP-534, ms; null where it is unset. */
  readonly deleteHorizonMs: bigint | null;
}

export interface EncodedBatch {
  readonly info: BatchInfo;
  /** The records section as it is, a view of the bytes read: packed where there is a codec. */
  readonly payload: Uint8Array;
}

export interface ReadBatchesOptions {
  /** `throw` (the default) on a CRC that does not match, or only `flag` it in the batch's info. */
  readonly onCrcMismatch?: 'throw' | 'flag';
}

/**
 * Reads the headers of batches laid back to back, as in a log segment file or a fetch response, one
 * at a time. The records are not touched but for the CRC.
 *
 * @throws SegctlError with the batch's byte position: `batch-truncated` where the bytes end inside a
 * batch, `batch-malformed` where a field can't be, `batch-magic-unsupported`, `batch-crc-mismatch`.
 */
export function* readBatches(
  bytes: Uint8Array,
  { onCrcMismatch = 'throw' }: ReadBatchesOptions = {},
): Generator<EncodedBatch, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 0; position < bytes.length; ) {
    const sizeBytes = checkedSize(view, position);
    const batch = bytes.subarray(position, position + sizeBytes);
    const info = readInfo(batch, position);
    if (!info.crcValid && onCrcMismatch === 'throw') throw crcMismatch(info, batch);
    yield { info, payload: batch.subarray(RECORDS_AT) };
    position += sizeBytes;
  }
}

/** The size of the batch at a position, after checking that it is one and is all there. */
function checkedSize(view: DataView, position: number): number {
  const availableBytes = view.byteLength - position;
  if (availableBytes <= MAGIC_AT) throw truncated(position, availableBytes, null);
  const lengthField = view.getInt32(position + BATCH_LENGTH_AT);
  const sizeBytes = lengthField + LENGTH_OVERHEAD;
  // The magic comes first: a v0 or v1 message may be shorter than a V2 header.
  const magic = view.getInt8(position + MAGIC_AT);
  if (magic !== MAGIC_V2) throw unsupportedMagic(position, magic);
  if (sizeBytes < RECORDS_AT) {
    throw malformed(position, `its length is ${lengthField}, less than a header takes`);
  }
  if (sizeBytes > availableBytes) throw truncated(position, availableBytes, sizeBytes);
  return sizeBytes;
}

function readInfo(batch: Uint8Array, position: number): BatchInfo {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const bits = view.getInt16(ATTRIBUTES_AT);
  const attributes = unpackAttributes(bits);
  if (attributes === null) {
    throw malformed(position, `its attributes ${bits} name no known compression type`);
  }
  const { hasDeleteHorizon, ...flags } = attributes;
  const lastOffsetDelta = view.getInt32(LAST_OFFSET_DELTA_AT);
  const recordCount = view.getInt32(RECORD_COUNT_AT);
  if (lastOffsetDelta < 0) throw malformed(position, `last offset delta ${lastOffsetDelta}`);
  if (recordCount < 0) throw malformed(position, `record count ${recordCount}`);
  const baseOffset = view.getBigInt64(BASE_OFFSET_AT);
  const baseTimestamp = view.getBigInt64(BASE_TIMESTAMP_AT);
  const crc = view.getUint32(CRC_AT);
  return {
    position,
    sizeBytes: batch.length,
    crc,
    crcValid: crc32c(batch.subarray(ATTRIBUTES_AT)) === crc,
    ...flags,
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    lastOffsetDelta,
    recordCount,
    baseTimestamp,
    maxTimestamp: view.getBigInt64(MAX_TIMESTAMP_AT),
    deleteHorizonMs: hasDeleteHorizon ? baseTimestamp : null,
    partitionLeaderEpoch: view.getInt32(LEADER_EPOCH_AT),
    producerId: view.getBigInt64(PRODUCER_ID_AT),
    producerEpoch: view.getInt16(PRODUCER_EPOCH_AT),
    baseSequence: view.getInt32(BASE_SEQUENCE_AT),
  };
}

function truncated(
  position: number,
  availableBytes: number,
  sizeBytes: number | null,
): SegctlError {
  return new SegctlError(`a record batch is cut short at byte ${position}`, {
    code: 'batch-truncated',
    facts: { position, availableBytes, sizeBytes },
  });
}

function unsupportedMagic(position: number, magic: number): SegctlError {
  const what =
    magic === 0 || magic === 1
      ? `a message set of magic ${magic}, which Kafka wrote before 0.11,`
      : `a record batch of unknown magic ${magic}`;
  return new SegctlError(`${what} is not supported, at byte ${position}`, {
    code: 'batch-magic-unsupported',
    facts: { position, magic, supported: MAGIC_V2 },
  });
}

function crcMismatch(info: BatchInfo, batch: Uint8Array): SegctlError {
  return new SegctlError(`the CRC of the record batch at byte ${info.position} does not match`, {
    code: 'batch-crc-mismatch',
    facts: {
      position: info.position,
      baseOffset: info.baseOffset,
      expectedCrc: info.crc,
      foundCrc: crc32c(batch.subarray(ATTRIBUTES_AT)),
    },
  });
}

/** A batch whose fields contradict the format; `position` is the batch's first byte. */
export function malformed(position: number, reason: string): SegctlError {
  return new SegctlError(`the record batch at byte ${position} is malformed: ${reason}`, {
    code: 'batch-malformed',
    facts: { position, reason },
  });
}
