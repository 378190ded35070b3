import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, type FieldDefinition, IndexBuilder, TantivyIndex } from '../index.js';
import { allRows, batchOf, collect, failureOf, fixture, type Row, rowsOf } from './support.ts';

const SCHEMA: FieldDefinition[] = [
  { name: 'id', type: 'i64', indexed: true, fast: true },
  { name: 'size', type: 'u64', fast: true },
  { name: 'ratio', type: 'f64' },
  { name: 'odd', type: 'bool' },
  { name: 'at', type: 'date', indexed: true, fast: true },
  { name: 'raw', type: 'bytes' },
  { name: 'title', type: 'text', indexed: true },
];
const TYPES = Object.fromEntries(SCHEMA.map(({ name, type }) => [name, type])) as Record<
  string,
  Column['type']
>;

const arbitraryRow: fc.Arbitrary<Row> = fc.record({
  id: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  size: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  ratio: fc.option(fc.double({ noNaN: true })),
  odd: fc.option(fc.boolean()),
  at: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  raw: fc.option(fc.uint8Array({ maxLength: 300 })),
  title: fc.option(fc.string({ unit: 'grapheme', maxLength: 30 })),
});

async function build(segments: readonly (readonly Row[])[]): Promise<Map<string, Uint8Array>> {
  const builder = await IndexBuilder.create(SCHEMA);
  for (const rows of segments) {
    await builder.add(batchOf(TYPES, rows));
    await builder.commit();
  }
  return builder.finish();
}

