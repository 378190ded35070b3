import { expect, test } from 'vitest';
import { RecordedDeletions } from '../../../src/core/compaction/recorded-deletions.ts';
import { severityOf } from '../../../src/core/findings.ts';
import { PathSpelling } from '../../../src/core/reindex/path-spelling.ts';
import { planReindex, type ReindexPlan } from '../../../src/core/reindex/reindex-plan.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { Ledger } from '../../../src/core/verify/ledger.ts';
import { archivePrefixes, listArchives } from '../../../src/core/verify/listing.ts';
import { allPaths } from '../../../src/core/verify/verify.ts';
import { FsStore } from '../../../src/storage/fs-store.ts';
import { loadIndex } from '../../../src/storage/index-file.ts';
import { FIXTURE_DATA } from '../../support/fixture.ts';
import { memoryLedgerFile } from '../../support/verify-run.ts';

const store = new FsStore(`${FIXTURE_DATA}/segments`);
const { index } = await loadIndex(`${FIXTURE_DATA}/segment_index.json`);
const servers = Array.from({ length: index.rowCount }, (_, row) => index.entry(row));

/** Fields that the server's index has wrong, as the documents prove, and what is right. */
const SERVER_IS_WRONG: Readonly<Record<string, Partial<SegmentEntry>>> = {
  // The server takes the smallest base timestamp of a batch; the record at offset 8 is of 1970.
  'edge.cases-0-0-51': { minTimestamp: 1n },
};

async function plan(
  options: { readonly withIndex: boolean; readonly rebuild: boolean; readonly dataDir?: string },
  reads: string[] = [],
  ledgerFile = memoryLedgerFile(),
): Promise<ReindexPlan> {
  const prefixes = options.withIndex ? archivePrefixes(allPaths(index), './data') : [''];
  return await planReindex(
    {
      index: options.withIndex ? index : undefined,
      listing: await listArchives(store, { prefixes }),
      spelling: new PathSpelling([], options.dataDir ?? './data'),
      deletions: new RecordedDeletions(),
      returned: [],
      rebuild: options.rebuild,
    },
    {
      store,
      ledger: await Ledger.open(ledgerFile),
      limits: { maxUnpackedBytes: 1 << 30 },
      concurrency: 2,
      signal: new AbortController().signal,
      clock: Date.now,
      onRead: (info) => reads.push(info.key),
    },
  );
}

test("from the store alone comes the server's own index, but for what the server has wrong", async () => {
  const { changes, superseded } = await plan({ withIndex: false, rebuild: true });
  expect(superseded).toBe(25);
  const rebuilt = changes.map((change) => (change.action === 'add' ? change.after : change));
  const expected = servers.map((entry) => ({ ...entry, ...SERVER_IS_WRONG[entry.segmentId] }));
  const byId = (a: object, b: object) => (JSON.stringify(a, big) < JSON.stringify(b, big) ? -1 : 1);
  expect([...rebuilt].sort(byId)).toEqual([...expected].sort(byId));
});

test('an absolute data dir gives the same spelling, since the listing shows the server was started beside it', async () => {
  const { changes } = await plan({ withIndex: false, rebuild: true, dataDir: '/mnt/copy/data' });
  for (const change of changes) {
    if (change.action !== 'add') throw new Error('only additions were to be made');
    expect(change.after.objectStorePath).toMatch(/^\.\/data\/tantivy_indexes\//);
  }
});

test("a check of a healthy node finds nothing but Chronik's own defects", async () => {
  const result = await plan({ withIndex: true, rebuild: false });
  expect(result).toMatchObject({ before: 9, lost: 0, superseded: 25 });
  expect(new Set(result.findings.map(severityOf))).toEqual(new Set(['info', 'harmless']));
  // The one field that is provably wrong is put right.
  expect(result.changes).toHaveLength(1);
  expect(result.changes[0]).toMatchObject({
    action: 'correct',
    before: { entry: { segmentId: 'edge.cases-0-0-51', minTimestamp: 1763800000000n } },
    after: { segmentId: 'edge.cases-0-0-51', minTimestamp: 1n },
  });
});

test('what did not change is not read again', async () => {
  const ledgerFile = memoryLedgerFile();
  const first: string[] = [];
  const before = await plan({ withIndex: true, rebuild: false }, first, ledgerFile);
  expect(new Set(first).size).toBe(34);
  const second: string[] = [];
  const after = await plan({ withIndex: true, rebuild: false }, second, ledgerFile);
  expect(second).toEqual([]);
  expect(after).toEqual(before);
});

function big(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
