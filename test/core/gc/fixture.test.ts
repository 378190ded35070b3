import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { gatherMembers } from '../../../src/core/gc/gather-members.ts';
import {
  estimate,
  type GcDeletion,
  type GcRules,
  planPartition,
} from '../../../src/core/gc/gc-plan.ts';
import { archivePrefixes, listArchives } from '../../../src/core/verify/listing.ts';
import { allPaths } from '../../../src/core/verify/verify.ts';
import { FsStore } from '../../../src/storage/fs-store.ts';
import { loadIndex } from '../../../src/storage/index-file.ts';
import { FIXTURE_DATA } from '../../support/fixture.ts';

const RULES: GcRules = {
  nowMs: Date.parse('2100-01-01'),
  minAgeMs: 3_600_000,
  trustNames: false,
  unreferenced: false,
  includeLive: false,
  isLive: async () => true,
};

async function planFixture(rules: GcRules): Promise<{ deletions: GcDeletion[]; guess: bigint }> {
  const store = new FsStore(`${FIXTURE_DATA}/segments`);
  const { index } = await loadIndex(`${FIXTURE_DATA}/segment_index.json`);
  const listing = await listArchives(store, {
    prefixes: archivePrefixes(allPaths(index), './data'),
  });
  const groups = gatherMembers(index, listing);
  const deletions: GcDeletion[] = [];
  const deps = {
    store,
    limits: { maxUnpackedBytes: 1 << 30 },
    signal: new AbortController().signal,
  };
  for (const group of groups) deletions.push(...(await planPartition(group, rules, deps)).delete);
  return { deletions, guess: estimate(groups, rules) };
}

test('25 archives are superseded, each by the one that the index names, and no other', async () => {
  const { deletions, guess } = await planFixture(RULES);
  expect(deletions).toHaveLength(25);
  for (const { member, reason, keeper } of deletions) {
    expect(reason).toBe('superseded');
    expect(member.standing).toBe('unnamed');
    expect(keeper?.member.standing).toBe('indexed');
  }
  const bytes = deletions.reduce((sum, { info }) => sum + info.sizeBytes, 0);
  // Names were right about this store.
  expect(guess).toBe(BigInt(bytes));
  expect(deletions.map(({ info }) => basename(info.key))).not.toContain('segment-0-1279.tar.gz');
});

test('names alone lead to the same archives here, and are said to', async () => {
  const { deletions } = await planFixture({ ...RULES, trustNames: true });
  expect(deletions).toHaveLength(25);
  expect(new Set(deletions.map(({ reason }) => reason))).toEqual(new Set(['superseded-by-name']));
});

test('archives younger than the minimal age stay', async () => {
  const { deletions } = await planFixture({ ...RULES, nowMs: 0 });
  expect(deletions).toEqual([]);
});

test('the age of an archive is when the server packed it, not when its file was copied here', async () => {
  const packedMs = Date.parse('2026-11-22T12:50:00Z');
  const hourLater = await planFixture({ ...RULES, nowMs: packedMs + 3_600_000 });
  expect(hourLater.deletions).toHaveLength(25);
  const atOnce = await planFixture({ ...RULES, nowMs: packedMs - 3_600_000 });
  expect(atOnce.deletions).toHaveLength(0);
});
