import fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import type { KafkaRecord } from '../../../src/core/record-batch/record.ts';
import { parseFormatString } from '../../../src/ui/record-output/format-string.ts';
import { hexDump } from '../../../src/ui/record-output/hex-records.ts';
import {
  createRecordWriter,
  RECORD_FORMATS,
  type RecordFormat,
  type RecordWriterOptions,
  recordChunks,
} from '../../../src/ui/record-output/record-writer.ts';
import { anyRecord, columnsOf, PIPE, record } from './sample-records.ts';

async function write(
  records: readonly KafkaRecord[],
  format: RecordFormat | string,
  options: Partial<RecordWriterOptions> = {},
): Promise<Buffer> {
  const named = RECORD_FORMATS.find((name) => name === format);
  const writer = await createRecordWriter(named ?? parseFormatString(format), {
    ...PIPE,
    ...options,
  });
  const columns = columnsOf(records);
  const range = { topic: 'orders', partition: 7, columns, from: 0, to: columns.length };
  const chunks = [writer.start(), ...recordChunks(writer, range), writer.end()];
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
}

const bytes = (text: string) => Buffer.from(text);

describe('csv', () => {
  it('is read back by an independent parser to the identical bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), async (records) => {
        const csv = (await write(records, 'csv')).toString();
        const { data, errors } = Papa.parse<Record<string, string>>(csv, {
          header: true,
          newline: '\n',
          skipEmptyLines: true,
        });
        expect(errors).toEqual([]);
        expect(data).toHaveLength(records.length);
        for (const [i, original] of records.entries()) {
          const row = data[i] ?? {};
          expect(BigInt(row.offset ?? '')).toBe(original.offset);
          expect(fieldBytes(row.key, row.keyEncoding)).toEqual(hex(original.key));
          expect(fieldBytes(row.value, row.valueEncoding)).toEqual(hex(original.value));
          expect(JSON.parse(row.headers ?? '')).toHaveLength(original.headers.length);
        }
      }),
    );
  });

  it('quotes the empty value and leaves null unquoted', async () => {
    const csv = (await write([record({ value: new Uint8Array() })], 'csv')).toString();
    expect(csv.split('\n')[1]).toBe('orders,7,0,1763800000000,CreateTime,,,"",utf8,[],');
  });
});

const hex = (value: Uint8Array | null) => value && Buffer.from(value).toString('hex');

function fieldBytes(text = '', encoding = ''): string | null {
  if (encoding === '') return null;
  return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8').toString('hex');
}

describe('format strings', () => {
  const sample = record({
    offset: 42n,
    key: bytes('k1'),
    value: bytes('hello'),
    headers: [
      { key: 'a', value: bytes('1') },
      { key: 'a', value: null },
      { key: 'b', value: new Uint8Array() },
    ],
  });

  it.each([
    ['%t [%p] at offset %o: key %k: %s\\n', 'orders [7] at offset 42: key k1: hello\n'],
    ['%T|%K|%S|%h', '1763800000000|2|5|a=1,a=NULL,b='],
    ['%%s\\t\\\\\\x41\\065\\65\\q', '%s\t\\A5Aq'],
    ['ünï %s', 'ünï hello'],
  ])('%s', async (format, expected) => {
    expect((await write([sample], format)).toString()).toBe(expected);
  });

  it('writes lengths of null and empty, and %R as big-endian int32', async () => {
    const records = [record({}), record({ key: new Uint8Array(), value: Buffer.alloc(258) })];
    const out = await write(records, '%K %S %k%R');
    expect(out.subarray(0, 10).toString('latin1')).toBe('-1 -1 \xff\xff\xff\xff');
    expect(out.subarray(10).toString('hex')).toBe(`${bytes('0 258 ').toString('hex')}00000102`);
  });

  it('passes the bytes of any value through untouched', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { maxLength: 5 }), async (records) => {
        const out = await write(records, '%k%s');
        const parts = records.flatMap(({ key, value }) => [key ?? bytes(''), value ?? bytes('')]);
        expect(out.equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });

  it('applies a forced encoding to values, not to lengths', async () => {
    expect((await write([sample], '%S %s %h', { encoding: 'hex' })).toString()).toBe(
      '5 68656c6c6f a=31,a=NULL,b=',
    );
  });

  it.each([
    ['%q', 0],
    ['ab%', 2],
    ['x\\', 1],
    ['\\x', 0],
    ['\\999', 0],
    ['%s%D', 2],
  ])('refuses %s with the position of the mistake', (format, position) => {
    expect(() => parseFormatString(format)).toThrowError(
      expect.objectContaining({
        code: 'format-string',
        exit: 'usage',
        facts: expect.objectContaining({ position }),
      }),
    );
  });
});

describe('on a terminal', () => {
  it.each([...RECORD_FORMATS, '%t %k %s %h %R\\n'])(
    '%s shows no byte of a record that a terminal obeys',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 3 }), async (records) => {
          const out = await write(records, format, { terminal: true, width: 100 });
          expect(out.toString().replaceAll('\n', '')).not.toMatch(
            /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u,
          );
        }),
      );
    },
  );
});

describe('table', () => {
  it('tells null, empty, text and binary apart', async () => {
    const records = [
      record({ key: null, value: new Uint8Array() }),
      record({ offset: 1n, key: bytes('ключ'), value: Uint8Array.of(0xff, 0x41) }),
    ];
    expect((await write(records, 'table')).toString()).toBe(
      [
        'PARTITION  OFFSET  TIMESTAMP                 KEY     VALUE',
        '        7       0  2025-11-22T08:26:40.000Z  (null)  (empty)',
        '        7       1  2025-11-22T08:26:40.000Z  ключ    \\xffA',
        '',
      ].join('\n'),
    );
  });

  it('keeps huge values within the width of the terminal, whole characters only', async () => {
    const value = Buffer.from('世'.repeat(1_000_000));
    const out = (await write([record({ value })], 'table', { width: 80 })).toString();
    const line = out.split('\n')[1] ?? '';
    expect(line).toMatch(/世…$/);
    expect([...line].length).toBeLessThan(80);
  });

  it('does not let one large value widen every line where there is no terminal', async () => {
    const large = record({ value: Buffer.alloc(1_000_000, 'x') });
    const records = [large, ...Array.from({ length: 200 }, () => record({ value: bytes('y') }))];
    for (const format of ['table', 'wide']) {
      expect((await write(records, format)).length).toBeLessThan(201 * 700);
    }
  });

  it('shows headers and the batch when asked for', async () => {
    const records = [record({ headers: [{ key: 'h', value: bytes('x') }] })];
    const out = (await write(records, 'wide', { batchInfo: true })).toString();
    expect(out).toContain('HEADERS');
    expect(out).toContain('h=x');
    expect(out).toContain('CODEC');
  });
});

describe('hex', () => {
  it('dumps bytes as hexdump -C does', () => {
    expect(hexDump(Buffer.from('0123456789abcdef\n\u00ff'))).toBe(
      '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n' +
        '00000010  0a c3 bf                                          |...|\n',
    );
  });

  it('names each part of a record, and null apart from empty', async () => {
    const records = [
      record({ key: null, value: new Uint8Array(), headers: [{ key: 'h', value: bytes('x') }] }),
    ];
    expect((await write(records, 'hex')).toString()).toBe(
      [
        '== orders:7 offset 0 CreateTime 1763800000000 (2025-11-22T08:26:40.000Z)',
        'key: null',
        'value: 0 bytes',
        'header h: 1 byte',
        '00000000  78                                                |x|',
        '',
        '',
      ].join('\n'),
    );
  });
});
