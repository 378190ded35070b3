import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { applyDeletions } from '../../../src/core/compaction/apply.ts';
import { condenseHistory, readHistory } from '../../../src/core/compaction/history.ts';
import { readRun } from '../../../src/core/compaction/recorded-run.ts';
import { findReturned, withoutRevived } from '../../../src/core/compaction/returned-entries.ts';
import { makeRunId, runIdTime } from '../../../src/core/compaction/run-id.ts';
import { applyUndo } from '../../../src/core/compaction/undo.ts';
import { planUndo } from '../../../src/core/compaction/undo-plan.ts';
import {
  bytesOf,
  disposeWorlds,
  entry,
  indexText,
  makeWorld,
  NOW_MS,
  type World,
} from './engine-kit.ts';

afterAll(disposeWorlds);

const ENTRIES = [
  entry('orders', 0, 0, 99, 30),
  entry('orders', 0, 100, 199, 20),
  entry('orders', 0, 200, 299, 1),
];
const DAY_MS = 86_400_000;

async function deleted(
  ids: readonly string[],
): Promise<{ world: World; runId: string; path: string }> {
  const world = await makeWorld(ENTRIES);
  const { runId } = await applyDeletions(world.engine, await world.request(ids));
  const path = join(world.runs.name, runId ?? '', 'journal.jsonl');
  return { world, runId: runId ?? '', path };
}

describe('the journal', () => {
  it('names runs so that they sort by time', () => {
    const ids = [3, 1, 2].map((n) => makeRunId(NOW_MS + n * 1000, Uint8Array.of(9 - n, 0, 0, 0)));
    expect([...ids].sort().map(runIdTime)).toEqual([NOW_MS + 1000, NOW_MS + 2000, NOW_MS + 3000]);
  });

  it('holds each removed entry in full', async () => {
    const { world, runId } = await deleted(['orders-0-0-99']);
    const run = await readRun(world.runs, runId);
    expect(run.removals.map((one) => one.entry)).toEqual([ENTRIES[0]]);
    expect(run.state).toBe('done');
  });

  it('keeps the text of an entry with fields that Chronik does not know', async () => {
    const world = await makeWorld(ENTRIES);
    const odd = (await world.text()).replace(
      '"compression": "snappy"',
      '"compression": "snappy",\n      "extra": [1.50, "x"]',
    );
    await writeFile(world.indexPath, odd);
    const graceUntilMs = NOW_MS + 1000;
    const { runId } = await applyDeletions(
      world.engine,
      await world.request(['orders-0-0-99'], { graceUntilMs }),
    );
    expect((await readRun(world.runs, runId ?? '')).removals[0]?.raw).toContain(
      '"extra": [1.50, "x"]',
    );
    await applyUndo(world.engine, await planUndo(world.engine, runId ?? ''));
    expect(await world.text()).toBe(odd);
  });

  it('takes a line that a crash cut off for one that was never written', async () => {
    const { world, runId, path } = await deleted(['orders-0-0-99']);
    await appendFile(path, '{"type":"outcome","n":0,"outc');
    expect((await readRun(world.runs, runId)).state).toBe('done');
    const file = await world.runs.open(runId);
    await file.append(['{"type":"resumed","atMs":1,"host":"h","pid":1}']);
    await file.close();
    expect((await readRun(world.runs, runId)).resumes).toBe(1);
  });

  it.each([
    [
      'a damaged line',
      (text: string) => text.replace('"type":"intent"', '"type":"intend"'),
      'journal-damaged',
    ],
    [
      'a lost line',
      (text: string) => text.split('\n').toSpliced(1, 1).join('\n'),
      'journal-damaged',
    ],
    [
      'a float',
      (text: string) => text.replace('"position":0', '"position":0.5'),
      'journal-damaged',
    ],
    [
      'a later version',
      (text: string) => text.replace('"version":1', '"version":2'),
      'journal-version-unknown',
    ],
    ['nothing', () => '', 'journal-damaged'],
  ])('is refused with %s', async (_, damage, code) => {
    const { world, runId, path } = await deleted(['orders-0-0-99']);
    await writeFile(path, damage(await readFile(path, 'utf8')));
    await expect(readRun(world.runs, runId)).rejects.toMatchObject({ code, facts: { run: runId } });
  });

  it('is not found for a name that no run has', async () => {
    const { world } = await deleted(['orders-0-0-99']);
    await expect(readRun(world.runs, '../x')).rejects.toMatchObject({ code: 'run-not-found' });
  });
});

