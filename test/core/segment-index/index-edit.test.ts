import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { formatEntry } from '../../../src/core/segment-index/entry-format.ts';
import {
  type IndexEdit,
  planEdit,
  rowIdentity,
} from '../../../src/core/segment-index/index-edit.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import type { SegmentIndex } from '../../../src/core/segment-index/segment-index.ts';
import { applySplices, formatIndex } from '../../../src/core/segment-index/splice-stream.ts';

function entry(minOffset: number, change: Partial<SegmentEntry> = {}): SegmentEntry {
  const maxOffset = minOffset + 9;
  return {
    segmentId: `a-1-${minOffset}-${maxOffset}`,
    topic: 'a',
    partition: 1,
    minOffset: BigInt(minOffset),
    maxOffset: BigInt(maxOffset),
    recordCount: 10n,
    minTimestamp: 0n,
    maxTimestamp: 9n,
    objectStorePath: `/data/tantivy_indexes/a/partition-1/segment-${minOffset}-${maxOffset}.tar.gz`,
    sizeBytes: 100n,
    createdAtSeconds: 1n,
    compression: 'snappy',
    ...change,
  };
}

type Keys = readonly (readonly [string, readonly SegmentEntry[]])[];

function textOf(keys: Keys): string {
  const chunks = formatIndex(keys.map(([key, entries]) => ({ key, entries })));
  return Buffer.concat([...chunks].map((chunk) => Buffer.from(chunk))).toString('utf8');
}

async function read(text: string): Promise<SegmentIndex> {
  return await readIndex(bytesSource('x', Buffer.from(text)));
}

async function edit(text: string, change: IndexEdit) {
  const plan = planEdit(await read(text), change);
  const pieces: Buffer[] = [];
  const source = bytesSource('x', Buffer.from(text), 100);
  for await (const piece of applySplices(source, plan.splices)) pieces.push(Buffer.from(piece));
  return { plan, text: Buffer.concat(pieces).toString('utf8') };
}

async function identities(text: string, ...rows: number[]) {
  const index = await read(text);
  return rows.map((row) => rowIdentity(index, row));
}

describe('what is to be removed', () => {
  const three: Keys = [['a-1', [entry(0), entry(10), entry(20)]]];

  it('is found where it stands now, and what follows it stays', async () => {
    const [gone] = await identities(textOf(three), 1);
    if (gone === undefined) throw new Error('row 1 is there');
    const moved = textOf([
      ['b-0', []],
      ['a-1', [entry(-20), entry(-10), entry(10), entry(30)]],
    ]);
    const { text, plan } = await edit(moved, { remove: [gone] });
    expect(text).toBe(
      textOf([
        ['b-0', []],
        ['a-1', [entry(-20), entry(-10), entry(30)]],
      ]),
    );
    expect(plan.removedRows).toEqual([2]);
  });

  it('is absent when the server has written it anew with any other value', async () => {
    const remove = await identities(textOf(three), 1);
    for (const change of [
      { sizeBytes: 101n },
      { createdAtSeconds: 2n },
      { objectStorePath: 'p' },
    ]) {
      const newer = textOf([['a-1', [entry(0), entry(10, change), entry(20)]]]);
      const { text, plan } = await edit(newer, { remove });
      expect(text).toBe(newer);
      expect(plan).toMatchObject({ absent: remove, removedRows: [], splices: [] });
    }
  });

  it('is found although the server dropped its unknown fields or spelled its key anew', async () => {
    const odd = `{"a-01":[${formatEntry(entry(0)).replace('{', '{"bloom": [1],')}]}`;
    const remove = await identities(odd, 0);
    const { text } = await edit(textOf([['a-1', [entry(0)]]]), { remove });
    expect(text).toBe(textOf([['a-1', []]]));
  });

  it('is told from an equal one by its place, and both can go', async () => {
    const twins = textOf([['a-1', [entry(0), entry(0), entry(0)]]]);
    const [, middle, last] = await identities(twins, 0, 1, 2);
    if (middle === undefined || last === undefined) throw new Error('three rows are there');
    expect((await edit(twins, { remove: [middle] })).plan.removedRows).toEqual([1]);
    expect((await edit(twins, { remove: [last, middle] })).plan.removedRows).toEqual([1, 2]);
    expect((await edit(twins, { remove: [last, last] })).plan.removedRows).toEqual([2]);
  });

  it('comes back beside its equal, once', async () => {
    const twins = textOf([['a-1', [entry(0), entry(0)]]]);
    const gone = await edit(twins, { remove: await identities(twins, 0) });
    const formerPlace = { position: 0, arrayLength: 2 };
    const undo = { add: [{ key: 'a-1', entry: entry(0), formerPlace }] };
    const back = await edit(gone.text, undo);
    expect(back.text).toBe(twins);
    expect((await edit(back.text, undo)).plan).toMatchObject({ splices: [], present: undo.add });
  });

  it('leaves the array that held it, empty', async () => {
    const { text } = await edit(textOf(three), {
      remove: await identities(textOf(three), 0, 1, 2),
    });
    expect(text).toBe('{\n  "a-1": []\n}');
  });

  it('can stand in an array that the server would not load', async () => {
    const twice = `{"a-1": [${formatEntry(entry(0))}], "a-1": [${formatEntry(entry(0))}]}`;
    const first = await identities(twice, 0);
    // Both have the same key and position: the one in use is meant.
    expect((await edit(twice, { remove: first })).plan.removedRows).toEqual([1]);
    const skipped = `{"none": [${formatEntry(entry(0))}]}`;
    const { text } = await edit(skipped, { remove: await identities(skipped, 0) });
    expect(text).toBe('{"none": []}');
  });
});

