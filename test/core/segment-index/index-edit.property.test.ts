import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import {
  type EditPlan,
  type EntryAddition,
  type IndexEdit,
  planEdit,
  rowIdentity,
} from '../../../src/core/segment-index/index-edit.ts';
import {
  formatPartitionKey,
  parsePartitionKey,
} from '../../../src/core/segment-index/partition-key.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import type { SegmentIndex } from '../../../src/core/segment-index/segment-index.ts';
import { applySplices, readRawEntries } from '../../../src/core/segment-index/splice-stream.ts';
import { chronikText, diceOf, type ModelIndex, modelIndex, oddText } from './index-model.ts';

const chunkBytes = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(1 << 20));
const seeds = fc.integer();

async function open(text: string, chunk: number) {
  const source = bytesSource('index', Buffer.from(text), chunk);
  return { source, index: await readIndex(source) };
}

async function edited(
  text: string,
  chunk: number,
  edit: (index: SegmentIndex) => IndexEdit,
): Promise<{ text: string; plan: EditPlan }> {
  const { source, index } = await open(text, chunk);
  const plan = planEdit(index, edit(index));
  const pieces: Buffer[] = [];
  for await (const piece of applySplices(source, plan.splices)) pieces.push(Buffer.from(piece));
  return { text: Buffer.concat(pieces).toString('utf8'), plan };
}

/** What puts the rows back where they were. */
async function undoOf(text: string, rows: readonly number[]): Promise<EntryAddition[]> {
  const { source, index } = await open(text, 64);
  const places = rows.map((row) => ({ row, ...index.location(row) }));
  const additions: EntryAddition[] = [];
  for await (const { row, text: rawText } of readRawEntries(source, places)) {
    const key = index.keyOf(row);
    const formerPlace = { position: row - key.firstRow, arrayLength: key.rowCount };
    additions.push({ key: key.text, entry: index.entry(row), rawText, formerPlace });
  }
  return additions;
}

function pickRows(rowCount: number, seed: number): number[] {
  const dice = diceOf(seed);
  const share = dice();
  return Array.from({ length: rowCount }, (_, row) => row).filter(() => dice() < share);
}

function without(model: ModelIndex, rows: readonly number[]): ModelIndex {
  let row = 0;
  return model.map(([key, entries]) => [key, entries.filter(() => !rows.includes(row++))]);
}

/** Without repeated keys, whose equal rows would be told apart by nothing. */
function distinctKeys(model: ModelIndex): ModelIndex {
  return model.filter(([key], i) => model.findIndex(([other]) => other === key) === i);
}

describe('removing entries', () => {
  it('leaves the file that the server would have written without them', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, seeds, chunkBytes, async (all, seed, chunk) => {
        const model = distinctKeys(all);
        const before = chronikText(model);
        let rows: number[] = [];
        const { text, plan } = await edited(before, chunk, (index) => {
          rows = pickRows(index.rowCount, seed);
          return { remove: rows.map((row) => rowIdentity(index, row)) };
        });
        expect(text).toBe(chronikText(without(model, rows)));
        expect(plan).toMatchObject({ removedRows: rows, absent: [], added: [], present: [] });
      }),
      { numRuns: 300 },
    );
  });

  it('is undone to the very same bytes, and each can be repeated', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, seeds, chunkBytes, async (all, seed, chunk) => {
        const before = chronikText(distinctKeys(all));
        const { index } = await open(before, chunk);
        const rows = pickRows(index.rowCount, seed);
        const edit = { remove: rows.map((row) => rowIdentity(index, row)) };
        const gone = await edited(before, chunk, () => edit);
        const undo = { add: await undoOf(before, rows) };
        expect((await edited(gone.text, chunk, () => undo)).text).toBe(before);
        const again = await edited(before, chunk, () => undo);
        expect(again.text).toBe(before);
        expect(again.plan.splices).toEqual([]);
        expect(again.plan.present).toEqual(undo.add);
      }),
      { numRuns: 300 },
    );
  });

  it('finds nothing to do the second time', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, seeds, async (all, seed) => {
        const before = chronikText(distinctKeys(all));
        const { index } = await open(before, 1 << 20);
        const rows = distinctContent(index, pickRows(index.rowCount, seed));
        const edit = { remove: rows.map((row) => rowIdentity(index, row)) };
        const gone = await edited(before, 1 << 20, () => edit);
        const again = await edited(gone.text, 1 << 20, () => edit);
        expect(again.text).toBe(gone.text);
        expect(again.plan).toMatchObject({ splices: [], removedRows: [], absent: edit.remove });
      }),
      { numRuns: 100 },
    );
  });

  it('keeps every other entry as it is spelled, whatever the formatting', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, seeds, chunkBytes, async (all, seed, chunk) => {
        const before = oddText(distinctKeys(all), diceOf(seed));
        const { index } = await open(before, chunk);
        const rows = pickRows(index.rowCount, seed);
        const kept = Array.from({ length: index.rowCount }, (_, row) => row).filter(
          (row) => !rows.includes(row),
        );
        const edit = { remove: rows.map((row) => rowIdentity(index, row)) };
        const gone = await edited(before, chunk, () => edit);
        expect(await spellings(gone.text)).toEqual(await spellings(before, kept));
        const undo = { add: await undoOf(before, rows) };
        const back = await edited(gone.text, chunk, () => undo);
        expect(await spellings(back.text)).toEqual(await spellings(before));
      }),
      { numRuns: 200 },
    );
  });
});

