import fc from 'fast-check';
import { columnsFromRecords } from '../../../src/core/record-batch/columns-from-records.ts';
import {
  COMPRESSION_TYPES,
  type KafkaRecord,
  type RecordBatchHeader,
} from '../../../src/core/record-batch/record.ts';
import type { RecordColumns } from '../../../src/core/record-batch/record-columns.ts';
import { concatRecordColumns } from '../../../src/core/record-batch/record-columns.ts';
import type { RecordWriterOptions } from '../../../src/ui/record-output/record-writer.ts';
import { type ExpectedRecord, expectedRecords } from '../../support/fixture.ts';

export const PLAIN_HEADER: RecordBatchHeader = {
  baseOffset: 0n,
  partitionLeaderEpoch: 3,
  compressionType: 'none',
  timestampType: 'CreateTime',
  isTransactional: false,
  isControl: false,
  producerId: -1n,
  producerEpoch: -1,
  baseSequence: -1,
};

export const PIPE: RecordWriterOptions = {
  batchInfo: false,
  encoding: 'auto',
  color: false,
  terminal: false,
};

export function record(fields: Partial<KafkaRecord>): KafkaRecord {
  return {
    offset: 0n,
    timestamp: 1_763_800_000_000n,
    key: null,
    value: null,
    headers: [],
    attributes: 0,
    ...fields,
  };
}

export function columnsOf(
  records: readonly KafkaRecord[],
  header: Partial<RecordBatchHeader> = {},
): RecordColumns {
  return columnsFromRecords(records, { ...PLAIN_HEADER, ...header });
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Uint8Array.from(Buffer.from(text))),
  // A byte order mark, controls and quotes: what sloppy decoders and writers lose.
  fc
    .constantFrom('\ufeffvalue', '\u0000\r\n\t"\\', '\u202e\u009b31m', '=1+1', ' a ')
    .map((text) => Uint8Array.from(Buffer.from(text))),
);
export const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Records with any bytes, any int64, and header keys of any Unicode. */
export const anyRecord: fc.Arbitrary<KafkaRecord> = fc.record({
  offset: int64,
  timestamp: int64,
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'binary' }), value: fc.option(bytes) }), {
    maxLength: 3,
  }),
  attributes: fc.constant(0),
});

/** The records of a partition of the bundled node, and the columns that hold them. */
export function realPartition(name: string): {
  readonly expected: readonly ExpectedRecord[];
  readonly columns: RecordColumns;
} {
  const expected = expectedRecords(name);
  const batches = new Map<number, ExpectedRecord[]>();
  for (const line of expected) {
    batches.set(line.baseOffset, [...(batches.get(line.baseOffset) ?? []), line]);
  }
  return { expected, columns: concatAll([...batches.values()].map(columnsOfBatch)) };
}

function columnsOfBatch(batch: readonly ExpectedRecord[]): RecordColumns {
  const [first] = batch;
  if (first === undefined) return columnsOf([]);
  return columnsOf(
    batch.map(({ offset, timestamp, key, value, headers }) =>
      record({
        offset: BigInt(offset),
        timestamp: BigInt(timestamp),
        key: fromHex(key),
        value: fromHex(value),
        headers: headers.map(([name, hex]) => ({ key: name, value: fromHex(hex) })),
      }),
    ),
    {
      baseOffset: BigInt(first.baseOffset),
      partitionLeaderEpoch: first.leaderEpoch,
      compressionType: COMPRESSION_TYPES.find((codec) => codec === first.codec) ?? 'none',
      timestampType: first.timestampType === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
      isTransactional: first.transactional,
      isControl: first.control,
      producerId: BigInt(first.producerId),
      producerEpoch: first.producerEpoch,
      baseSequence: first.baseSequence,
    },
  );
}

/** Halves at a time, so that thousands of one-record batches don't cost their square. */
function concatAll(all: readonly RecordColumns[]): RecordColumns {
  const [only] = all;
  if (only === undefined) return columnsOf([]);
  if (all.length === 1) return only;
  const half = all.length >> 1;
  return concatRecordColumns(concatAll(all.slice(0, half)), concatAll(all.slice(half)));
}

function fromHex(hex: string | null): Uint8Array | null {
  return hex === null ? null : Uint8Array.from(Buffer.from(hex, 'hex'));
}
