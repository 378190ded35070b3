import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { applyDeletions } from '../../../src/core/compaction/apply.ts';
import { applyUndo } from '../../../src/core/compaction/undo.ts';
import { planUndo } from '../../../src/core/compaction/undo-plan.ts';
import { rowIdentity } from '../../../src/core/segment-index/index-edit.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { bytesOf, disposeWorlds, entry, indexText, makeWorld, NOW_MS } from './engine-kit.ts';

afterAll(disposeWorlds);

/** Partitions of any order, with equal offsets, equal entries and objects that are missing. */
const anyEntry = fc
  .record({
    topic: fc.constantFrom('a', 'b-1'),
    partition: fc.constantFrom(0, 1),
    min: fc.integer({ min: 0, max: 6 }),
    length: fc.integer({ min: 0, max: 2 }),
    age: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ topic, partition, min, length, age }) => entry(topic, partition, min, min + length, age));

const missing = (one: SegmentEntry): boolean => one.createdAtSeconds % 3n === 0n;

describe('undo', () => {
  it('gives back the very index content and objects', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEntry, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.boolean()),
        fc.constantFrom<'delete' | 'keep'>('delete', 'keep'),
        async (entries, choices, objectsMode) => {
          const store = new MemoryStore();
          const world = await makeWorld([], { store });
          await writeFile(world.indexPath, indexText(entries));
          for (const one of entries.filter((each) => !missing(each))) {
            await store.put(one.objectStorePath, bytesOf(one.topic, Number(one.minOffset)));
          }
          const [text, keys, index] = [await world.text(), await world.keys(), await world.index()];
          const rows = Array.from({ length: index.rowCount }, (_, row) => row).filter(
            () => choices.next().value === true,
          );
          if (rows.length === 0) return;
          const report = await applyDeletions(world.engine, {
            command: 'compact',
            request: 'property',
            remove: rows.map((row) => ({ identity: rowIdentity(index, row), reason: null })),
            objects: rows.map((row, n) => ({
              key: index.objectStorePath(row),
              segmentId: index.segmentId(row),
              needs: [n],
            })),
            entriesMode: 'remove',
            objectsMode,
            graceUntilMs: objectsMode === 'delete' ? NOW_MS : null,
            indexDigest: index.origin.digest ?? null,
          });
          expect(report.state).toBe('done');
          const undo = planUndo(world.engine, report.runId ?? '');
          if (objectsMode === 'keep' && rows.some((row) => missing(index.entry(row)))) {
            // An archive that is missing may have gone since: its entry must not come back.
            await undo.catch(() => undefined);
            return;
          }
          await applyUndo(world.engine, await undo);
          expect(await world.text()).toBe(text);
          expect(await world.keys()).toEqual(keys);
        },
      ),
      { numRuns: Number(process.env.SEGCTL_PROPERTY_RUNS ?? 2000) },
    );
  });
});