describe('what is written', () => {
  it('is read back the same, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(arbitraryRow, { minLength: 1, maxLength: 40 }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.integer({ min: 1, max: 50 }),
        async (segments, batchDocs) => {
          const index = await TantivyIndex.open(await build(segments));
          expect(index.segments).toHaveLength(segments.length);
          const rows: Row[][] = index.segments.map(() => []);
          for (const batch of await collect(index.read({ batchDocs, withDocIds: true }))) {
            rowsOf(batch).forEach((row, place) => {
              rows[batch.segmentOrds?.[place] ?? -1]?.push(row);
            });
          }
          // Commits and segments correspond one to one, but meta.json may list them in any order.
          const key = (part: readonly Row[]) => JSON.stringify(part, replacer);
          expect(rows.map(key).sort()).toEqual(segments.map(key).sort());
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps the extremes, and null apart from empty', async () => {
    const rows: Row[] = [
      {
        id: -(2n ** 63n),
        size: 2n ** 64n - 1n,
        ratio: -0,
        odd: false,
        at: -(2n ** 63n),
        raw: new Uint8Array(),
        title: '',
      },
      {
        id: 2n ** 63n - 1n,
        size: 0n,
        ratio: Number.MIN_VALUE,
        odd: true,
        at: 2n ** 63n - 1n,
        raw: null,
        title: null,
      },
      {
        id: null,
        size: null,
        ratio: null,
        odd: null,
        at: null,
        raw: new Uint8Array([0]),
        title: '\0',
      },
    ];
    const index = await TantivyIndex.open(await build([rows]));
    expect(await allRows(index.read())).toEqual(rows);
    const [batch] = await collect(index.read({ fields: ['raw', 'title'] }));
    expect(batch?.columns.raw?.nulls).toEqual(new Uint8Array([0b010]));
    const ordered = await allRows(index.read({ fields: ['at'], orderBy: 'at' }));
    expect(ordered.map((row) => row.at)).toEqual([-(2n ** 63n), 2n ** 63n - 1n, null]);
    const bySize = await allRows(
      index.read({ fields: ['size'], orderBy: 'size', range: { field: 'size', min: 1n } }),
    );
    expect(bySize).toEqual([{ size: 2n ** 64n - 1n }]);
  });

  it('can be many documents in several segments that are out of order', async () => {
    const total = 25_000;
    const parts = [0, 1, 2, 3, 4].map((part) =>
      Array.from({ length: total / 5 }, (_, n): Row => {
        const id = BigInt((n * 5 + part) * 7_919) % BigInt(total);
        return { id, raw: new Uint8Array([Number(id & 0xffn)]), title: null };
      }),
    );
    const index = await TantivyIndex.open(await build(parts));
    expect(index.numDocs).toBe(total);
    expect(index.segments).toHaveLength(5);
    let next = 0n;
    for await (const batch of index.read({
      fields: ['id', 'raw'],
      orderBy: 'id',
      batchDocs: 1_000,
    })) {
      const { id, raw } = batch.columns;
      if (id?.type !== 'i64' || raw?.type !== 'bytes') throw new Error('other columns');
      for (let row = 0; row < batch.numDocs; row++) {
        expect(id.values[row]).toBe(next);
        expect(raw.data[raw.offsets[row] ?? 0]).toBe(Number(next & 0xffn));
        next++;
      }
    }
    expect(next).toBe(BigInt(total));
  });

  it('is the folder that Tantivy would leave', async () => {
    const builder = await IndexBuilder.create(SCHEMA);
    await builder.add(batchOf(TYPES, [{ id: 1n }]));
    await builder.commit('first');
    await builder.add(batchOf(TYPES, [{ id: 2n }, { id: 3n }]));
    const opstamp = await builder.commit('second');
    const files = await builder.finish();
    const index = await TantivyIndex.open(files);
    expect(index.payload).toBe('second');
    expect(index.opstamp).toBe(opstamp);
    expect([...files.keys()].sort()).toEqual(
      ['.managed.json', 'meta.json', ...index.segments.flatMap((segment) => segment.files)].sort(),
    );
    const meta = JSON.parse(index.metaJson);
    expect(meta.index_settings.docstore_compression).toBe('lz4');
    const checksums = await index.verifyChecksums();
    expect(checksums).toHaveLength(12);
    expect(checksums.every((checksum) => checksum.ok)).toBe(true);
  });

  it('may be nothing', async () => {
    const builder = await IndexBuilder.create(SCHEMA);
    const index = await TantivyIndex.open(await builder.finish());
    expect(index.numDocs).toBe(0);
    expect(index.formatVersion).toBeUndefined();
    expect(await collect(index.read({ orderBy: 'id' }))).toEqual([]);
  });

  it('takes batches as the reader gives them', async () => {
    const source = await TantivyIndex.open(fixture('records-96'));
    const builder = await IndexBuilder.create(source.schema);
    for await (const batch of source.read({ batchDocs: 33 })) await builder.add(batch);
    const copy = await TantivyIndex.open(await builder.finish());
    expect(copy.schema).toEqual(source.schema);
    expect(await allRows(copy.read())).toEqual(await allRows(source.read()));
  });

  it('does not change when the caller reuses its arrays at once', async () => {
    const builder = await IndexBuilder.create([{ name: 'id', type: 'i64' }]);
    const values = new BigInt64Array([1n, 2n]);
    const adding = builder.add({
      numDocs: 2,
      columns: { id: { type: 'i64', values, nulls: null } },
    });
    values.fill(9n);
    await adding;
    const index = await TantivyIndex.open(await builder.finish());
    expect(await allRows(index.read())).toEqual([{ id: 1n }, { id: 2n }]);
  });
});

describe('merging', () => {
  it('makes one segment of all documents, in order, without the deleted ones', async () => {
    const one = await build([[{ id: 5n }, { id: 3n }], [{ id: 4n, title: 'x' }]]);
    const two = await build([[{ id: 1n, raw: new Uint8Array([1]) }]]);
    const merged = await TantivyIndex.open(await IndexBuilder.merge([one, two]));
    expect(merged.segments).toHaveLength(1);
    const sources = await Promise.all([one, two].map((files) => TantivyIndex.open(files)));
    const expected = (await Promise.all(sources.map((source) => allRows(source.read())))).flat();
    expect(await allRows(merged.read())).toEqual(expected);
    expect((await merged.verifyChecksums()).every((checksum) => checksum.ok)).toBe(true);
  });

  it('takes archives of another writer', async () => {
    const merged = await TantivyIndex.open(
      await IndexBuilder.merge([fixture('records-96'), fixture('records-13')]),
    );
    expect(merged.numDocs).toBe(109);
  });

  it('refuses what it would have to change', async () => {
    const other = await IndexBuilder.create([{ name: 'id', type: 'i64' }]);
    const refused = [
      () => IndexBuilder.merge([fixture('records-13'), fixture('every-type')]),
      () => IndexBuilder.merge([fixture('every-type')]),
      async () => IndexBuilder.merge([fixture('records-13'), await other.finish()]),
    ];
    for (const merge of refused)
      expect(await failureOf(merge)).toMatchObject({ code: 'TANTIVY_SCHEMA' });
    expect(await failureOf(() => IndexBuilder.merge([]))).toMatchObject({
      code: 'TANTIVY_INVALID_ARG',
    });
    expect(
      await failureOf(() => IndexBuilder.merge([fixture('records-13')], { maxBytes: 1000 })),
    ).toMatchObject({
      code: 'TANTIVY_LIMIT',
    });
  });
});

