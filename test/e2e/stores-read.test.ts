import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { describeEachServer } from '../storage/s3/each-server.ts';
import { copyNode, type NodeCopy } from '../support/node-copy.ts';
import type { RunResult } from '../support/run-segctl.ts';
import { makeS3Node, type S3Node } from '../support/s3-node.ts';
import { comparable, type Unequal } from '../support/same-result.ts';

/** Judged as of two days after the fixture was written, so that ages are the same in every run. */
const AT = ['--at', '2026-11-24T12:00:00Z'];

type Asked = readonly [command: string, status: number, ...unequal: Unequal[]];

/** What is asked, the exit status on the harmed node below, and what can't be equal. */
const COMMANDS: readonly Asked[] = [
  ['segments ls -f json --sort-by size --reverse', 0],
  ['segments ls --missing', 0],
  ['segments ls --damaged -f csv', 0],
  ['segments stats -f json', 0],
  ['segments show orders-0-0-1279 -f json', 0, 'object'],
  ['segments show edge.cases-0-0-51 -f json', 4, 'object'],
  ['segments show plain-0-0-159 -f json', 4],
  ['segments explain orders-0-0-1279 -f json', 0],
  ['fetch orders:0 --offset 100:300 --batch-info', 0],
  ['fetch orders --offset @2025-11-22T10:00:00Z -f csv --header src=web', 0],
  ['fetch orders:1 --offset -5 -f table', 0],
  ['fetch click-events:0 --offset 4000:9000 --raw', 0],
  ['fetch payments-txn:0 -f dump --include-control --print-data-log', 0],
  ['fetch payments-txn:0 --isolation read_committed -f json', 0],
  ['fetch audit_log:0 --offset @2025-01-01T00:00:00Z -f %t[%p]:%o:%k\\n', 0],
  ['fetch audit_log:0 --offset 0', 20],
  ['fetch click-events:0 --offset 4711', 21],
  ['fetch plain:0 --offset 7', 23],
  ['fetch edge.cases:0 --offset 7', 24],
  ['fetch orders:0 --offset 1280', 25],
  ['compact --dry-run --max-age 1h --no-max-deletions -f json', 0, 'time'],
];

/** The same for commands that remember what they read: one after the other. */
const REMEMBERING: readonly Asked[] = [
  ['verify --quick -f json', 4, 'spelling'],
  ['verify --unreferenced --no-resume -f json', 4, 'spelling'],
  ['reindex --check -f json', 4, 'spelling'],
  ['reindex --rebuild --dry-run -f json', 3, 'spelling'],
  ['gc --dry-run --min-age 0 -f json', 0, 'spelling', 'time', 'object'],
];

/** The fixture with one archive missing, and one with a flipped bit. */
function harmedNode(): NodeCopy {
  const node = copyNode();
  rmSync(node.archive('plain/partition-0/segment-0-159.tar.gz'));
  const damaged = node.archive('edge.cases/partition-0/segment-0-51.tar.gz');
  const bytes = readFileSync(damaged);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(damaged, bytes);
  return node;
}

const disk = harmedNode();
const diskResults = new Map<string, Promise<RunResult>>();
function runOnDisk(command: string): Promise<RunResult> {
  const known = diskResults.get(command) ?? disk.run(...command.split(' '), ...AT);
  diskResults.set(command, known);
  return known;
}

await describeEachServer('a bucket reads as the disk does', ['moto', 'versitygw'], (server) => {
  let node: S3Node;
  beforeAll(async () => {
    const isLiteral = server().keys === 'literal';
    node = await makeS3Node(server(), {
      from: disk.dataDir,
      ...(isLiteral ? { prefix: 'prod/eu' } : {}),
    });
    const keys = [...(await node.objects()).keys()];
    expect(keys).toHaveLength(33);
    expect(keys.every((key) => key.startsWith(isLiteral ? './data/' : 'data/'))).toBe(true);
  });

  const check = async ([command, status, ...unequal]: Asked) => {
    const [expected, got] = await Promise.all([
      runOnDisk(command),
      node.run(...command.split(' '), ...AT),
    ]);
    expect(expected.status, `${command}\n${expected.stderr}`).toBe(status);
    expect(comparable(got, node.cwd, unequal), command).toEqual(
      comparable(expected, disk.cwd, unequal),
    );
  };

  test.concurrent.for(COMMANDS)('%s', (asked) => check(asked));

  test('what remembers its readings', async () => {
    for (const asked of REMEMBERING) await check(asked);
  });
});
