import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { formatEntry } from '../../../src/core/segment-index/entry-format.ts';
import { parsePartitionKey } from '../../../src/core/segment-index/partition-key.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { loadIndex } from '../../../src/storage/index-file.ts';

const ODD = fileURLToPath(
  new URL('../../fixtures/segment-index/odd-but-valid.json', import.meta.url),
);

const SAMPLE: SegmentEntry = {
  segmentId: 'a-1-0-9',
  topic: 'a',
  partition: 1,
  minOffset: 0n,
  maxOffset: 9n,
  recordCount: 10n,
  minTimestamp: 0n,
  maxTimestamp: 9n,
  objectStorePath: '/data/tantivy_indexes/a/partition-1/segment-0-9.tar.gz',
  sizeBytes: 100n,
  createdAtSeconds: 1n,
  compression: 'snappy',
};

/** An index from keys, with entries that differ from SAMPLE in what is given. */
async function indexOf(keys: readonly (readonly [string, readonly Partial<SegmentEntry>[]])[]) {
  const arrays = keys.map(([key, entries]) => {
    const texts = entries.map((change) => formatEntry({ ...SAMPLE, ...change }));
    return `${JSON.stringify(key)}: [${texts.join(',')}]`;
  });
  return await readIndex(bytesSource('x', Buffer.from(`{${arrays.join(',')}}`)));
}

describe('a file written by hand, valid in every detail', () => {
  it('is read to the last digit', async () => {
    const { index } = await loadIndex(ODD);
    expect(index.keys.map((key) => [key.text, key.partition, key.rowCount])).toEqual([
      ['a-b-7', { topic: 'a-b', partition: 7 }, 2],
      ['no-partition-', undefined, 0],
      ['a-1', { topic: 'a', partition: 1 }, 0],
      ['-2147483648-2147483647', { topic: '-2147483648', partition: 2_147_483_647 }, 0],
      ['x', undefined, 0],
    ]);
    expect(index.entry(0)).toEqual({
      segmentId: 'id é😀"\\/\b\f\n\r\t',
      topic: 'a-b',
      partition: 7,
      minOffset: -5n,
      maxOffset: 9223372036854775807n,
      recordCount: 18446744073709551615n,
      minTimestamp: -9223372036854775808n,
      maxTimestamp: 0n,
      objectStorePath: 'p',
      sizeBytes: 0n,
      createdAtSeconds: -1n,
      compression: '',
    });
    expect(index.entry(1)).toEqual({
      segmentId: 'a-b-7-9007199254740992-9007199254740993',
      topic: 'a-b',
      partition: 7,
      minOffset: 9007199254740992n,
      maxOffset: 9007199254740993n,
      recordCount: 0n,
      minTimestamp: -1n,
      maxTimestamp: -9223372036854775808n,
      objectStorePath:
        'pfx//data/tantivy_indexes/a-b/partition-7/segment-00-9007199254740993.tar.gz',
      sizeBytes: 18446744073709551615n,
      createdAtSeconds: 9223372036854775807n,
      compression: 'zstd',
    });
    expect(index.unknownFields(1)).toEqual(['future', '']);
    expect(index.issues.map(({ kind, key, rowCount }) => [kind, key, rowCount])).toEqual([
      ['unparsable-key', 'no-partition-', 0],
      ['unparsable-key', 'x', 0],
      ['unknown-fields', 'a-b-7', 1],
    ]);
  });
});

describe('a key', () => {
  it("is split at its last '-', and its end is what Rust takes for an i32", () => {
    expect(parsePartitionKey('click-events-12')).toEqual({ topic: 'click-events', partition: 12 });
    expect(parsePartitionKey('a--1')).toEqual({ topic: 'a-', partition: 1 });
    expect(parsePartitionKey('a-+1')).toEqual({ topic: 'a', partition: 1 });
    expect(parsePartitionKey('a-0001')).toEqual({ topic: 'a', partition: 1 });
    expect(parsePartitionKey('-0')).toEqual({ topic: '', partition: 0 });
    expect(parsePartitionKey('a-2147483647')).toEqual({ topic: 'a', partition: 2 ** 31 - 1 });
    const skipped = [
      'a',
      '',
      'a-',
      'a-+',
      'a-++1',
      'a-1 ',
      'a- 1',
      'a-1.0',
      'a-0x1',
      'a-2147483648',
      'a-٣',
    ];
    for (const key of skipped) expect(parsePartitionKey(key)).toBeUndefined();
  });
});

describe('what the server would not load as written', () => {
  it('is sorted by min_offset, the last of equal ones counts', async () => {
    const index = await indexOf([
      [
        'a-1',
        [
          { minOffset: 50n },
          { minOffset: 0n },
          { minOffset: 50n, sizeBytes: 7n },
          { minOffset: 10n },
        ],
      ],
    ]);
    expect([...(index.partition('a', 1)?.rows ?? [])]).toEqual([1, 3, 2]);
    expect(index.partition('a', 1)?.shadowed).toEqual([0]);
    expect(index.issues).toMatchObject([
      { kind: 'shadowed-entries', key: 'a-1', rowCount: 1, firstRow: 0 },
    ]);
    expect(index.totals()).toEqual({ partitions: 1, segments: 3, records: 30n, bytes: 207n });
  });

  it('is only the last of equal keys', async () => {
    const index = await indexOf([
      ['a-1', [{ minOffset: 1n }]],
      ['a-1', [{ minOffset: 2n }]],
    ]);
    expect([...(index.partition('a', 1)?.rows ?? [])]).toEqual([1]);
    expect(index.issues).toMatchObject([{ kind: 'duplicate-key', rowCount: 1, firstRow: 0 }]);
  });

  it('is everything of a partition that two keys name, since the server picks one by chance', async () => {
    const index = await indexOf([
      ['a-01', [{ minOffset: 10n }]],
      ['a-1', [{ minOffset: 0n }]],
    ]);
    expect([...(index.partition('a', 1)?.rows ?? [])]).toEqual([1, 0]);
    expect(index.issues.map(({ kind, key }) => [kind, key])).toEqual([
      ['ambiguous-partition', 'a-01'],
      ['ambiguous-partition', 'a-1'],
    ]);
  });

  it('belongs to the partition of its key, whatever it says itself', async () => {
    const index = await indexOf([['b-2', [{}, { topic: 'b', partition: 2 }]]]);
    expect([...(index.partition('b', 2)?.rows ?? [])]).toEqual([1]);
    expect(index.entry(0).topic).toBe('a');
    expect(index.partition('a', 1)).toBeUndefined();
    expect(index.issues.map(({ kind }) => kind)).toEqual(['wrong-key', 'shadowed-entries']);
  });
});

describe('an empty index', () => {
  it('has no partition; an empty array is a partition without rows', async () => {
    expect((await indexOf([])).partitions).toEqual([]);
    const index = await indexOf([['a-1', []]]);
    expect(index.partitions).toMatchObject([{ topic: 'a', partition: 1 }]);
    expect(index.totals()).toEqual({ partitions: 1, segments: 0, records: 0n, bytes: 0n });
  });

  it('has no row to ask for', async () => {
    const index = await indexOf([]);
    expect(() => index.entry(0)).toThrow(RangeError);
    expect(() => index.minOffset(-1)).toThrow(RangeError);
  });
});