describe('what is to be added', () => {
  it('makes its key in an empty file and after the last one', async () => {
    const add = [{ entry: entry(10) }, { entry: entry(0) }];
    const whole = textOf([['a-1', [entry(0), entry(10)]]]);
    expect((await edit('{}', { add })).text).toBe(whole);
    expect((await edit(' { \n } ', { add })).text).toBe(` ${whole} `);
    expect((await edit(textOf([['b-0', []]]), { add })).text).toBe(
      textOf([
        ['b-0', []],
        ['a-1', [entry(0), entry(10)]],
      ]),
    );
  });

  it('goes under the key that names its partition, however that is spelled', async () => {
    const { text } = await edit(textOf([['a-01', [entry(0)]]]), { add: [{ entry: entry(10) }] });
    expect(text).toBe(textOf([['a-01', [entry(0), entry(10)]]]));
  });

  it('wins over an entry with the same min_offset, unless it yields', async () => {
    const wider = entry(0, { maxOffset: 99n });
    const before = textOf([['a-1', [entry(0), entry(100)]]]);
    const winner = await edit(before, { add: [{ entry: wider }] });
    expect((await read(winner.text)).partition('a', 1)?.shadowed).toEqual([0]);
    expect(winner.text).toBe(textOf([['a-1', [entry(0), wider, entry(100)]]]));
    const yielding = await edit(before, { add: [{ entry: wider, yields: true }] });
    expect(yielding.text).toBe(textOf([['a-1', [wider, entry(0), entry(100)]]]));
  });

  it('wins or yields also in an array that nobody sorted', async () => {
    const before = textOf([['a-1', [entry(50), entry(0), entry(10)]]]);
    const add = [{ entry: entry(0, { sizeBytes: 7n }) }];
    const shadowed = async (text: string) => {
      const index = await read(text);
      return index.partition('a', 1)?.shadowed.map((row) => index.sizeBytes(row));
    };
    expect(await shadowed((await edit(before, { add })).text)).toEqual([100n]);
    const yielding = add.map((one) => ({ ...one, yields: true }));
    expect(await shadowed((await edit(before, { add: yielding })).text)).toEqual([7n]);
  });

  it('comes back into an array that has grown meanwhile, in its order', async () => {
    const formerPlace = { position: 0, arrayLength: 2 };
    const grown = textOf([['a-1', [entry(10), entry(20), entry(30)]]]);
    const { text } = await edit(grown, { add: [{ key: 'a-1', entry: entry(0), formerPlace }] });
    expect(text).toBe(textOf([['a-1', [entry(0), entry(10), entry(20), entry(30)]]]));
  });
});

describe('what is to be replaced', () => {
  it('and is not there is reported, and nothing is written for it', async () => {
    const before = textOf([['a-1', [entry(0)]]]);
    const [old] = await identities(textOf([['a-1', [entry(0), entry(10)]]]), 1);
    if (old === undefined) throw new Error('row 1 is there');
    const { text, plan } = await edit(before, {
      replace: [{ old, entry: entry(10, { sizeBytes: 1n }) }],
    });
    expect(text).toBe(before);
    expect(plan).toMatchObject({ absent: [old], added: [] });
  });
});

describe('an index that was read with a filter', () => {
  it('is no base for an edit', async () => {
    const source = bytesSource('x', Buffer.from(textOf([['a-1', [entry(0)]]])));
    const index = await readIndex(source, { filter: () => false });
    expect(() => planEdit(index, {})).toThrow('filter');
  });
});
