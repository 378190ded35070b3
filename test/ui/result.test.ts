import fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../src/ui/column.ts';
import {
  type ListResult,
  OUTPUT_FORMATS,
  type OutputFormat,
  type RenderOptions,
  renderDetail,
  renderList,
} from '../../src/ui/result.ts';

interface Row {
  readonly name: string | null;
  readonly offset: bigint;
  readonly bytes: bigint;
  readonly at: bigint | null;
}

const columns: readonly Column<Row>[] = [
  { key: 'segmentId', header: 'SEGMENT', type: 'text', value: (row) => row.name },
  { key: 'minOffset', header: 'FIRST', type: 'integer', value: (row) => row.offset },
  { key: 'records', header: 'RECORDS', type: 'count', value: () => 23_000 },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: (row) => row.bytes },
  { key: 'createdAt', header: 'CREATED', type: 'time', value: (row) => row.at },
  { key: 'ageMs', header: 'AGE', type: 'duration', value: () => 273_600_000, show: 'wide' },
  { key: 'live', header: 'LIVE', type: 'boolean', value: () => true, show: 'machine' },
  {
    key: 'reasons',
    header: 'WHY',
    type: 'json',
    value: (row) => [{ kept: row.offset }],
    text: () => 'too young',
    show: 'wide',
  },
  { key: 'short', header: 'SHORT', type: 'text', value: () => 's', show: 'human' },
];
const row: Row = { name: 'orders-0', offset: 5n, bytes: 6_197_084n, at: 1_763_800_000_123n };

