import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexText } from '../core/compaction/engine-kit.ts';
import { runSegctl } from '../support/run-segctl.ts';
import { makeNode, type Node, OLD, SEGMENTS, segment } from './compact-world.ts';

let node: Node;

beforeEach(async () => {
  node = await makeNode();
});

afterEach(async () => {
  await node.remove();
});

async function compact(...args: string[]) {
  const result = await runSegctl(['compact', ...args, ...node.args]);
  const out = result.stdout.toString('utf8');
  return { ...result, out, json: (): Record<string, unknown> => JSON.parse(out) };
}

async function runIds(): Promise<string[]> {
  const history: { runId: string }[] = JSON.parse((await compact('history', '-f', 'json')).out);
  return history.map(({ runId }) => runId);
}

describe('segctl compact', () => {
  it('deletes by the policy, and tells the figures', async () => {
    const { status, json } = await compact('--yes', '-f', 'json');
    expect(status).toBe(0);
    expect(json()).toMatchObject({
      dryRun: false,
      state: 'done',
      identified: 4,
      deleted: 4,
      failed: 0,
      bytesFreed: 256,
      bytesInTrash: 0,
      summary: { delete: { segments: 4 } },
    });
    expect(await node.segmentIds()).toEqual(['orders-0-200-299', 'orders-1-100-199']);
    expect(await node.files()).toHaveLength(2);
    const again = await compact('--yes', '-f', 'json');
    expect(again.json()).toMatchObject({ runId: null, state: 'nothing-to-do', identified: 0 });
  });

  it('changes nothing in a dry run, and claims nothing', async () => {
    const before = await node.indexText();
    const { status, json } = await compact('--dry-run', '-f', 'json');
    expect(status).toBe(0);
    expect(json()).toMatchObject({
      dryRun: true,
      identified: 4,
      deleted: 0,
      bytesFreed: 0,
      runId: null,
    });
    expect(await node.indexText()).toBe(before);
    expect(await node.files()).toHaveLength(6);
    const table = await compact('--dry-run', '-f', 'table');
    expect(table.out).toContain('4 segments of 6 go');
    expect(table.out).not.toContain('\\n');
  });

  it('asks for --yes where there is no terminal', async () => {
    const { status, stderr } = await compact();
    expect(status).toBe(2);
    expect(stderr).toContain('--yes');
    expect(await node.files()).toHaveLength(6);
  });

  it('logs each deletion, and each decision with -v', async () => {
    const quiet = await compact('--dry-run', '-q');
    expect(quiet.stderr).toBe('');
    const { stderr } = await compact('--yes', '-v');
    expect(stderr.match(/info +deleted object/g)).toHaveLength(4);
    expect(stderr.match(/debug decided/g)).toHaveLength(6);
  });

  it('refuses a plan beyond its budget before anything is deleted', async () => {
    const { status, stderr } = await compact('--yes', '--max-delete', '10%');
    expect(status).toBe(3);
    expect(stderr).toContain('budget');
    expect(await node.files()).toHaveLength(6);
    expect(await runIds()).toEqual([]);
  });

  it('takes at most so many, oldest first, and names what is left', async () => {
    const { out } = await compact('--yes', '--max-deletions', '2', '-f', 'table');
    expect(out).toContain('2 condemned segments, 128 B, left for the next run');
    expect((await node.segmentIds()).filter((id) => OLD.includes(id))).toEqual([
      'orders-0-100-199',
      'clicks-0-0-99',
    ]);
  });

  it('judges only what it is told to', async () => {
    await compact('--yes', '--only', 'orders:1');
    expect(await node.segmentIds()).toHaveLength(5);
  });

  it('keeps entries or objects where told to, also by --index', async () => {
    await compact('--yes', '--only', 'orders:1', '--objects', 'keep');
    expect(await node.segmentIds()).toHaveLength(5);
    expect(await node.files()).toHaveLength(6);
    await compact('--yes', '--only', 'orders:0', '--index', 'keep');
    expect(await node.segmentIds()).toHaveLength(5);
    expect(await node.files()).toHaveLength(4);
  });

  it('leaves a live segment alone, unless told to', async () => {
    const wal = join(node.dataDir, 'wal/clicks/0');
    await mkdir(wal, { recursive: true });
    await writeFile(join(wal, 'wal_0_3.log'), 'records');
    await writeFile(join(node.dataDir, 'wal/clicks/0/wal_0_2.log'), '');
    const { out } = await compact('--yes', '-f', 'table');
    expect(out).toContain('left alone: a running server writes them again');
    expect(await node.segmentIds()).toContain('clicks-0-0-99');
    await compact('--yes', '--include-live');
    expect(await node.segmentIds()).not.toContain('clicks-0-0-99');
  });

  it('removes again what a running server wrote back, and loses nothing of its own', async () => {
    await compact('--yes');
    const own = segment('orders', 0, 300, 0);
    const reindexed = {
      ...segment('orders', 1, 0, 0),
      createdAtSeconds: segment('orders', 1, 0, 1).createdAtSeconds,
    };
    const others = SEGMENTS.filter(({ segmentId }) => segmentId !== reindexed.segmentId);
    await writeFile(
      join(node.dataDir, 'segment_index.json'),
      indexText([...others, own, reindexed].sort((a, b) => Number(a.minOffset - b.minOffset))),
    );
    const { status, stderr, json } = await compact('--yes', '-f', 'json');
    expect(status).toBe(0);
    expect(json()).toMatchObject({ returnedRemoved: 3, identified: 0, deleted: 0 });
    expect(stderr).toContain('no data is lost');
    expect((await node.segmentIds()).sort()).toEqual([
      'orders-0-200-299',
      'orders-0-300-399',
      'orders-1-0-99',
      'orders-1-100-199',
    ]);
  });

  it('refuses a key that leads out of the store, by .. or by a link', async () => {
    const path = '/data/tantivy_indexes/orders/partition-0/segment-0-99.tar.gz';
    const index = join(node.dataDir, 'segment_index.json');
    const text = await node.indexText();
    await writeFile(index, text.replace(path, '/data/../../segment_index.json'));
    expect((await compact('--yes')).status).toBe(3);
    await writeFile(index, text.replace(path, '/out/x.tar.gz'));
    await symlink('/etc', join(node.dataDir, 'segments/out'));
    const linked = text.replace(path, '/out/hostname');
    await writeFile(index, linked);
    expect((await compact('--yes')).status).toBe(3);
    expect(await node.indexText()).toBe(linked);
    expect(await runIds()).toEqual([]);
  });

  it('writes metrics that add up', async () => {
    const file = join(node.dataDir, 'segctl.prom');
    await compact('--yes', '--max-deletions', '1', '--metrics-file', file);
    await compact('--yes', '--metrics-file', file);
    await compact(
      '--yes',
      '--max-delete',
      '0',
      '--no-max-age',
      '--no-keep-offsets',
      '--max-size',
      '1',
      '--metrics-file',
      file,
    );
    const text = await readFile(file, 'utf8');
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) segctl_[a-z_]+ .+|segctl_[a-z_]+ [0-9.e+]+)$/);
    }
    expect(text).toContain('\nsegctl_compaction_deleted_segments_total 4\n');
    expect(text).toContain('\nsegctl_compaction_freed_bytes_total 256\n');
    expect(text).toContain('\nsegctl_compaction_runs_total 3\n');
  });
});

