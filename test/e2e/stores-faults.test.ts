import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Fault, type S3Proxy, startS3Proxy, type WireCall } from '../servers/s3-proxy.ts';
import { describeEachServer } from '../storage/s3/each-server.ts';
import { errorXml } from '../storage/s3/open-at.ts';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { type RunResult, runSegctl } from '../support/run-segctl.ts';
import { makeS3Node, type S3Node } from '../support/s3-node.ts';

const NOW = ['--at', '2026-11-24T12:00:00Z'];
const COMPACT = ['compact', '-y', '--max-age', '1h', '-f', 'json', ...NOW];
const FETCH = ['fetch', 'orders:0', '--offset', '100:200'];
const PLAIN = 'plain/partition-0/segment-0-159.tar.gz';

interface Report {
  readonly state: string;
  readonly deleted: number;
  readonly failed: number;
  readonly bytesFreed: number;
  readonly bytesInTrash: number;
}

const reportOf = ({ stdout }: RunResult): Report => JSON.parse(stdout.toString());

const isGet = ({ method, target }: WireCall, part = '.tar.gz') =>
  method === 'GET' && target.includes(part) && !target.includes('list-type');
const isList = ({ target }: WireCall) => target.includes('list-type=2');
const isDelete = ({ method }: WireCall) => method === 'POST';
const isCopy = ({ method, headers }: WireCall) =>
  method === 'PUT' && headers['x-amz-copy-source'] !== undefined;

/** The fault for the first `times` calls that `matches`. */
function first(times: number, matches: (call: WireCall) => boolean, fault: Fault) {
  let met = 0;
  return (call: WireCall): Fault | undefined => {
    if (!matches(call) || met >= times) return undefined;
    met += 1;
    return fault;
  };
}

const always = (matches: (call: WireCall) => boolean, fault: Fault) =>
  first(Number.POSITIVE_INFINITY, matches, fault);

const answer = (status: number, code: string): Fault => ({
  kind: 'answer',
  status,
  body: errorXml(code),
});

/** A listing without the key that ends so. */
const missing = (end: string): Fault => ({
  kind: 'rewrite',
  body: (xml) =>
    xml.replace(/<Contents>.*?<\/Contents>/gs, (object) =>
      object.includes(`${end}</Key>`) ? '' : object,
    ),
});

