import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadIndex } from '../../src/storage/index-file.ts';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { copyNode, type NodeCopy } from '../support/node-copy.ts';

async function entries(path: string) {
  const { index } = await loadIndex(path);
  const all = Array.from({ length: index.rowCount }, (_, row) => index.entry(row));
  return all.sort((a, b) => (a.segmentId < b.segmentId ? -1 : 1));
}

/** The server's own, with the one field that its documents prove wrong. */
async function trueEntries() {
  return (await entries(`${FIXTURE_DATA}/segment_index.json`)).map((entry) =>
    entry.topic === 'edge.cases' ? { ...entry, minTimestamp: 1n } : entry,
  );
}

async function reindex(node: NodeCopy, ...args: string[]) {
  const run = await node.run('reindex', '-f', 'json', ...args);
  const json = run.stdout.length === 0 ? undefined : JSON.parse(run.stdout.toString());
  return { ...run, json };
}

test('a lost index is rebuilt from the store alone', async () => {
  const node = copyNode();
  rmSync(node.indexPath);
  expect((await node.run('reindex', '--check')).status).toBe(4);
  expect((await node.run('reindex', '--yes')).status).toBe(1);
  const { status, json } = await reindex(node, '--rebuild', '--yes');
  expect(status).toBe(0);
  expect(json).toMatchObject({ added: 9, superseded: 25, backup: null });
  expect(await entries(node.indexPath)).toEqual(await trueEntries());
});

test('an index that the server would refuse is rebuilt, and kept', async () => {
  const node = copyNode();
  writeFileSync(node.indexPath, '{"orders-0": [{}]}');
  const { status, json } = await reindex(node, '--rebuild', '--yes');
  expect(status).toBe(0);
  expect(readFileSync(`${node.cwd}/${json.backup}`, 'utf8')).toBe('{"orders-0": [{}]}');
  expect(await entries(node.indexPath)).toEqual(await trueEntries());
});

test('a stale index gets what it lacks, and its entries put right', async () => {
  const node = copyNode();
  const index = JSON.parse(readFileSync(node.indexPath, 'utf8'));
  delete index['orders-1'];
  index['orders-2'][0].record_count = 7;
  index['orders-2'][0].max_offset = 900;
  // As it stood two passes ago: the archive that is named is covered by one that is not.
  const old = index['orders-0'][0];
  Object.assign(old, {
    segment_id: 'orders-0-0-639',
    max_offset: 639,
    record_count: 640,
    max_timestamp: 1763803640749,
    size_bytes: 60579,
    object_store_path: old.object_store_path.replace('1279', '639'),
  });
  writeFileSync(node.indexPath, JSON.stringify(index));
  expect((await node.run('reindex', '--check')).status).toBe(4);
  const { status, json } = await reindex(node, '--yes');
  expect(status).toBe(0);
  expect(json).toMatchObject({ added: 2, corrected: 2, dropped: 1 });
  const repaired = await entries(node.indexPath);
  const wanted = await trueEntries();
  const created = (all: typeof wanted) => all.map((one) => ({ ...one, createdAtSeconds: 0n }));
  expect(created(repaired)).toEqual(created(wanted));
  expect((await node.run('reindex', '--check')).status).toBe(0);
});

test('refuses to shrink the index too far, but by a second look and an explicit word', async () => {
  const node = copyNode();
  rmSync(node.archive('plain'), { recursive: true });
  const before = readFileSync(node.indexPath);
  const refused = await reindex(node, '--yes');
  expect(refused.status).toBe(3);
  expect(readFileSync(node.indexPath)).toEqual(before);
  const done = await reindex(node, '--yes', '--accept-shrink');
  expect(done.status).toBe(0);
  expect(done.json).toMatchObject({ dropped: 1 });
  expect(readFileSync(`${node.cwd}/${done.json.backup}`)).toEqual(before);
  expect((await entries(node.indexPath)).map(({ topic }) => topic)).not.toContain('plain');
});

test('a store that lists nothing is not believed', async () => {
  const node = copyNode();
  rmSync(node.archive(''), { recursive: true });
  const before = readFileSync(node.indexPath);
  expect((await reindex(node, '--yes')).status).toBe(3);
  expect((await reindex(node, '--yes', '--rebuild')).status).toBe(3);
  expect(readFileSync(node.indexPath)).toEqual(before);
});

test('never brings back what a recorded run deleted, nor the archives it had superseded', async () => {
  const node = copyNode();
  const flags = ['--max-age', '1s', '--no-max-size', '--no-keep-offsets', '--include-live'];
  const compact = await node.run('compact', '--yes', '--only', 'orders', ...flags);
  expect(compact.status).toBe(0);
  const compacted = readFileSync(node.indexPath, 'utf8');
  const { json } = await reindex(node, '--yes');
  expect(json).toMatchObject({ added: 0 });
  const topics = (await entries(node.indexPath)).map(({ topic }) => topic);
  expect(topics).not.toContain('orders');
  // A running server knows nothing of the run and writes its own copy back.
  cpSync(`${FIXTURE_DATA}/segment_index.json`, node.indexPath);
  const checked = await reindex(node, '--check');
  const back = checked.json.findings.filter(({ id }: { id: string }) => id === 'deleted-yet-back');
  expect(back).toHaveLength(3);
  expect(checked.status).toBe(4);
  expect((await reindex(node, '--yes')).json).toMatchObject({ returnedRemoved: 3, added: 0 });
  const rebuilt = await reindex(node, '--rebuild', '--yes', '--max-shrink', '100%');
  expect(rebuilt.json).toMatchObject({ added: 0, dropped: 0 });
  const kept = (text: string) =>
    Object.entries(JSON.parse(text)).filter(([, all]) => Array.isArray(all) && all.length > 0);
  expect(kept(readFileSync(node.indexPath, 'utf8')).length).toBe(kept(compacted).length);
});

test('a check and a dry run change nothing', async () => {
  const node = copyNode();
  const before = readFileSync(node.indexPath);
  expect((await node.run('reindex', '--check')).status).toBe(0);
  expect((await reindex(node, '--dry-run')).json).toMatchObject({ corrected: 1, dryRun: true });
  expect(readFileSync(node.indexPath)).toEqual(before);
  expect(existsSync(`${node.dataDir}/.segctl/runs`)).toBe(false);
});
