import { formatHeaders } from './header-json.ts';
import { COMPRESSION_TYPES, type KafkaRecord, type RecordBatchHeader } from './record.ts';
import type { BytesColumn, RecordColumns } from './record-columns.ts';

/** Puts the records of one batch into columns, every row with the batch's header fields. */
export function columnsFromRecords(
  records: readonly KafkaRecord[],
  header: RecordBatchHeader,
): RecordColumns {
  const length = records.length;
  return {
    length,
    offset: BigInt64Array.from(records, (record) => record.offset),
    timestamp: BigInt64Array.from(records, (record) => record.timestamp),
    key: bytesColumn(records.map((record) => record.key)),
    value: bytesColumn(records.map((record) => record.value)),
    headers: bytesColumn(
      records.map(({ headers }) => (headers.length === 0 ? null : formatHeaders(headers))),
    ),
    attributes: Int8Array.from(records, (record) => record.attributes),
    baseOffset: new BigInt64Array(length).fill(header.baseOffset),
    partitionLeaderEpoch: new Int32Array(length).fill(header.partitionLeaderEpoch),
    producerId: new BigInt64Array(length).fill(header.producerId),
    producerEpoch: new Int16Array(length).fill(header.producerEpoch),
    baseSequence: new Int32Array(length).fill(header.baseSequence),
    isTransactional: new Uint8Array(length).fill(header.isTransactional ? 1 : 0),
    isControl: new Uint8Array(length).fill(header.isControl ? 1 : 0),
    compression: new Uint8Array(length).fill(COMPRESSION_TYPES.indexOf(header.compressionType)),
    timestampType: new Uint8Array(length).fill(header.timestampType === 'LogAppendTime' ? 1 : 0),
  };
}

/** A column of these values; null stays apart from zero-length. */
export function bytesColumn(values: readonly (Uint8Array | null)[]): BytesColumn {
  const offsets = new Uint32Array(values.length + 1);
  let bytes = 0;
  for (const [i, value] of values.entries()) {
    bytes += value?.length ?? 0;
    offsets[i + 1] = bytes;
  }
  const data = new Uint8Array(bytes);
  const nulls = new Uint8Array(Math.ceil(values.length / 8));
  for (const [i, value] of values.entries()) {
    if (value === null) nulls[i >> 3] = (nulls[i >> 3] ?? 0) | (1 << (i & 7));
    else data.set(value, offsets[i]);
  }
  return { data, offsets, nulls: values.includes(null) ? nulls : null };
}
