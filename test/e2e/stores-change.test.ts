import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalKey } from '../../src/storage/canonical-key.ts';
import { FsStore } from '../../src/storage/fs-store.ts';
import { describeEachServer } from '../storage/s3/each-server.ts';
import { copyNode } from '../support/node-copy.ts';
import type { RunResult } from '../support/run-segctl.ts';
import { makeS3Node } from '../support/s3-node.ts';
import { comparable, type Unequal, withoutRuns } from '../support/same-result.ts';

/** Far enough from the fixture's times to condemn it, and fixed, so that ages are equal. */
const NOW = '2026-11-24T12:00:00Z';
const LATER = '--at 2026-12-24T12:00:00Z';
const UNEQUAL: readonly Unequal[] = ['time', 'run', 'object', 'spelling'];

type Step = readonly [command: string, status: number];

/** What happens to a node, step by step; `RUN` stands for the last run in its history. */
const STORIES: readonly (readonly [title: string, steps: readonly Step[]])[] = [
  [
    'compact deletes, and what it deleted is known',
    [
      ['compact -y --max-age 1h --only orders -f json', 0],
      ['fetch orders:0 --offset 5', 22],
      ['segments ls', 0],
      ['compact history -f json', 0],
      ['compact show RUN -f json', 0],
      ['verify --quick', 0],
      ['reindex --check', 0],
    ],
  ],
  [
    'compact moves to the trash, undo brings back, purge ends it',
    [
      ['compact -y --max-age 1h --grace 48h -f json', 0],
      ['fetch plain:0 --offset 5', 22],
      ['compact undo RUN -y -f json', 0],
      ['fetch plain:0 --offset 5:8', 0],
      ['verify --quick', 0],
      ['compact -y --max-age 1h --grace 1h --only plain -f json', 0],
      [`compact purge -y -f json ${LATER}`, 0],
      ['compact history -f json', 0],
    ],
  ],
  [
    'gc takes what is superseded, and what stays is whole',
    [
      ['gc -y --min-age 0 -f json', 0],
      ['verify --unreferenced -f json', 0],
      ['gc -y --min-age 0 -f json', 0],
    ],
  ],
  [
    'a lost index is built again from the archives',
    [
      ['reindex --rebuild -y -f json --index data/new_index.json', 0],
      ['segments ls -f json --index data/new_index.json', 0],
      ['fetch audit_log:1 --offset 100:103 --index data/new_index.json', 0],
    ],
  ],
];

interface Node {
  readonly cwd: string;
  readonly indexPath: string;
  run(...args: string[]): Promise<RunResult>;
}

/** Everything that a story shows and leaves behind, in a form that is equal on all stores. */
async function tell(
  node: Node,
  steps: readonly Step[],
  objects: () => Promise<Map<string, number>>,
) {
  const results: unknown[] = [];
  for (const [command, status] of steps) {
    const words = command.split(' ');
    if (words.includes('RUN')) words[words.indexOf('RUN')] = await lastRun(node);
    if (!words.includes('--at')) words.push('--at', NOW);
    const result = await node.run(...words);
    expect(result.status, `${command}\n${result.stderr}`).toBe(status);
    results.push({ command, ...comparable(result, node.cwd, UNEQUAL) });
  }
  const left = [...(await objects())].map(
    ([key, size]) => `${withoutRuns(canonicalKey(key))} ${size}`,
  );
  return { results, index: readFileSync(node.indexPath, 'utf8'), left: left.sort() };
}

async function lastRun(node: Node): Promise<string> {
  const { stdout } = await node.run('compact', 'history', '-f', 'json');
  const runs: { runId: string }[] = JSON.parse(stdout.toString());
  return runs.at(-1)?.runId ?? 'none';
}

type Told = ReturnType<typeof tell>;
const told = new Map<string, Told>();
function tellOnDisk(title: string, steps: readonly Step[]): Told {
  const known = told.get(title);
  if (known !== undefined) return known;
  const node = copyNode();
  const story = tell(node, steps, async () => {
    const found = new Map<string, number>();
    const store = new FsStore(join(node.dataDir, 'segments'));
    for await (const { key, sizeBytes } of store.list('')) found.set(key, sizeBytes);
    return found;
  });
  told.set(title, story);
  return story;
}

await describeEachServer('a bucket changes as the disk does', ['moto', 'versitygw'], (server) => {
  test.concurrent.for(STORIES)('%s', async ([title, steps]) => {
    const prefix = server().keys === 'literal' ? {} : { prefix: 'prod/eu' };
    const node = await makeS3Node(server(), prefix);
    const [expected, got] = await Promise.all([
      tellOnDisk(title, steps),
      tell(node, steps, node.objects),
    ]);
    expect(got).toEqual(expected);
  });
});
