import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';
import { startS3Proxy } from '../servers/s3-proxy.ts';
import { makeUser } from '../servers/versitygw-user.ts';
import { describeEachServer } from '../storage/s3/each-server.ts';
import { makeS3Node, type S3Node } from '../support/s3-node.ts';

const PAGE = fileURLToPath(new URL('../../docs/stores.md', import.meta.url));

interface Row {
  readonly commands: readonly string[];
  readonly actions: readonly string[];
}

/** The table below "Permissions". */
function documented(): Row[] {
  const [, section = ''] = readFileSync(PAGE, 'utf8').split('## Permissions');
  const rows = section.split('## ')[0]?.matchAll(/^\| (`.+?) \| (.+) \|$/gm) ?? [];
  const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text ?? []);
  return [...rows].map(([, commands, actions]) => ({
    commands: quoted(commands),
    actions: quoted(actions).sort(),
  }));
}

/** Each documented command as it is run, in a way that makes it ask for all it ever asks for. */
const RUNS: Readonly<Record<string, string>> = {
  'segments ls': 'segments ls',
  'segments stats': 'segments stats',
  'segments explain': 'segments explain orders-0-0-1279',
  'segments show': 'segments show orders-0-0-1279',
  'segments ls --damaged': 'segments ls orders --damaged',
  'segments ls --missing': 'segments ls --missing',
  fetch: 'fetch orders:0 --offset 100:105',
  verify: 'verify --unreferenced',
  reindex: 'reindex orders -y',
  'gc --dry-run': 'gc --dry-run --min-age 0',
  doctor: 'doctor',
  'config show': 'config show',
  completion: 'completion bash',
  demo: 'demo',
  'compact --dry-run': 'compact --dry-run --max-age 1h',
  'compact plan': 'compact plan --max-age 1h --only orders -o plan.json',
  'compact history': 'compact history',
  'compact show': 'compact show RUN',
  compact: 'compact -y --max-age 1h --only plain',
  'compact apply': 'compact apply plan.json -y',
  'compact resume': 'compact resume -y',
  'compact purge': 'compact purge -y --at 2027-01-01T00:00:00Z',
  gc: 'gc click-events -y --min-age 0',
  'compact --grace': 'compact -y --max-age 1h --only plain --grace 1h',
  'compact undo': 'compact undo RUN -y',
  'gc --grace': 'gc orders -y --min-age 0 --grace 1h',
};

/** What has to be there before a command does all that it does, done by an owner of the bucket. */
const BEFORE: Readonly<Record<string, string>> = {
  'compact show': 'compact -y --max-age 1h --only edge.cases --objects keep',
  'compact apply': 'compact plan --max-age 1h --only orders -o plan.json',
  'compact purge': 'compact -y --max-age 1h --only payments-txn --grace 1h',
};

/** Finds the archive that is missing. */
const FINDS = new Set(['verify']);

async function run(node: S3Node, env: Record<string, string>, line: string) {
  const words = line.split(' ');
  if (words.includes('RUN')) {
    const { stdout } = await node.run('compact', 'history', '-f', 'json');
    const runs: { runId: string }[] = JSON.parse(stdout.toString());
    words[words.indexOf('RUN')] = runs.at(-1)?.runId ?? 'none';
  }
  if (!words.includes('--at')) words.push('--at', '2026-11-24T12:00:00Z');
  return await node.runWith(env, ...words);
}

await describeEachServer('the permissions in docs/stores.md', ['versitygw'], (server) => {
  test('the table names every command that was tried, and no other', () => {
    expect(
      documented()
        .flatMap(({ commands }) => commands)
        .sort(),
    ).toEqual(Object.keys(RUNS).sort());
  });

  test.concurrent.for(documented())('are enough, and all of them used: $commands', async (row) => {
    const node = await makeS3Node(server());
    // A missing archive makes commands look whether the bucket is there at all.
    const owner = await openStore(storeSettings(node.env, {}));
    await owner.delete('./data/tantivy_indexes/plain/partition-0/segment-0-159.tar.gz');
    await owner.close();
    const user = await makeUser(server(), node.bucket, row.actions);
    const proxy = await startS3Proxy({ target: server().endpoint });
    try {
      for (const command of row.commands) {
        const before = BEFORE[command];
        if (before !== undefined) {
          const prepared = await run(node, {}, before);
          expect(prepared.status, `${before}\n${prepared.stderr}`).toBe(0);
        }
        const result = await run(
          node,
          { ...user, S3_ENDPOINT: proxy.endpoint },
          RUNS[command] ?? '',
        );
        expect(result.status, `${command}\n${result.stderr}`).toBe(FINDS.has(command) ? 4 : 0);
      }
      expect(proxy.actions()).toEqual(row.actions);
    } finally {
      await proxy.stop();
    }
  });
});
