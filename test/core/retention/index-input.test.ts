import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { plannerIndex } from '../../../src/core/retention/index-input.ts';
import { planRetention } from '../../../src/core/retention/planner.ts';
import { summarize } from '../../../src/core/retention/summary.ts';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import { deletedIds, settings } from './planner-fixtures.ts';

const REAL_INDEX = readFileSync(
  new URL('../../fixtures/chronik-2.10.4-local/data/segment_index.json', import.meta.url),
);
/** All entries of the real index were created on 2026-11-22. */
const CHRISTMAS = Date.UTC(2026, 11, 25);

const read = (text: string | Uint8Array) =>
  readIndex(bytesSource('index', typeof text === 'string' ? Buffer.from(text) : text));

it('plans on a real index, and leaves live partitions their newest', async () => {
  const index = await read(REAL_INDEX);
  const idle = planRetention(
    plannerIndex(index, () => false),
    settings(),
    CHRISTMAS,
  );
  expect(idle.deletions).toHaveLength(index.rowCount);
  const live = planRetention(
    plannerIndex(index, (topic) => topic === 'orders'),
    settings(),
    CHRISTMAS,
  );
  expect(summarize(live).byFate.live.segments).toBe(3);
  const fresh = planRetention(
    plannerIndex(index, () => false),
    settings(),
    Date.UTC(2026, 10, 23),
  );
  expect(fresh.deletions).toHaveLength(0);
});

it('judges the partitions that are asked for', async () => {
  const index = await read(REAL_INDEX);
  const some = index.partitions.filter(({ topic }) => topic === 'audit_log');
  const plan = planRetention(
    plannerIndex(index, () => false, some),
    settings(),
    CHRISTMAS,
  );
  expect(deletedIds(plan)).toEqual(['audit_log-0-1-119', 'audit_log-1-1-119']);
});

it('reports entries that the server does not load, by their rows', async () => {
  const one = (topic: string, min: number, max: number) =>
    `{"segment_id":"${topic}-0-${min}-${max}","topic":"${topic}","partition":0,"min_offset":${min},
    "max_offset":${max},"record_count":1,"min_timestamp":0,"max_timestamp":0,
    "object_store_path":"/data/${topic}-${min}-${max}","size_bytes":1,"created_at":1,"compression":"snappy"}`;
  const index = await read(`{
    "a-0": [${one('a', 0, 5)}],
    "a-x": [${one('a', 0, 6)}],
    "b-0": [${one('b', 0, 9)}, ${one('b', 10, 19)}, ${one('b', 0, 4)}],
    "a-0": [${one('a', 0, 7)}, ${one('z', 8, 9)}]
  }`);
  const plan = planRetention(
    plannerIndex(index, () => false),
    settings(),
    CHRISTMAS,
  );
  expect(deletedIds(plan)).toEqual(['a-0-0-7', 'b-0-0-4', 'b-0-10-19']);
  expect(Array.from(plan.ignored(), ({ place, reasons }) => [place, reasons[0]])).toEqual([
    [6, { rule: 'not-loaded', verdict: 'keep', problem: 'misfiled', topic: 'z', partition: 0 }],
    [
      2,
      {
        rule: 'not-loaded',
        verdict: 'keep',
        problem: 'shadowed',
        byPlace: 4,
        bySegmentId: 'b-0-0-4',
      },
    ],
    [0, { rule: 'not-loaded', verdict: 'keep', problem: 'unreadable-key', key: 'a-0' }],
    [1, { rule: 'not-loaded', verdict: 'keep', problem: 'unreadable-key', key: 'a-x' }],
  ]);
});