describe('adding entries', () => {
  it('puts them in min_offset order, as the server would write them', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, seeds, chunkBytes, async (all, seed, chunk) => {
        const model = distinctPartitions(all);
        const { index } = await open(chronikText(model), chunk);
        const rows = pickRows(index.rowCount, seed);
        const missing = rows.filter((row) => index.unknownFields(row).length === 0);
        const reduced = chronikText(without(model, missing).filter(([, e]) => e.length > 0));
        const add = missing.map((row) => ({
          key: index.location(row).key,
          entry: index.entry(row),
        }));
        const { text, plan } = await edited(reduced, chunk, () => ({ add }));
        expect(plan.added.length).toBe(add.length);
        expect(await byKey(text)).toEqual(
          await byKey(chronikText(model.filter(([, e]) => e.length > 0))),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('replaces an entry in its place', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, seeds, chunkBytes, async (all, seed, chunk) => {
        const model = distinctKeys(all);
        const before = chronikText(model);
        const { index } = await open(before, chunk);
        const rows = pickRows(index.rowCount, seed);
        const replace = rows.map((row) => ({
          old: rowIdentity(index, row),
          entry: { ...index.entry(row), sizeBytes: BigInt(row) },
        }));
        let row = 0;
        const expected = model.map(
          ([key, entries]) =>
            [
              key,
              entries.map((one) => {
                const at = row++;
                if (!rows.includes(at)) return one;
                return { entry: { ...one.entry, sizeBytes: BigInt(at) }, unknown: [] };
              }),
            ] as const,
        );
        expect((await edited(before, chunk, () => ({ replace }))).text).toBe(chronikText(expected));
      }),
      { numRuns: 200 },
    );
  });
});

/** One spelling a partition, entries sorted and without equal offsets: what a server writes. */
function distinctPartitions(model: ModelIndex): ModelIndex {
  const seen = new Set<string>();
  const result: (readonly [string, ModelIndex[number][1]])[] = [];
  for (const [key, entries] of model) {
    const partition = parsePartitionKey(key);
    const name =
      partition === undefined ? key : formatPartitionKey(partition.topic, partition.partition);
    if (seen.has(name)) continue;
    seen.add(name);
    const byOffset = new Map(entries.map((one) => [one.entry.minOffset, one]));
    const sorted = [...byOffset.values()].sort((a, b) =>
      a.entry.minOffset < b.entry.minOffset ? -1 : 1,
    );
    result.push([key, sorted]);
  }
  return result;
}

async function byKey(text: string) {
  const { index } = await open(text, 1 << 20);
  const bytes = Buffer.from(text);
  return new Map(
    index.keys.map((key) => [key.text, bytes.toString('utf8', key.arrayStart, key.arrayEnd)]),
  );
}

/** Of rows with equal content under one key, the first. */
function distinctContent(index: SegmentIndex, rows: readonly number[]): number[] {
  const seen = new Set<string>();
  for (let row = 0; row < index.rowCount; row++) {
    if (!rows.includes(row)) seen.add(contentOf(index, row));
  }
  return rows.filter((row) => {
    const content = contentOf(index, row);
    const isNew = !seen.has(content);
    seen.add(content);
    return isNew;
  });
}

function contentOf(index: SegmentIndex, row: number): string {
  const { key } = index.location(row);
  return JSON.stringify([key, Object.values(index.entry(row)).map(String)]);
}

async function spellings(text: string, rows?: readonly number[]) {
  const { index } = await open(text, 1 << 20);
  const bytes = Buffer.from(text);
  const all = rows ?? Array.from({ length: index.rowCount }, (_, row) => row);
  return all.map((row) => {
    const { key, byteStart, byteEnd } = index.location(row);
    return [key, bytes.toString('utf8', byteStart, byteEnd)];
  });
}