describe('entries that a server writes back', () => {
  it('are recognized by all their fields, and only by them', async () => {
    const { world, runId } = await deleted(['orders-0-0-99', 'orders-0-100-199']);
    const [first, second, third] = ENTRIES;
    if (!first || !second || !third) throw new Error('no entries');
    const anew = { ...second, createdAtSeconds: second.createdAtSeconds + 1n };
    await writeFile(world.indexPath, indexText([first, anew, third]));
    const { deletions } = await readHistory(world.runs);
    const returned = findReturned(await world.index(), deletions);
    expect(returned).toMatchObject([{ row: 0, runId, objectLeft: false }]);
    await world.store.put(first.objectStorePath, bytesOf('orders', 0));
    const { signal } = new AbortController();
    expect(await withoutRevived(returned, world.store, signal)).toEqual([]);
  });

  it('leave the index again, without counting as a deletion or an intent to undo', async () => {
    const { world } = await deleted(['orders-0-0-99']);
    await writeFile(world.indexPath, indexText(ENTRIES));
    const { deletions } = await readHistory(world.runs);
    const returned = findReturned(await world.index(), deletions).map(({ identity }) => identity);
    const report = await applyDeletions(world.engine, await world.request([], { returned }));
    expect(report).toMatchObject({ state: 'done', identified: 0, deleted: 0, returnedRemoved: 1 });
    expect((await world.index()).rowCount).toBe(2);
  });

  it('are ours to keep once the run was undone', async () => {
    const world = await makeWorld(ENTRIES);
    const request = await world.request(['orders-0-0-99'], { objectsMode: 'keep' });
    const { runId } = await applyDeletions(world.engine, request);
    await applyUndo(world.engine, await planUndo(world.engine, runId ?? ''));
    const { deletions } = await readHistory(world.runs);
    expect(findReturned(await world.index(), deletions)).toEqual([]);
    expect(deletions.rangeAt('orders', 0, 5n)).toBeUndefined();
  });
});

describe('the history', () => {
  it('tells which run deleted an offset', async () => {
    const { world, runId } = await deleted(['orders-0-0-99']);
    const { deletions, runs } = await readHistory(world.runs);
    expect(deletions.rangeAt('orders', 0, 99n)).toMatchObject({ lastRun: runId, undoable: false });
    expect(deletions.rangeAt('orders', 0, 100n)).toBeUndefined();
    expect(runs).toMatchObject([{ runId, state: 'done', segments: 1 }]);
  });

  it('is condensed, and still tells the same', async () => {
    const many = Array.from({ length: 60 }, (_, n) => entry('orders', 0, n * 10, n * 10 + 9, 30));
    const world = await makeWorld(many);
    for (const { segmentId } of many.slice(0, 50)) {
      await applyDeletions(world.engine, await world.request([segmentId]));
    }
    const before = await readHistory(world.runs);
    expect(await condenseHistory(world.runs, NOW_MS + 10 * DAY_MS)).toBe(0);
    expect(await condenseHistory(world.runs, NOW_MS + 31 * DAY_MS)).toBe(50);
    expect(await readdir(world.runs.name)).toEqual([]);
    const after = await readHistory(world.runs);
    expect(after.runs).toEqual(before.runs);
    expect(after.deletions.ranges('orders', 0)).toMatchObject([
      {
        minOffset: 0n,
        maxOffset: 499n,
        firstRun: before.runs[0]?.runId,
        lastRun: before.runs[49]?.runId,
      },
    ]);
    await writeFile(world.indexPath, indexText(many));
    expect(findReturned(await world.index(), after.deletions)).toHaveLength(50);
  });

  it('takes a run once that a crash left in both places', async () => {
    const world = await makeWorld(Array.from({ length: 40 }, (_, n) => entry('o', 0, n, n, 30)));
    for (let n = 0; n < 40; n++) {
      await applyDeletions(world.engine, await world.request([`o-0-${n}-${n}`]));
    }
    const { runs } = await readHistory(world.runs);
    const kept = runs[0]?.runId ?? '';
    const journal = await readFile(join(world.runs.name, kept, 'journal.jsonl'), 'utf8');
    await condenseHistory(world.runs, NOW_MS + 31 * DAY_MS);
    await mkdir(join(world.runs.name, kept));
    await writeFile(join(world.runs.name, kept, 'journal.jsonl'), journal);
    expect((await readHistory(world.runs)).runs).toEqual(runs);
    await condenseHistory(world.runs, NOW_MS + 31 * DAY_MS);
    expect(await readdir(world.runs.name)).toEqual([]);
  });

  it('never condenses what can still be undone or has to be finished', async () => {
    const world = await makeWorld(Array.from({ length: 80 }, (_, n) => entry('o', 0, n, n, 30)));
    for (let n = 0; n < 40; n++) {
      const overrides = n % 2 === 0 ? { graceUntilMs: NOW_MS } : { objectsMode: 'keep' as const };
      await applyDeletions(world.engine, await world.request([`o-0-${n}-${n}`], overrides));
    }
    expect(await condenseHistory(world.runs, NOW_MS + 31 * DAY_MS)).toBe(0);
  });
});