describe('plans as files', () => {
  it('are carried out exactly, and refused when stale', async () => {
    const file = join(node.dataDir, 'plan.json');
    expect((await compact('plan', '-o', file)).status).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      version: 1,
      summary: { delete: { segments: 4 } },
    });
    expect((await compact('apply', file)).status).toBe(2);
    const applied = await compact('apply', file, '--yes', '-f', 'json');
    expect(applied.json()).toMatchObject({ state: 'done', deleted: 4 });
    const stale = await compact('apply', file, '--yes');
    expect(stale.status).toBe(3);
    expect((await compact('apply', join(node.dataDir, 'none.json'), '--yes')).status).toBe(2);
  });
});

describe('history, undo and purge', () => {
  it('takes back, and purges past the grace', async () => {
    const before = { text: await node.indexText(), files: await node.files() };
    await compact('--yes', '--grace', '48h');
    const [runId = ''] = await runIds();
    expect((await compact('show', runId, '-f', 'json')).json()).toMatchObject({
      runId,
      state: 'done',
      segments: 4,
    });
    expect((await compact('undo', runId)).status).toBe(2);
    expect((await compact('undo', runId, '--yes')).status).toBe(0);
    expect({ text: await node.indexText(), files: await node.files() }).toEqual(before);
    expect((await compact('undo', runId, '--yes')).status).toBe(1);
    await compact('--yes', '--grace', '48h');
    expect((await compact('purge', '--yes', '-f', 'json')).json()).toMatchObject({
      state: 'nothing-to-do',
    });
    const late = await runSegctl([
      'compact',
      'purge',
      '--yes',
      '-f',
      'json',
      '--data-dir',
      node.dataDir,
      '--at',
      '2026-06-03T00:00:00Z',
    ]);
    expect(JSON.parse(late.stdout.toString())).toMatchObject({ state: 'done', bytesFreed: 256 });
    expect(await node.files()).toHaveLength(2);
  });

  it('has nothing to resume after a run that came to its end', async () => {
    await compact('--yes');
    expect((await compact('resume', '--yes', '-f', 'table')).out).toBe('no run is unfinished\n');
  });

  it('lets one of two runs at once work, and the other wait', async () => {
    const results = await Promise.all(
      [1, 2, 3, 4].map(() => compact('--yes', '--lock-wait', '60s', '-f', 'json')),
    );
    expect(results.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    const deleted = results.map(({ json }) => Number(json().deleted));
    expect(deleted.sort()).toEqual([0, 0, 0, 4]);
  });
});

describe('segments explain', () => {
  it("gives every rule's verdict", async () => {
    const result = await runSegctl([
      'segments',
      'explain',
      'orders-0-0-99',
      ...node.args,
      '-f',
      'json',
    ]);
    expect(JSON.parse(result.stdout.toString())).toMatchObject([
      {
        segmentId: 'orders-0-0-99',
        fate: 'delete',
        reasons: [{ rule: 'time', verdict: 'delete' }],
      },
    ]);
    expect((await runSegctl(['segments', 'explain', 'none', ...node.args])).status).toBe(1);
  });
});
