import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsFromRecords } from '../../../src/core/record-batch/columns-from-records.ts';
import { loadCodecs } from '../../../src/core/record-batch/compression/codec.ts';
import { readBatches } from '../../../src/core/record-batch/decode-batch.ts';
import { BatchEncoder } from '../../../src/core/record-batch/encode-batch.ts';
import {
  COMPRESSION_TYPES,
  type KafkaRecord,
  type RecordBatchHeader,
} from '../../../src/core/record-batch/record.ts';
import { arbitraryBatch } from './arbitrary-batches.ts';
import { decodeRecords, encodeSample, hexOf, printable } from './encode-sample.ts';

const codecs = await loadCodecs(COMPRESSION_TYPES);

const header: RecordBatchHeader = {
  baseOffset: 4711n,
  partitionLeaderEpoch: 5,
  compressionType: 'none',
  timestampType: 'CreateTime',
  isTransactional: false,
  isControl: false,
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
};
const bare: KafkaRecord = {
  offset: 4711n,
  timestamp: 1000n,
  key: null,
  value: null,
  headers: [],
  attributes: 0,
};

describe('the batch encoder', () => {
  it('writes the bytes that the format asks for', () => {
    const records: KafkaRecord[] = [
      { ...bare, key: Uint8Array.of(0x6b), value: new Uint8Array() },
      {
        ...bare,
        offset: 4714n,
        timestamp: 999n,
        headers: [{ key: 'h', value: null }],
        attributes: -1,
      },
    ];
    const sample = {
      header: { ...header, isTransactional: true, producerId: 9n, baseSequence: 2 },
      records,
    };
    const hex = [
      '0000000000001267', // base offset 4711
      '00000043', // 67 bytes follow
      '00000005', // leader epoch
      '02', // magic
      'CRC',
      '0010', // transactional
      '00000003', // last offset delta
      '00000000000003e8', // base timestamp 1000
      '00000000000003e8', // max timestamp 1000
      '0000000000000009', // producer id
      'ffff', // producer epoch -1
      '00000002', // base sequence
      '00000002', // two records
      '0e00000002' + '6b' + '00' + '00', // 7 bytes: deltas 0 and 0, key k, empty value, no headers
      '12ff0106' + '01' + '01' + '02' + '0268' + '01', // 9 bytes: deltas -1 and 3, nulls, one header
    ];
    const bytes = encodeSample(sample, codecs);
    const [batch] = readBatches(bytes);
    const crc = batch?.info.crc.toString(16).padStart(8, '0') ?? '';
    expect(hexOf(bytes)).toBe(hex.join('').replace('CRC', crc));
    expect(batch?.info.crcValid).toBe(true);
    expect(printable(decodeRecords(bytes, codecs))).toEqual(printable(records));
  });

  it('gives back any batch through every codec', () => {
    const attributes = fc.integer({ min: -128, max: 127 });
    const timestamp = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
    fc.assert(
      fc.property(arbitraryBatch(), attributes, fc.option(timestamp), (sample, bits, time) => {
        const records = sample.records.map((record, i) => ({
          ...record,
          attributes: bits,
          // Deltas between the far ends of the int64 range wrap around.
          timestamp:
            i === 1 && time !== null && isCreateTime(sample.header) ? time : record.timestamp,
        }));
        const bytes = encodeSample({ ...sample, records }, codecs);
        const [batch] = readBatches(bytes);
        expect(batch?.info).toMatchObject(sample.header);
        expect(batch?.info).toMatchObject({
          lastOffset: records.at(-1)?.offset,
          baseTimestamp: records[0]?.timestamp,
          maxTimestamp: BigInt64Array.from(records, (record) => record.timestamp)
            .sort()
            .at(-1),
          recordCount: records.length,
          deleteHorizonMs: null,
        });
        expect(printable(decodeRecords(bytes, codecs))).toEqual(printable(records));
      }),
      { numRuns: 300 },
    );
  });

  it('grows beyond its first buffer, keeps nothing of the batch before, and takes any rows', () => {
    const encoder = new BatchEncoder({});
    const records = Array.from({ length: 50 }, (_, i) => ({
      ...bare,
      offset: 4711n + BigInt(i),
      value: new Uint8Array(10_000).fill(i),
    }));
    const columns = columnsFromRecords(records, header);
    const all = encoder.encode(columns, { from: 0, to: 50, header });
    const few = encoder.encode(columns, { from: 7, to: 9, header });
    expect(printable(decodeRecords(all, {}))).toEqual(printable(records));
    expect(printable(decodeRecords(few, {}))).toEqual(printable(records.slice(7, 9)));
  });

  it.each([
    ['below its base offset', 4710n],
    ['too far behind it', 4711n + 2n ** 31n],
    ['at the other end of int64', -(2n ** 63n)],
  ])('refuses an offset %s', (_, offset) => {
    expect(() => encodeSample({ header, records: [{ ...bare, offset }] }, codecs)).toThrow(
      expect.objectContaining({ code: 'batch-offset-range', facts: { offset, baseOffset: 4711n } }),
    );
  });

  it('refuses a batch of no rows, and a codec that was not loaded, as a mistake of the caller', () => {
    const columns = columnsFromRecords([bare], header);
    const encoder = new BatchEncoder({});
    expect(() => encoder.encode(columns, { from: 1, to: 1, header })).toThrow(RangeError);
    const packed = { ...header, compressionType: 'lz4' as const };
    expect(() => encoder.encode(columns, { from: 0, to: 1, header: packed })).toThrow(RangeError);
  });
});

function isCreateTime({ timestampType }: RecordBatchHeader): boolean {
  return timestampType === 'CreateTime';
}
