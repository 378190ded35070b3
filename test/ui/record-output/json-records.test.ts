import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KafkaRecord } from '../../../src/core/record-batch/record.ts';
import type { RecordColumns } from '../../../src/core/record-batch/record-columns.ts';
import {
  createRecordWriter,
  type RecordFormat,
  type RecordWriterOptions,
  recordChunks,
} from '../../../src/ui/record-output/record-writer.ts';
import { anyRecord, columnsOf, PIPE, realPartition, record } from './sample-records.ts';

async function write(
  columns: RecordColumns,
  format: RecordFormat,
  options: Partial<RecordWriterOptions> = {},
): Promise<string> {
  const writer = await createRecordWriter(format, { ...PIPE, ...options });
  const range = { topic: 'orders', partition: 7, columns, from: 0, to: columns.length };
  return writer.start() + [...recordChunks(writer, range)].join('') + writer.end();
}

async function writeOne(
  fields: Partial<KafkaRecord>,
  options: Partial<RecordWriterOptions> = {},
): Promise<unknown> {
  return JSON.parse(await write(columnsOf([record(fields)]), 'jsonl', options));
}

/** The bytes that a JSON text and the encoding beside it stand for. */
function bytesOf(text: string | null, encoding: string | undefined): string | null {
  if (text === null) return null;
  if (encoding === undefined) return Buffer.from(text, 'utf8').toString('hex');
  if (encoding === 'base64' || encoding === 'hex')
    return Buffer.from(text, encoding).toString('hex');
  throw new Error(`unexpected encoding ${encoding}`);
}

const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex');

describe('jsonl', () => {
  it('writes the documented members in their order', async () => {
    const columns = columnsOf([
      record({
        offset: 4711n,
        key: Buffer.from('k'),
        value: Buffer.from('v'),
        headers: [{ key: 'h', value: Buffer.from('x') }],
      }),
    ]);
    expect(await write(columns, 'jsonl')).toBe(
      '{"topic":"orders","partition":7,"offset":4711,"timestamp":1763800000000,' +
        '"timestampType":"CreateTime","key":"k","value":"v","headers":[{"key":"h","value":"x"}]}\n',
    );
  });

  it('tells null from empty', async () => {
    expect(await writeOne({ key: null, value: new Uint8Array() })).toMatchObject({
      key: null,
      value: '',
    });
  });

  it('labels bytes that are not UTF-8, also in headers', async () => {
    const bytes = Uint8Array.of(0xff, 0x00);
    const headers = [{ key: 'h', value: bytes }];
    expect(await writeOne({ key: bytes, value: bytes, headers })).toMatchObject({
      key: '/wA=',
      keyEncoding: 'base64',
      value: '/wA=',
      valueEncoding: 'base64',
      headers: [{ key: 'h', value: '/wA=', valueEncoding: 'base64' }],
    });
  });

  it('forces an encoding, and says where utf8 lost bytes', async () => {
    const fields = { key: Buffer.from('k'), value: Uint8Array.of(0x61, 0xff) };
    expect(await writeOne(fields, { encoding: 'hex' })).toMatchObject({
      key: '6b',
      keyEncoding: 'hex',
      value: '61ff',
      valueEncoding: 'hex',
    });
    const utf8 = await writeOne(fields, { encoding: 'utf8' });
    expect(utf8).toMatchObject({ key: 'k', value: 'a\ufffd', valueEncoding: 'utf8-lossy' });
    expect(utf8).not.toHaveProperty('keyEncoding');
  });

  it('adds the fields of the batch on demand', async () => {
    const columns = columnsOf([record({ offset: 12n })], {
      baseOffset: 10n,
      producerId: 2n ** 60n,
      producerEpoch: 4,
      baseSequence: 17,
      isTransactional: true,
      compressionType: 'zstd',
    });
    expect(JSON.parse(await write(columns, 'jsonl', { batchInfo: true }))).toMatchObject({
      baseOffset: 10,
      partitionLeaderEpoch: 3,
      producerId: '1152921504606846976',
      producerEpoch: 4,
      baseSequence: 17,
      isTransactional: true,
      isControl: false,
      compressionType: 'zstd',
    });
  });

  it('gives the identical bytes of any record back, in valid and harmless JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), async (records) => {
        const text = await write(columnsOf(records), 'jsonl');
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
        const parsed = text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
        expect(parsed).toHaveLength(records.length);
        for (const [i, original] of records.entries()) {
          const read = parsed[i];
          expect(BigInt(read.offset)).toBe(original.offset);
          expect(BigInt(read.timestamp)).toBe(original.timestamp);
          expect(bytesOf(read.key, read.keyEncoding)).toBe(hex(original.key));
          expect(bytesOf(read.value, read.valueEncoding)).toBe(hex(original.value));
          expect(
            read.headers.map((h: { key: string; value: string | null; valueEncoding?: string }) => [
              h.key,
              bytesOf(h.value, h.valueEncoding),
            ]),
          ).toEqual(original.headers.map(({ key, value }) => [key, hex(value)]));
        }
      }),
    );
  });

  it.each(['edge.cases-0', 'payments-txn-0', 'orders-1', 'audit_log-0'])(
    'says of %s what an independent reader says',
    async (name) => {
      const { expected, columns } = realPartition(name);
      const lines = (await write(columns, 'jsonl', { batchInfo: true })).trimEnd().split('\n');
      expect(lines).toHaveLength(expected.length);
      for (const [i, line] of lines.entries()) {
        const read = JSON.parse(line);
        expect({
          offset: read.offset,
          timestamp: read.timestamp,
          key: bytesOf(read.key, read.keyEncoding),
          value: bytesOf(read.value, read.valueEncoding),
          headers: read.headers.map(
            (h: { key: string; value: string | null; valueEncoding?: string }) => [
              h.key,
              bytesOf(h.value, h.valueEncoding),
            ],
          ),
          baseOffset: read.baseOffset,
          leaderEpoch: read.partitionLeaderEpoch,
          producerId: read.producerId,
          producerEpoch: read.producerEpoch,
          baseSequence: read.baseSequence,
          transactional: read.isTransactional,
          control: read.isControl,
          codec: read.compressionType,
          timestampType: read.timestampType,
        }).toEqual(expected[i]);
      }
    },
  );
});

