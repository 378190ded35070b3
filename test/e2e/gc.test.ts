import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyNode, type NodeCopy } from '../support/node-copy.ts';

const PARTITIONS = [
  'audit_log:0',
  'audit_log:1',
  'click-events:0',
  'edge.cases:0',
  'orders:0',
  'orders:1',
  'orders:2',
  'payments-txn:0',
  'plain:0',
];

async function fetchAll(node: NodeCopy): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for (const partition of PARTITIONS) {
    const flags = ['--offset', 'start', '--raw', '--include-control'];
    const { stdout, status } = await node.run('fetch', partition, ...flags);
    expect(status).toBe(0);
    all.push(stdout);
  }
  return all;
}

function objects(node: NodeCopy): string[] {
  return readdirSync(join(node.dataDir, 'segments'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.tar.gz') || path.endsWith('.segment'))
    .sort();
}

test('takes the 25 superseded archives and nothing else; every offset stays, byte for byte', async () => {
  const node = copyNode();
  writeFileSync(join(node.dataDir, 'segments/raw.segment'), 'tier 2');
  const before = await fetchAll(node);
  const objectsBefore = objects(node);
  const { status, stdout } = await node.run('gc', '--yes', '--min-age', '0s', '-f', 'json');
  expect(status).toBe(0);
  const outcome = JSON.parse(stdout.toString());
  expect(outcome).toMatchObject({ state: 'done', identified: 25, deleted: 25, failed: 0 });
  expect(outcome.delete).toHaveLength(25);
  expect(outcome.bytesFreed).toBe(outcome.summary.deleteBytes);
  expect(objectsBefore.length - objects(node).length).toBe(25);
  expect(objects(node).filter((path) => path.endsWith('.segment'))).toEqual(
    objectsBefore.filter((path) => path.endsWith('.segment')),
  );
  expect(await fetchAll(node)).toEqual(before);
  const again = await node.run('gc', '--yes', '--min-age', '0s', '-f', 'json');
  expect(JSON.parse(again.stdout.toString())).toMatchObject({ state: 'nothing-to-do' });
});

test('with a grace, undo brings every object back', async () => {
  const node = copyNode();
  const before = objects(node);
  const bytes = before.map((path) => readFileSync(join(node.dataDir, 'segments', path)));
  const { stdout } = await node.run('gc', '-y', '--min-age', '0s', '--grace', '1h', '-f', 'json');
  const { runId, bytesInTrash } = JSON.parse(stdout.toString());
  expect(bytesInTrash).toBeGreaterThan(0);
  expect((await node.run('compact', 'undo', runId, '--yes')).status).toBe(0);
  expect(objects(node)).toEqual(before);
  expect(before.map((path) => readFileSync(join(node.dataDir, 'segments', path)))).toEqual(bytes);
});

test('a budget that is too small refuses before the first delete', async () => {
  const node = copyNode();
  const before = objects(node);
  const run = await node.run('gc', '--yes', '--min-age', '0s', '--max-delete', '24');
  expect(run.status).toBe(3);
  expect(objects(node)).toEqual(before);
});

test('unreferenced archives go only by that name, and never without an index', async () => {
  const node = copyNode();
  const index = JSON.parse(readFileSync(node.indexPath, 'utf8'));
  delete index['plain-0'];
  writeFileSync(node.indexPath, JSON.stringify(index));
  const plain = (path: string) => path.includes('/plain/');
  const widest = 'data/tantivy_indexes/plain/partition-0/segment-0-159.tar.gz';
  await node.run('gc', '--yes', '--min-age', '0s');
  expect(
    objects(node)
      .filter(plain)
      .filter((path) => path.endsWith('.gz')),
  ).toEqual([widest]);
  const named = await node.run('gc', '--yes', '--min-age', '0s', '--unreferenced', '-f', 'json');
  expect(JSON.parse(named.stdout.toString()).delete).toMatchObject([
    { objectStorePath: widest, reasons: ['unreferenced'] },
  ]);
  writeFileSync(node.indexPath, '{}');
  const refused = await node.run('gc', '--yes', '--min-age', '0s', '--unreferenced');
  expect(refused.status).toBe(3);
  expect(objects(node)).toContain('data/tantivy_indexes/orders/partition-0/segment-0-1279.tar.gz');
});

test('a dry run changes nothing; without a terminal a run needs --yes', async () => {
  const node = copyNode();
  const before = objects(node);
  const { status, stdout } = await node.run('gc', '--dry-run', '--min-age', '0s', '-f', 'json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout.toString())).toMatchObject({ dryRun: true, identified: 25, deleted: 0 });
  expect((await node.run('gc', '--min-age', '0s')).status).toBe(2);
  expect(objects(node)).toEqual(before);
});
