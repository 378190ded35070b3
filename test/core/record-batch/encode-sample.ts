import { columnsFromRecords } from '../../../src/core/record-batch/columns-from-records.ts';
import type { Codecs } from '../../../src/core/record-batch/compression/codec.ts';
import { readBatches } from '../../../src/core/record-batch/decode-batch.ts';
import { readRecords, unpackRecords } from '../../../src/core/record-batch/decode-records.ts';
import { BatchEncoder } from '../../../src/core/record-batch/encode-batch.ts';
import type { KafkaRecord } from '../../../src/core/record-batch/record.ts';
import type { SampleBatch } from './arbitrary-batches.ts';

/** The batch as segctl writes it. */
export function encodeSample({ header, records }: SampleBatch, codecs: Codecs): Uint8Array {
  const columns = columnsFromRecords(records, header);
  return new BatchEncoder(codecs).encode(columns, { from: 0, to: records.length, header });
}

/** All records of all batches, as segctl reads them. */
export function decodeRecords(bytes: Uint8Array, codecs: Codecs, maxBytes?: number): KafkaRecord[] {
  const records: KafkaRecord[] = [];
  for (const batch of readBatches(bytes)) {
    records.push(...readRecords(batch.info, unpackRecords(batch, codecs, maxBytes)));
  }
  return records;
}

export function hexOf(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Records with their bytes in hex: quick to compare, easy to read when they differ. */
export function printable(records: readonly KafkaRecord[]) {
  return records.map(({ offset, timestamp, key, value, headers, attributes }) => ({
    offset: String(offset),
    timestamp: String(timestamp),
    key: hexOf(key),
    value: hexOf(value),
    headers: headers.map((header) => ({ key: header.key, value: hexOf(header.value) })),
    attributes,
  }));
}