await describeEachServer('faults on the wire', ['moto'], (server) => {
  /** Runs `work` on a new node whose requests go through a proxy with `fault`. */
  async function through(
    fault: (call: WireCall) => Fault | undefined,
    work: (
      run: (...args: string[]) => Promise<RunResult>,
      node: S3Node,
      proxy: S3Proxy,
    ) => Promise<void>,
    latencyMs?: number,
  ): Promise<void> {
    const node = await makeS3Node(server());
    const proxy = await startS3Proxy({
      target: server().endpoint,
      fault,
      ...(latencyMs === undefined ? {} : { latencyMs }),
    });
    try {
      await work((...args) => node.runWith({ S3_ENDPOINT: proxy.endpoint }, ...args), node, proxy);
    } finally {
      await proxy.stop();
    }
  }

  const fetched = runSegctl([...FETCH, '--data-dir', FIXTURE_DATA]);

  test.concurrent.for<[string, (call: WireCall) => Fault | undefined, string[]?]>([
    ['a body that is cut twice', first(2, isGet, { kind: 'cut', bytes: 9000 })],
    [
      'a body that stalls once',
      first(1, isGet, { kind: 'stall', bytes: 9000 }),
      ['--store-timeout', '1s'],
    ],
    ['two errors of the server', first(2, isGet, answer(500, 'InternalError'))],
    ['SlowDown twice', first(2, isGet, answer(503, 'SlowDown'))],
    ['a reset connection', first(2, isGet, { kind: 'reset' })],
  ])('fetch gets over %s', async ([, fault, flags = []]) => {
    await through(
      fault,
      async (run) => {
        const result = await run(...FETCH, ...flags);
        expect(result.status, result.stderr).toBe(0);
        expect(result.stdout).toEqual((await fetched).stdout);
      },
      30,
    );
  });

  test.concurrent('a body that is cut each time: said so, and costs one archive', async () => {
    const cut = always((call) => isGet(call, 'plain/partition-0'), { kind: 'cut', bytes: 900 });
    await through(cut, async (run, node) => {
      const got = await run('fetch', 'plain:0', '--offset', '5', '-f', 'json');
      expect(got.status).toBe(1);
      expect(got.stdout.toString()).toBe('');
      expect(got.stderr).toContain('"code":"body-cut-short"');
      const verified = await run('verify', '-f', 'json');
      expect(verified.status).toBe(4);
      expect(verified.stdout.toString().match(/"id":"object-unreadable"/g)).toHaveLength(1);
      const rebuilt = await run('reindex', '--rebuild', '-y', '-f', 'json', '--max-shrink', '50%');
      expect(rebuilt.status, rebuilt.stderr).toBe(0);
      expect(rebuilt.stderr).toContain('could not be read');
      expect(rebuilt.stdout.toString()).not.toContain('"topic":"plain"');
      expect(readFileSync(node.indexPath, 'utf8')).toContain('"plain-0-0-159"');
      const collected = await run('gc', '-y', '--min-age', '0', '-f', 'json');
      expect(collected.status, collected.stderr).toBe(0);
      const left = [...(await node.objects()).keys()].filter((key) => key.includes('/plain/'));
      expect(left, 'what nobody could read proves nothing superseded').toHaveLength(4);
    });
  });

  test.concurrent('per-key delete errors: partly done, told as such, finished by a rerun', async () => {
    let isLocked = true;
    const locked = (call: WireCall): Fault | undefined =>
      isDelete(call)
        ? {
            kind: 'delete-errors',
            codeOf: (key) => (isLocked && key.includes('/orders/') ? 'AccessDenied' : undefined),
          }
        : undefined;
    await through(locked, async (run, node) => {
      const partly = await run(...COMPACT);
      expect(partly.status, partly.stderr).toBe(5);
      expect(reportOf(partly)).toMatchObject({
        state: 'partial',
        deleted: 6,
        failed: 3,
        bytesFreed: 1_180_843 - 361_821,
      });
      const left = await node.objects();
      expect(left.size).toBe(34 - 6);
      isLocked = false;
      const rerun = await run(...COMPACT);
      expect(rerun.status, rerun.stderr).toBe(0);
      expect((await node.objects()).size).toBe(34 - 9);
      const history = await run('compact', 'history', '-f', 'json');
      expect(history.stdout.toString()).toContain('"state":"done"');
      expect(history.stdout.toString()).not.toContain('"state":"partial"');
    });
  });

  test.concurrent('errors that pass cost a second request, for the failed keys alone', async () => {
    let requests = 0;
    const flaky = (call: WireCall): Fault | undefined => {
      if (!isDelete(call)) return undefined;
      requests += 1;
      const isFirst = requests === 1;
      return {
        kind: 'delete-errors',
        codeOf: (key) => (isFirst && key.includes('/plain/') ? 'InternalError' : undefined),
      };
    };
    await through(flaky, async (run, node) => {
      const result = await run(...COMPACT);
      expect(result.status, result.stderr).toBe(0);
      expect(reportOf(result)).toMatchObject({ deleted: 9, failed: 0, bytesFreed: 1_180_843 });
      expect(requests).toBe(2);
      expect((await node.objects()).size).toBe(25);
    });
  });

  test.concurrent('a deletion whose answer is lost is done, and counted once', async () => {
    await through(first(1, isDelete, { kind: 'cut', bytes: 10 }), async (run, node) => {
      const result = await run(...COMPACT);
      expect(result.status, result.stderr).toBe(0);
      expect(reportOf(result)).toMatchObject({ deleted: 9, failed: 0, bytesFreed: 1_180_843 });
      expect((await node.objects()).size).toBe(25);
    });
  });

  test.concurrent('an archive that can not be moved to the trash stays, and is told', async () => {
    let isDenied = true;
    const denied = (call: WireCall): Fault | undefined =>
      isDenied && isCopy(call) && call.target.includes('plain')
        ? answer(403, 'AccessDenied')
        : undefined;
    await through(denied, async (run, node) => {
      const partly = await run(...COMPACT, '--grace', '48h');
      expect(partly.status, partly.stderr).toBe(5);
      expect(reportOf(partly)).toMatchObject({ failed: 1, bytesInTrash: 1_180_843 - 5592 });
      const keys = [...(await node.objects()).keys()];
      expect(keys).toContain(`./data/tantivy_indexes/${PLAIN}`);
      isDenied = false;
      const resumed = await run('compact', 'resume', '-y', '-f', 'json', ...NOW);
      expect(resumed.status, resumed.stderr).toBe(0);
      const moved = [...(await node.objects()).keys()];
      expect(moved).toHaveLength(34);
      expect(moved).not.toContain(`./data/tantivy_indexes/${PLAIN}`);
    });
  });

  test.concurrent('a listing that misses a key: a second look, and nothing is dropped or lost', async () => {
    await through(always(isList, missing(PLAIN)), async (run, node) => {
      const verified = await run('verify', '-f', 'json');
      expect(verified.stdout.toString()).not.toContain('"object-missing"');
      expect(verified.status, verified.stderr).toBe(0);
      expect((await run('segments', 'ls', '--missing')).stdout.toString()).toBe('');
      const rebuilt = await run('reindex', '--rebuild', '-y', '-f', 'json');
      expect(rebuilt.status, rebuilt.stderr).toBe(0);
      expect(rebuilt.stdout.toString()).not.toContain('"action":"drop"');
      expect(readFileSync(node.indexPath, 'utf8')).toContain('plain-0-0-159');
      const collected = await run('gc', '-y', '--min-age', '0', '--unreferenced', '-f', 'json');
      expect(collected.status, collected.stderr).toBe(0);
      const after = await node.run('verify', '--no-resume', '-f', 'json');
      expect(after.status, after.stderr).toBe(0);
      const all = await node.run('fetch', 'plain:0', '-f', '%o\\n');
      expect(all.stdout.toString().trim().split('\n')).toHaveLength(160);
    });
  });

  test.concurrent('a listing that comes empty: refused, not believed', async () => {
    const empty: Fault = {
      kind: 'rewrite',
      body: (xml) => xml.replace(/<Contents>.*<\/Contents>/gs, ''),
    };
    await through(always(isList, empty), async (run, node) => {
      const index = readFileSync(node.indexPath);
      const verified = await run('verify', '--quick', '-f', 'json');
      expect(verified.stdout.toString()).not.toContain('"object-missing"');
      for (const command of [['reindex', '--rebuild'], ['gc', '--min-age', '0'], ['reindex']]) {
        await run(...command, '-y', '-f', 'json');
        expect(readFileSync(node.indexPath), command.join(' ')).toEqual(index);
      }
      expect((await node.objects()).size).toBe(34);
    });
  });
});