describe('a builder', () => {
  it('refuses bad batches, and goes on', async () => {
    const builder = await IndexBuilder.create(SCHEMA);
    const blob = (offsets: number[], data = [1, 2, 3]) => ({
      type: 'bytes' as const,
      data: new Uint8Array(data),
      offsets: new Uint32Array(offsets),
      nulls: null,
    });
    const bad: [string, Record<string, Column>][] = [
      ['TANTIVY_INVALID_ARG', { raw: blob([0, 2, 1]) }],
      ['TANTIVY_INVALID_ARG', { raw: blob([0, 1, 4]) }],
      ['TANTIVY_INVALID_ARG', { raw: blob([0, 1]) }],
      ['TANTIVY_INVALID_ARG', { raw: blob([]) }],
      ['TANTIVY_INVALID_ARG', { title: { ...blob([0, 1, 3], [0x41, 0xff, 0xfe]), type: 'text' } }],
      ['TANTIVY_INVALID_ARG', { id: { type: 'i64', values: new BigInt64Array(3), nulls: null } }],
      [
        'TANTIVY_INVALID_ARG',
        { id: { type: 'i64', values: new BigInt64Array(2), nulls: new Uint8Array() } },
      ],
      ['TANTIVY_FIELD_TYPE', { id: { type: 'u64', values: new BigUint64Array(2), nulls: null } }],
      ['TANTIVY_SCHEMA', { absent: { type: 'u64', values: new BigUint64Array(2), nulls: null } }],
    ];
    for (const [code, columns] of bad) {
      expect(await failureOf(() => builder.add({ numDocs: 2, columns }))).toMatchObject({ code });
    }
    await builder.add(batchOf(TYPES, [{ id: 1n }]));
    const index = await TantivyIndex.open(await builder.finish());
    expect(index.numDocs).toBe(1);
  });

  it('is closed after finish', async () => {
    const builder = await IndexBuilder.create(SCHEMA);
    await builder.finish();
    expect(await failureOf(() => builder.commit())).toMatchObject({ code: 'TANTIVY_CLOSED' });
    expect(await failureOf(() => builder.finish())).toMatchObject({ code: 'TANTIVY_CLOSED' });
    await builder.close();
  });

  it('refuses schemas that cannot be', async () => {
    const bad: [string, FieldDefinition[]][] = [
      [
        'TANTIVY_SCHEMA',
        [
          { name: 'a', type: 'i64' },
          { name: 'a', type: 'u64' },
        ],
      ],
      ['TANTIVY_SCHEMA', [{ name: '', type: 'i64' }]],
      ['TANTIVY_FIELD_TYPE', [{ name: 'a', type: 'json' }]],
      ['TANTIVY_FIELD_TYPE', [{ name: 'a', type: 'number' as 'i64' }]],
      ['TANTIVY_SCHEMA', [{ name: 'a', type: 'text', indexed: true, tokenizer: 'absent' }]],
    ];
    for (const [code, schema] of bad) {
      expect(await failureOf(() => IndexBuilder.create(schema))).toMatchObject({ code });
    }
    expect(
      await failureOf(() => IndexBuilder.create(SCHEMA, { memoryBudgetBytes: 1000 })),
    ).toMatchObject({
      code: 'TANTIVY_INVALID_ARG',
    });
  });
});

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? [...value] : value;
}