async function render<R>(
  list: ListResult<R>,
  format: OutputFormat,
  options: Partial<RenderOptions> = {},
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of renderList(list, { format, color: false, terminal: false, ...options }))
    chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe('renderList', () => {
  it('shows people what they need, and more when it may be wide', async () => {
    expect(await render({ columns, rows: [row] }, 'table')).toBe(
      [
        'SEGMENT   FIRST  RECORDS      SIZE  CREATED               SHORT',
        'orders-0      5   23,000  5.91 MiB  2025-11-22T08:26:40Z  s',
        '',
      ].join('\n'),
    );
    expect(await render({ columns, rows: [row] }, 'wide')).toMatch(
      /AGE {2}WHY {8}SHORT\n.*3d 4h {2}too young {2}s\n$/,
    );
  });

  it('gives machines every value exactly', async () => {
    const expected = {
      segmentId: 'orders-0',
      minOffset: 5,
      records: 23_000,
      sizeBytes: 6_197_084,
      createdAt: '2025-11-22T08:26:40.123Z',
      createdAtMs: 1_763_800_000_123,
      ageMs: 273_600_000,
      live: true,
      reasons: [{ kept: 5 }],
    };
    expect(JSON.parse(await render({ columns, rows: [row] }, 'json'))).toEqual([expected]);
    const jsonl = await render({ columns, rows: [row, row] }, 'jsonl');
    expect(
      jsonl
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([expected, expected]);
    const [csv] = Papa.parse<Record<string, string>>(
      await render({ columns, rows: [row] }, 'csv'),
      {
        header: true,
      },
    ).data;
    expect(csv).toMatchObject({
      segmentId: 'orders-0',
      sizeBytes: '6197084',
      createdAt: '2025-11-22T08:26:40.123Z',
      createdAtMs: '1763800000123',
      live: 'true',
      reasons: '[{"kept":5}]',
    });
    expect(Object.keys(csv ?? {})).toEqual(Object.keys(expected));
  });

  it('keeps int64s beyond 2^53 - 1 as strings and times beyond the calendar by their ms', async () => {
    const extreme: Row = { name: null, offset: 2n ** 53n, bytes: 2n ** 64n - 1n, at: -(2n ** 63n) };
    const [read] = JSON.parse(await render({ columns, rows: [extreme] }, 'json'));
    expect(read).toMatchObject({
      segmentId: null,
      minOffset: '9007199254740992',
      sizeBytes: '18446744073709551615',
      createdAt: null,
      createdAtMs: '-9223372036854775808',
      reasons: [{ kept: '9007199254740992' }],
    });
    const safe = { ...extreme, offset: 2n ** 53n - 1n };
    const [kept] = JSON.parse(await render({ columns, rows: [safe] }, 'json'));
    expect(kept.minOffset).toBe(9007199254740991);
    expect(await render({ columns, rows: [extreme] }, 'table')).toContain('unknown');
  });

  it('survives any text in every format', async () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 4 }), async (names) => {
        const rows = names.map((name) => ({ ...row, name }));
        const read: { segmentId: string }[] = JSON.parse(await render({ columns, rows }, 'json'));
        expect(read.map(({ segmentId }) => segmentId)).toEqual(names);
        const csv = Papa.parse<Record<string, string>>(await render({ columns, rows }, 'csv'), {
          header: true,
          newline: '\n',
          skipEmptyLines: true,
        });
        expect(csv.data.map(({ segmentId }) => segmentId)).toEqual(
          // UTF-8 has no form for half a surrogate pair, so CSV in UTF-8 can't hold it either.
          names.map((name) => Buffer.from(name).toString()),
        );
        for (const format of OUTPUT_FORMATS) {
          const shown = await render({ columns, rows }, format, { terminal: true, width: 60 });
          expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        }
      }),
    );
  });

  it('has an empty document, header or sentence for no rows', async () => {
    const none = { columns, rows: [], empty: 'no segment matches', footer: () => 'never' };
    expect(JSON.parse(await render(none, 'json'))).toEqual([]);
    expect(await render(none, 'jsonl')).toBe('');
    expect((await render(none, 'csv')).split('\n')).toHaveLength(2);
    expect(await render(none, 'table')).toBe('no segment matches\n');
  });

  it('ends a table with its footer and a document with its other members', async () => {
    const list: ListResult<Row> = {
      columns,
      rows: [row],
      footer: () => '1 segment, 5.91 MiB',
      document: { key: 'segments', rest: () => ({ totals: { bytes: 2n ** 60n } }) },
    };
    expect(await render(list, 'table')).toMatch(/\n1 segment, 5\.91 MiB\n$/);
    expect(JSON.parse(await render(list, 'json'))).toMatchObject({
      segments: [{ segmentId: 'orders-0' }],
      totals: { bytes: '1152921504606846976' },
    });
    expect(JSON.parse(await render({ ...list, rows: [] }, 'json'))).toMatchObject({ segments: [] });
  });

  it('gives many rows in many chunks, alike from arrays and from streams', async () => {
    const rows = Array.from({ length: 2500 }, (_, i) => ({ ...row, offset: BigInt(i) }));
    async function* stream() {
      yield* rows;
    }
    for (const format of OUTPUT_FORMATS) {
      const whole = await render({ columns, rows }, format);
      expect(await render({ columns, rows: stream() }, format)).toBe(whole);
    }
    let chunks = 0;
    const options = { format: 'jsonl', color: false, terminal: false } as const;
    for await (const _ of renderList({ columns, rows }, options)) chunks++;
    expect(chunks).toBe(3);
  });

  it('gives a JSON document whole or not at all when the rows fail half way', async () => {
    async function* failing() {
      for (let i = 0; i < 5000; i++) yield row;
      throw new Error('the archive is damaged');
    }
    const chunks: unknown[] = [];
    const read = async (format: OutputFormat) => {
      const options = { format, color: false, terminal: false };
      for await (const chunk of renderList({ columns, rows: failing() }, options))
        chunks.push(chunk);
    };
    await expect(read('json')).rejects.toThrow('damaged');
    expect(chunks).toEqual([]);
    await expect(read('jsonl')).rejects.toThrow('damaged');
    expect(chunks).toHaveLength(5);
  });
});

describe('renderDetail', () => {
  it('shows one thing in full', async () => {
    const options = { color: false, terminal: false } as const;
    const detail = { columns, row };
    expect(await renderDetail(detail, { format: 'table', ...options })).toContain(
      'created  2025-11-22T08:26:40Z\nage      3d 4h\n',
    );
    expect(JSON.parse(await renderDetail(detail, { format: 'json', ...options }))).toMatchObject({
      segmentId: 'orders-0',
    });
    expect((await renderDetail(detail, { format: 'csv', ...options })).split('\n')).toHaveLength(3);
  });
});
