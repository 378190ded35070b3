import { writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { applyDeletions } from '../../../src/core/compaction/apply.ts';
import { applyPurge, planPurge } from '../../../src/core/compaction/purge.ts';
import { readRun } from '../../../src/core/compaction/recorded-run.ts';
import { resumeAll } from '../../../src/core/compaction/resume.ts';
import { applyUndo } from '../../../src/core/compaction/undo.ts';
import { planUndo } from '../../../src/core/compaction/undo-plan.ts';
import { FaultyStore } from '../../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { disposeWorlds, entry, indexText, makeWorld, NOW_MS, openWorld } from './engine-kit.ts';

afterAll(disposeWorlds);

const ENTRIES = [
  entry('orders', 0, 0, 99, 30),
  entry('orders', 0, 100, 199, 20),
  entry('orders', 0, 200, 299, 1),
  entry('orders', 1, 0, 49, 30),
];
const OLD = ['orders-0-0-99', 'orders-0-100-199', 'orders-1-0-49'];

describe('applyDeletions', () => {
  it('removes entries and objects, and nothing else', async () => {
    const world = await makeWorld(ENTRIES);
    const report = await applyDeletions(world.engine, await world.request(OLD));
    expect(report).toMatchObject({
      state: 'done',
      identified: 3,
      deleted: 3,
      failed: 0,
      entriesRemoved: 3,
      bytesFreed:
        Number(ENTRIES[0]?.sizeBytes) +
        Number(ENTRIES[1]?.sizeBytes) +
        Number(ENTRIES[3]?.sizeBytes),
    });
    expect(await world.keys()).toEqual([ENTRIES[2]?.objectStorePath]);
    expect((await world.index()).rowCount).toBe(1);
  });

  it('journals nothing where nothing is to do', async () => {
    const world = await makeWorld(ENTRIES);
    const report = await applyDeletions(world.engine, await world.request([]));
    expect(report.state).toBe('nothing-to-do');
    expect(await world.runs.list()).toEqual([]);
  });

  it('counts a missing object as deleted, but no bytes for it', async () => {
    const world = await makeWorld(ENTRIES);
    await world.store.delete(ENTRIES[0]?.objectStorePath ?? '');
    const report = await applyDeletions(world.engine, await world.request(['orders-0-0-99']));
    expect(report).toMatchObject({ state: 'done', deleted: 1, missing: 1, bytesFreed: 0 });
  });

  it('keeps an entry that changed since it was planned, and its object', async () => {
    const world = await makeWorld(ENTRIES);
    const request = await world.request(OLD);
    const [first, ...rest] = ENTRIES;
    if (first === undefined) throw new Error('no entry');
    await writeFile(
      world.indexPath,
      indexText([{ ...first, createdAtSeconds: 1_789_999_999n }, ...rest]),
    );
    const report = await applyDeletions(world.engine, request);
    expect(report).toMatchObject({ state: 'done', identified: 3, deleted: 2, kept: 1 });
    expect(await world.store.head(first.objectStorePath)).toBeDefined();
    expect((await world.index()).rowCount).toBe(2);
  });

  it('keeps an object of another version than was judged, and its entry', async () => {
    const world = await makeWorld(ENTRIES);
    const request = await world.request(['orders-0-0-99', 'orders-0-100-199']);
    const objects = request.objects.map((object) => ({ ...object, expectVersion: 'seen before' }));
    const report = await applyDeletions(world.engine, { ...request, objects });
    expect(report).toMatchObject({ state: 'nothing-to-do', kept: 2 });
    expect((await world.index()).rowCount).toBe(4);
  });

  it('never deletes an object that an entry which stays names', async () => {
    const shared = {
      ...entry('orders', 0, 300, 399, 1),
      objectStorePath: ENTRIES[0]?.objectStorePath ?? '',
    };
    const world = await makeWorld([...ENTRIES, shared]);
    const report = await applyDeletions(world.engine, await world.request(['orders-0-0-99']));
    expect(report).toMatchObject({ state: 'done', deleted: 0, kept: 1, entriesRemoved: 1 });
    expect(await world.store.head(shared.objectStorePath)).toBeDefined();
  });

  it('tells spellings of one key apart exactly where the store does', async () => {
    for (const foldKeys of [false, true]) {
      const slash = { ...entry('orders', 0, 0, 9, 9), objectStorePath: '/data/x.tar.gz' };
      const bare = { ...entry('orders', 0, 10, 19, 1), objectStorePath: 'data/x.tar.gz' };
      const world = await makeWorld([slash, bare], { store: new MemoryStore({ foldKeys }) });
      await applyDeletions(world.engine, await world.request([slash.segmentId]));
      expect(await world.store.head(bare.objectStorePath)).toBeDefined();
      expect((await world.store.head(slash.objectStorePath)) === undefined).toBe(!foldKeys);
    }
  });

  it.each([
    ['/data/../../etc/passwd', 'key-escapes-root'],
    ['.segctl-trash/x', 'not-an-archive'],
    ['segments/orders/0/0-288.segment', 'not-an-archive'],
    ['//./', 'not-an-archive'],
  ])('refuses %s before anything is changed', async (path, code) => {
    const bad = { ...entry('orders', 0, 300, 399, 90), objectStorePath: 'data/ok' };
    const world = await makeWorld([...ENTRIES, bad]);
    const before = await world.text();
    const request = await world.request([...OLD, bad.segmentId]);
    const objects = request.objects.map((object) =>
      object.key === 'data/ok' ? { ...object, key: path } : object,
    );
    await expect(applyDeletions(world.engine, { ...request, objects })).rejects.toMatchObject({
      code,
      exitCode: 3,
    });
    expect(await world.text()).toBe(before);
    expect(await world.keys()).toHaveLength(5);
  });

  it('leaves what could not be deleted to resume', async () => {
    const inner = new MemoryStore();
    let broken = true;
    const store = new FaultyStore(inner, {
      failDelete: (key) =>
        broken && key.includes('segment-100-') ? new Error('denied') : undefined,
    });
    const world = await makeWorld(ENTRIES, { store });
    const report = await applyDeletions(world.engine, await world.request(OLD));
    expect(report).toMatchObject({ state: 'partial', identified: 3, deleted: 2, failed: 1 });
    expect(report.failures).toEqual([{ key: ENTRIES[1]?.objectStorePath, error: 'denied' }]);
    broken = false;
    const again = openWorld(world.dataDir, inner);
    expect(await resumeAll(again.engine)).toMatchObject([{ state: 'done', deleted: 3, failed: 0 }]);
    expect(await again.keys()).toHaveLength(1);
    expect(await resumeAll(again.engine)).toEqual([]);
  });

  it('keeps objects, or entries, where it is told to', async () => {
    const keepObjects = await makeWorld(ENTRIES);
    const first = await keepObjects.request(OLD, { objectsMode: 'keep' });
    expect(await applyDeletions(keepObjects.engine, first)).toMatchObject({
      deleted: 3,
      bytesFreed: 0,
    });
    expect(await keepObjects.keys()).toHaveLength(4);
    expect((await keepObjects.index()).rowCount).toBe(1);
    const keepEntries = await makeWorld(ENTRIES);
    const second = await keepEntries.request(OLD, { entriesMode: 'keep' });
    expect(await applyDeletions(keepEntries.engine, second)).toMatchObject({
      deleted: 3,
      entriesRemoved: 0,
    });
    expect(await keepEntries.keys()).toHaveLength(1);
    expect((await keepEntries.index()).rowCount).toBe(4);
  });

  it('stops at Ctrl-C, and resume finishes it', async () => {
    const abort = new AbortController();
    const inner = new MemoryStore();
    const store = new FaultyStore(inner, {
      fail: (method, key) => {
        if (method === 'copy' && key.includes('segment-100-')) abort.abort();
        return undefined;
      },
    });
    const world = await makeWorld(ENTRIES, { store, signal: abort.signal });
    const request = await world.request(OLD, { graceUntilMs: NOW_MS + 1000 });
    const report = await applyDeletions(world.engine, request);
    expect(report.state).toBe('interrupted');
    const again = openWorld(world.dataDir, inner);
    expect(await resumeAll(again.engine)).toMatchObject([{ state: 'done', deleted: 3 }]);
    expect((await again.keys()).filter((key) => !key.startsWith('.segctl'))).toHaveLength(1);
  });
});

describe('grace, undo and purge', () => {
  it('moves to the trash, and undo gives back the very same', async () => {
    const world = await makeWorld(ENTRIES);
    const [text, keys] = [await world.text(), await world.keys()];
    const report = await applyDeletions(
      world.engine,
      await world.request(OLD, { graceUntilMs: NOW_MS + 1000 }),
    );
    expect(report).toMatchObject({ state: 'done', deleted: 3, bytesFreed: 0 });
    expect(report.bytesInTrash).toBeGreaterThan(0);
    expect(await world.keys()).toContain(
      `.segctl-trash/${report.runId}/data/tantivy_indexes/orders/partition-1/segment-0-49.tar.gz`,
    );
    await applyUndo(world.engine, await planUndo(world.engine, report.runId ?? ''));
    expect(await world.text()).toBe(text);
    expect(await world.keys()).toEqual(keys);
    expect((await readRun(world.runs, report.runId ?? '')).state).toBe('undone');
    await expect(planUndo(world.engine, report.runId ?? '')).rejects.toMatchObject({
      code: 'not-undoable',
    });
  });

  it('purges what is past its grace, and only that', async () => {
    const world = await makeWorld(ENTRIES);
    const first = await applyDeletions(
      world.engine,
      await world.request(OLD.slice(0, 1), { graceUntilMs: NOW_MS + 1000 }),
    );
    const second = await applyDeletions(
      world.engine,
      await world.request(OLD.slice(1), { graceUntilMs: NOW_MS + 9000 }),
    );
    expect((await planPurge(world.engine, NOW_MS + 999)).due).toEqual([]);
    const plan = await planPurge(world.engine, NOW_MS + 1000);
    expect(plan.due).toMatchObject([{ runId: first.runId, objects: 1 }]);
    expect(plan.waiting).toMatchObject([{ runId: second.runId, objects: 2 }]);
    const report = await applyPurge(world.engine, plan);
    expect(report).toMatchObject({ state: 'done', deleted: 1, bytesFreed: first.bytesInTrash });
    expect((await world.keys()).filter((key) => key.startsWith('.segctl-trash'))).toHaveLength(2);
    await expect(planUndo(world.engine, first.runId ?? '')).rejects.toMatchObject({
      code: 'nothing-to-undo',
    });
    expect((await planPurge(world.engine, NOW_MS + 1000)).due).toEqual([]);
  });

  it('undoes a run that kept the objects', async () => {
    const world = await makeWorld(ENTRIES);
    const text = await world.text();
    const report = await applyDeletions(
      world.engine,
      await world.request(OLD, { objectsMode: 'keep' }),
    );
    await applyUndo(world.engine, await planUndo(world.engine, report.runId ?? ''));
    expect(await world.text()).toBe(text);
  });

  it('says what can not be brought back', async () => {
    const world = await makeWorld(ENTRIES);
    const report = await applyDeletions(world.engine, await world.request(OLD));
    const undo = planUndo(world.engine, report.runId ?? '');
    await expect(undo).rejects.toMatchObject({ code: 'nothing-to-undo' });
    await expect(undo).rejects.toThrow('3 deleted for good');
  });

  it('brings back the rest when some was replaced', async () => {
    const world = await makeWorld(ENTRIES);
    const report = await applyDeletions(
      world.engine,
      await world.request(OLD, { graceUntilMs: NOW_MS + 1000 }),
    );
    await world.store.put(ENTRIES[0]?.objectStorePath ?? '', Buffer.from('written anew'));
    const plan = await planUndo(world.engine, report.runId ?? '');
    expect(plan.losses).toMatchObject([{ segmentId: 'orders-0-0-99', why: 'object-replaced' }]);
    await applyUndo(world.engine, plan);
    expect((await world.index()).rowCount).toBe(3);
    expect((await readRun(world.runs, report.runId ?? '')).state).toBe('partly-undone');
  });
});