describe('control records', () => {
  it('are named with their coordinator epoch', async () => {
    const marker = record({
      key: Buffer.from('00000001', 'hex'),
      value: Buffer.from('000000000005', 'hex'),
    });
    const columns = columnsOf([marker], { isControl: true });
    expect(JSON.parse(await write(columns, 'jsonl'))).toMatchObject({
      control: { type: 'COMMIT', coordinatorEpoch: 5 },
    });
    expect(await write(columns, 'table')).toMatch(/\[COMMIT\] {2}coordinator epoch 5/);
  });

  it('are UNKNOWN when their key is damaged, without failing', async () => {
    for (const key of [null, new Uint8Array(), Buffer.from('0000ffff', 'hex')]) {
      const columns = columnsOf([record({ key })], { isControl: true });
      expect(JSON.parse(await write(columns, 'jsonl'))).toMatchObject({
        control: { type: 'UNKNOWN', coordinatorEpoch: null },
      });
    }
  });

  it('of the real node are COMMIT or ABORT', async () => {
    const { columns, expected } = realPartition('payments-txn-0');
    const lines = (await write(columns, 'jsonl')).trimEnd().split('\n');
    const controls = lines.map((line) => JSON.parse(line)).filter(({ control }) => control);
    expect(controls).toHaveLength(expected.filter(({ control }) => control).length);
    expect(new Set(controls.map(({ control }) => control.type))).toEqual(
      new Set(['COMMIT', 'ABORT']),
    );
  });
});

describe('json', () => {
  it('is an array however the records are cut into ranges', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRecord, { maxLength: 8 }),
        fc.array(fc.nat(8), { maxLength: 4 }),
        async (records, cuts) => {
          const columns = columnsOf(records);
          const writer = await createRecordWriter('json', PIPE);
          const edges = [0, ...cuts.map((cut) => Math.min(cut, records.length)), records.length];
          edges.sort((a, b) => a - b);
          let text = writer.start();
          for (const [i, from] of edges.slice(0, -1).entries()) {
            const to = edges[i + 1] ?? from;
            text += writer.records({ topic: 't', partition: 0, columns, from, to });
          }
          text += writer.end();
          const offsets = JSON.parse(text).map((read: { offset: string }) => BigInt(read.offset));
          expect(offsets).toEqual(records.map(({ offset }) => offset));
        },
      ),
    );
  });

  it('asks to be held back until it is whole, and line formats do not', async () => {
    const whole = async (format: RecordFormat) =>
      (await createRecordWriter(format, PIPE)).isWholeDocument;
    expect(await whole('json')).toBe(true);
    for (const format of ['jsonl', 'csv', 'hex', 'table', 'wide'] as const) {
      expect(await whole(format)).toBe(false);
    }
  });
});

describe('recordChunks', () => {
  it('cuts large values into chunks of bounded size and loses no record', async () => {
    const value = Buffer.alloc(1024 * 1024, 'x');
    const columns = columnsOf(
      Array.from({ length: 20 }, (_, i) => record({ offset: BigInt(i), value })),
    );
    const writer = await createRecordWriter('jsonl', PIPE);
    const range = { topic: 't', partition: 0, columns, from: 0, to: 20 };
    const chunks = [...recordChunks(writer, range)];
    expect(chunks.length).toBeGreaterThan(3);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(8 * 1024 * 1024);
    expect(chunks.join('').trimEnd().split('\n')).toHaveLength(20);
  });

  it('names the archive damage when headers are no headers', async () => {
    const columns = columnsOf([record({ headers: [{ key: 'a', value: null }] })]);
    columns.headers.data.fill(0x20);
    const writer = await createRecordWriter('jsonl', PIPE);
    const range = { topic: 't', partition: 0, columns, from: 0, to: 1 };
    expect(() => [...recordChunks(writer, range)]).toThrowError(
      expect.objectContaining({ code: 'headers-malformed' }),
    );
  });
});
