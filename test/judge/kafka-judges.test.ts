import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCodecs } from '../../src/core/record-batch/compression/codec.ts';
import { endMarker } from '../../src/core/record-batch/control-record.ts';
import { readBatches } from '../../src/core/record-batch/decode-batch.ts';
import { readRecords, unpackRecords } from '../../src/core/record-batch/decode-records.ts';
import { formatDumpLog } from '../../src/core/record-batch/dump-log.ts';
import { COMPRESSION_TYPES, type KafkaRecord } from '../../src/core/record-batch/record.ts';
import { arbitraryBatch, type SampleBatch } from '../core/record-batch/arbitrary-batches.ts';
import {
  decodeRecords,
  encodeSample,
  hexOf,
  printable,
} from '../core/record-batch/encode-sample.ts';
import { goldenLogs } from '../core/record-batch/golden-logs.ts';
import { type BatchSpec, type KafkaTools, kafkaToolsOrSkip } from './kafka-tools.ts';

const tools = kafkaToolsOrSkip();
const codecs = await loadCodecs(COMPRESSION_TYPES);
const seed = Number(process.env.SEGCTL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const seedNote = `SEGCTL_TEST_SEED=${seed}`;
const samples = [...fc.sample(arbitraryBatch(), { seed, numRuns: 120 }), ...largeSamples()];

describe.skipIf(tools === null)(`Kafka's own classes (${seedNote})`, () => {
  it('write uncompressed batches that equal ours in every byte', () => {
    const plain = samples.filter(({ header }) => header.compressionType === 'none');
    const ours = Buffer.concat(plain.map((sample) => encodeSample(sample, codecs)));
    expect(Buffer.compare(theTools().encode(plain.map(specOf)), ours), seedNote).toBe(0);
    expect(plain.length).toBeGreaterThan(5);
  });

  it('read what we write, with every codec', () => {
    const judged = theTools().decode(concat(samples));
    expect(judged.map(withoutSizes), seedNote).toEqual(samples.map(expectedOf));
  });

  it('write what we read, with every codec', () => {
    const bytes = theTools().encode(samples.map(specOf));
    const batches = [...readBatches(bytes)];
    const kinds = new Set(batches.map(({ info }) => info.compressionType));
    expect(kinds).toEqual(new Set(COMPRESSION_TYPES));
    const snappy = batches.find(({ info }) => info.compressionType === 'snappy');
    expect(Buffer.from(snappy?.payload.subarray(1, 7) ?? []).toString('latin1')).toBe('SNAPPY');
    expect(printable(decodeRecords(bytes, codecs)), seedNote).toEqual(
      printable(samples.flatMap(({ records }) => records)),
    );
  });

  it('agree on trailing gaps, delete horizons, append times set by a broker, and end markers', () => {
    const specs = specialSpecs();
    const bytes = theTools().encode(specs);
    const judged = theTools().decode(bytes);
    const ours = [...readBatches(bytes)].map((batch) => ({
      lastOffset: String(batch.info.lastOffset),
      maxTimestamp: String(batch.info.maxTimestamp),
      baseTimestamp: String(batch.info.baseTimestamp),
      deleteHorizonMs: batch.info.deleteHorizonMs && String(batch.info.deleteHorizonMs),
      isControl: batch.info.isControl,
      crc: batch.info.crc,
      sizeBytes: batch.info.sizeBytes,
      records: [...readRecords(batch.info, unpackRecords(batch, codecs))].map(
        ({ timestamp, key }) => ({
          timestamp: String(timestamp),
          key: hexOf(key),
        }),
      ),
    }));
    expect(judged).toMatchObject(ours);
    expect(ours.map(({ lastOffset, deleteHorizonMs }) => [lastOffset, deleteHorizonMs])).toEqual(
      specs.map(({ lastOffset, deleteHorizonMs }) => [lastOffset, deleteHorizonMs]),
    );
    expectSameDump(bytes, 0n, { deep: true, printData: true });
  });
});

describe.skipIf(tools === null)(`DumpLogSegments (${seedNote})`, () => {
  it('prints the fixture as it did when the fixture was made', () => {
    const log = goldenLogs().find(({ name }) => name === 'payments-txn-0');
    if (log === undefined) throw new Error('no fixture');
    const options = { deep: true, printData: false };
    expect(theTools().dumpLogSegments(log.bytes, 0n, options)).toBe(log.dump);
  });

  it('prints what the producers sent, with keys and payloads, as we do', () => {
    const bytes = Buffer.concat(goldenLogs().map((log) => log.bytes));
    expectSameDump(bytes, 0n, { deep: true, printData: true });
  });

  it('finds every batch that we write valid, and prints it as we do', () => {
    // As in a log, each starts behind the one before.
    const ascending = samples.filter(({ header }) => header.baseOffset < 1_000_000n);
    ascending.sort((a, b) => Number(a.header.baseOffset - b.header.baseOffset));
    const dump = expectSameDump(concat(ascending), 123n, { deep: true, printData: true });
    expect(dump.match(/isvalid: true$/gm)).toHaveLength(ascending.length);
    expect(dump).not.toContain('isvalid: false');
    expectSameDump(concat(ascending), 123n, { deep: false, printData: false });
  });

  it('flags a flipped byte as we do', () => {
    const sample = samples.find(({ header }) => header.compressionType === 'none');
    if (sample === undefined) throw new Error('no uncompressed sample');
    const bytes = encodeSample(sample, codecs);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    const dump = expectSameDump(bytes, 0n, { deep: false, printData: false });
    expect(dump).toContain('isvalid: false');
  });
});

function theTools(): KafkaTools {
  if (tools === null) throw new Error("Kafka's tools are missing");
  return tools;
}

function concat(batches: readonly SampleBatch[]): Uint8Array {
  return Buffer.concat(batches.map((sample) => encodeSample(sample, codecs)));
}

function expectSameDump(
  bytes: Uint8Array,
  start: bigint,
  options: { deep: boolean; printData: boolean },
): string {
  const ours = [...formatDumpLog(bytes, start, codecs, options)]
    .map((line) => `${line}\n`)
    .join('');
  const theirs = theTools().dumpLogSegments(bytes, start, options);
  // Line by line: the whole would be megabytes of difference.
  const theirLines = theirs.split('\n');
  const wrong = ours.split('\n').findIndex((line, i) => line !== theirLines[i]);
  expect(ours.split('\n')[wrong]?.slice(0, 500), seedNote).toBe(theirLines[wrong]?.slice(0, 500));
  expect(ours.length, seedNote).toBe(theirs.length);
  return theirs;
}

function specOf({ header, records }: SampleBatch): BatchSpec {
  const last = records.at(-1);
  let maxTimestamp = -1n;
  for (const { timestamp } of records) {
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
  }
  return {
    ...header,
    baseOffset: String(header.baseOffset),
    lastOffset: String(last?.offset),
    producerId: String(header.producerId),
    maxTimestamp: String(maxTimestamp),
    deleteHorizonMs: null,
    records: printable(records).map(({ attributes, ...record }) => record),
  };
}

function expectedOf(sample: SampleBatch) {
  const spec = specOf(sample);
  const { baseSequence, baseOffset } = sample.header;
  return {
    ...spec,
    baseTimestamp: String(sample.records[0]?.timestamp),
    records: spec.records.map((record) => ({
      ...record,
      sequence:
        baseSequence < 0
          ? -1
          : (baseSequence + Number(BigInt(record.offset) - baseOffset)) % 2 ** 31,
    })),
  };
}

function withoutSizes({ crc, sizeBytes, ...batch }: ReturnType<KafkaTools['decode']>[number]) {
  return batch;
}

/** A batch a codec that spans many of its blocks, in part compressible and in part not. */
function largeSamples(): SampleBatch[] {
  return COMPRESSION_TYPES.map((compressionType, codec) => {
    const records = Array.from({ length: 300 }, (_, i): KafkaRecord => {
      const noise = Uint8Array.from({ length: 1000 }, (_, j) => (i * j * 2654435761) >>> (j % 24));
      const value = Buffer.concat([Buffer.from(`event ${i} `.repeat(200)), noise]);
      const offset = BigInt(codec * 1000 + i);
      return {
        offset,
        timestamp: 1_763_800_000_000n,
        key: null,
        value,
        headers: [],
        attributes: 0,
      };
    });
    return {
      header: {
        baseOffset: BigInt(codec * 1000),
        partitionLeaderEpoch: 0,
        compressionType,
        timestampType: 'CreateTime',
        isTransactional: false,
        isControl: false,
        producerId: -1n,
        producerEpoch: -1,
        baseSequence: -1,
      },
      records,
    };
  });
}

function specialSpecs(): BatchSpec[] {
  const [sample] = fc.sample(arbitraryBatch(['none']), { seed: 1, numRuns: 1 });
  if (sample === undefined) throw new Error('no sample');
  const value = hexOf(new Uint8Array(70_000));
  const records = ['10', '11', '15'].map((offset) => ({
    offset,
    timestamp: `17638000000${offset}`,
    key: '6b',
    value,
    headers: [{ key: 'h', value: null }],
  }));
  const base: BatchSpec = {
    ...specOf(sample),
    baseOffset: '10',
    lastOffset: '15',
    timestampType: 'CreateTime',
    records,
  };
  const { key: commitKey, value: endValue } = endMarker('COMMIT', 7);
  const { key: abortKey } = endMarker('ABORT', 7);
  return [
    { ...base, lastOffset: '40' },
    { ...base, deleteHorizonMs: '1763800009999' },
    { ...base, timestampType: 'LogAppendTime', maxTimestamp: '1763800099999' },
    ...COMPRESSION_TYPES.map((compressionType) => ({ ...base, compressionType })),
    controlSpec(base, 50, commitKey, endValue),
    controlSpec(base, 51, abortKey, endValue),
    // A type of a later version: told as unknown, not refused.
    controlSpec(base, 52, new Uint8Array([0, 0, 0, 99]), endValue),
  ];
}

function controlSpec(
  base: BatchSpec,
  offset: number,
  key: Uint8Array,
  value: Uint8Array,
): BatchSpec {
  return {
    ...base,
    isTransactional: true,
    isControl: true,
    producerId: '5',
    producerEpoch: 1,
    baseSequence: -1,
    baseOffset: String(offset),
    lastOffset: String(offset),
    records: [
      { offset: String(offset), timestamp: '1', key: hexOf(key), value: hexOf(value), headers: [] },
    ],
  };
}
