import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDeletions } from '../../../src/core/compaction/apply.ts';
import { plannerIndex } from '../../../src/core/retention/index-input.ts';
import { planRetention } from '../../../src/core/retention/planner.ts';
import { resolveSettings } from '../../../src/core/retention/policy.ts';
import { rowIdentity } from '../../../src/core/segment-index/index-edit.ts';
import { entry, makeWorld, NOW_MS } from './engine-kit.ts';

const DAY_MS = 86_400_000;

const anyEntries = fc.array(
  fc
    .record({
      topic: fc.constantFrom('a', 'b-1'),
      partition: fc.constantFrom(0, 1),
      n: fc.nat({ max: 20 }),
      age: fc.integer({ min: 0, max: 9 }),
    })
    .map(({ topic, partition, n, age }) => entry(topic, partition, n * 10, n * 10 + 9, age)),
  { maxLength: 14 },
);

describe('a plan that is applied', () => {
  it('takes what it names and nothing else, and leaves an empty plan', {
    timeout: 300_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEntries,
        fc.record({
          maxAgeMs: fc.option(fc.integer({ min: 0, max: 9 * DAY_MS })),
          maxSizeBytes: fc.option(fc.bigInt({ min: 0n, max: 900n })),
          keepOffsets: fc.option(fc.bigInt({ min: 0n, max: 150n })),
          allowGaps: fc.boolean(),
        }),
        async (entries, flags) => {
          const world = await makeWorld(entries);
          const settings = resolveSettings({ flags }, { maxDeletions: null });
          const plan = async () => {
            const index = await world.index();
            return {
              index,
              plan: planRetention(
                plannerIndex(index, () => false),
                settings,
                NOW_MS,
              ),
            };
          };
          const before = await plan();
          const deleted = Array.from(before.plan.deleted());
          const rows = deleted.flatMap(({ place, drops }) => [place, ...drops]);
          const gone = new Set(rows);
          const staying = Array.from({ length: before.index.rowCount }, (_, row) => row)
            .filter((row) => !gone.has(row))
            .map((row) => before.index.entry(row));
          const named = new Set(
            deleted
              .filter((one) => !one.keepsObject)
              .map(({ entry: { objectStorePath } }) => objectStorePath),
          );
          const keys = (await world.keys()).filter((key) => !named.has(key));
          await applyDeletions(world.engine, {
            command: 'compact',
            request: 'property',
            remove: rows.map((row) => ({ identity: rowIdentity(before.index, row), reason: null })),
            objects: deleted
              .filter((one) => !one.keepsObject)
              .map(({ entry: { objectStorePath: key, segmentId } }) => ({ key, segmentId })),
            entriesMode: 'remove',
            objectsMode: 'delete',
            graceUntilMs: null,
            indexDigest: null,
          });
          const after = await plan();
          const left = Array.from({ length: after.index.rowCount }, (_, row) =>
            after.index.entry(row),
          );
          expect(left).toEqual(staying);
          expect(await world.keys()).toEqual(keys);
          expect(Array.from(after.plan.deleted())).toEqual([]);
          await rm(world.dataDir, { recursive: true });
        },
      ),
      { numRuns: Number(process.env.SEGCTL_PROPERTY_RUNS ?? 1000) },
    );
  });
});
