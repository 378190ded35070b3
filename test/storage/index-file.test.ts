import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IndexEdit, rowIdentity } from '../../src/core/segment-index/index-edit.ts';
import { loadIndex } from '../../src/storage/index-file.ts';
import { saveIndex, writeIndex } from '../../src/storage/index-save.ts';
import { type Step, steppedPort, systemError } from './index-file-faults.ts';

const REAL = fileURLToPath(
  new URL('../fixtures/chronik-2.10.4-local/data/segment_index.json', import.meta.url),
);

let folder: string;
let path: string;
let before: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'segctl-index-'));
  path = join(folder, 'segment_index.json');
  before = readFileSync(REAL, 'utf8');
  writeFileSync(path, before);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Removes the only entry of orders-0. */
async function removal(): Promise<IndexEdit> {
  const { index } = await loadIndex(path);
  const row = index.partition('orders', 0)?.rows[0] ?? -1;
  return { remove: [rowIdentity(index, row)] };
}

function withoutOrders0(text: string): string {
  const start = text.indexOf('"orders-0": [') + '"orders-0": ['.length;
  return text.slice(0, start) + text.slice(text.indexOf(']', start));
}

async function failure(promise: Promise<unknown>) {
  return await promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  );
}

describe('loading', () => {
  it('says what to do when there is no file', async () => {
    const missing = join(folder, 'none', 'segment_index.json');
    expect(await failure(loadIndex(missing))).toMatchObject({
      code: 'index-not-found',
      exitCode: 1,
      facts: { file: missing },
      remedy: expect.stringContaining('--data-dir'),
    });
  });

  it('does not take a folder for an index', async () => {
    expect(await failure(loadIndex(folder))).toMatchObject({ code: 'index-unreadable' });
  });

  it('says so when the file may not be read', async () => {
    const port = steppedPort((step) => {
      if (step === 'openRead') throw systemError('EACCES');
    });
    expect(await failure(loadIndex(path, { port }))).toMatchObject({
      code: 'index-unreadable',
      facts: { errno: 'EACCES' },
      remedy: expect.stringContaining('user'),
    });
  });

  it('says so when the disk fails in the middle', async () => {
    const port = steppedPort((step) => {
      if (step === 'read') throw systemError('EIO');
    });
    expect(await failure(loadIndex(path, { port }))).toMatchObject({
      code: 'index-unreadable',
      facts: { errno: 'EIO' },
    });
  });

  it('reads again what was written in place meanwhile, whether or not it made sense', async () => {
    const half = before.slice(0, 1000);
    writeFileSync(path, half);
    let reads = 0;
    const port = steppedPort((step) => {
      if (step === 'read' && reads++ === 1) writeFileSync(path, before);
    });
    const { index } = await loadIndex(path, { port });
    expect(index.rowCount).toBe(9);
    expect(index.origin.sizeBytes).toBe(before.length);
  });

  it('gives up on a file that never rests', async () => {
    let reads = 0;
    const port = steppedPort((step) => {
      if (step === 'read') writeFileSync(path, before + ' '.repeat(reads++));
    });
    expect(await failure(loadIndex(path, { port }))).toMatchObject({ code: 'index-changing' });
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('told to'));
    await expect(loadIndex(path, { signal })).rejects.toThrow('told to');
  });
});

describe('saving an edit', () => {
  it('replaces the file by one without the entry, and says what it is now', async () => {
    const outcome = await saveIndex(path, await removal());
    const after = readFileSync(path, 'utf8');
    expect(after).toBe(withoutOrders0(before));
    const { index } = await loadIndex(path);
    expect(outcome).toMatchObject({
      written: true,
      digest: index.origin.digest,
      sizeBytes: after.length,
      rowCount: 8,
    });
    expect(outcome.plan.removedRows).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });

  it('makes the bytes durable before the name, and the name before it says so', async () => {
    const steps: Step[] = [];
    const edit = await removal();
    await saveIndex(path, edit, { port: steppedPort((step) => void steps.push(step)) });
    const writing = steps.slice(steps.indexOf('create')).filter((step) => step !== 'read');
    expect(writing).toEqual([
      'create',
      'write',
      'takeOver',
      'sync',
      'close',
      'stat',
      'rename',
      'syncFolder',
    ]);
  });

  it('leaves the file alone when there is nothing to do', async () => {
    const edit = await removal();
    await saveIndex(path, edit);
    const { ino, mtimeNs } = statSync(path, { bigint: true });
    const again = await saveIndex(path, edit);
    expect(again).toMatchObject({ written: false, digest: again.digestBefore });
    expect(again.plan.absent).toEqual(edit.remove);
    expect(statSync(path, { bigint: true })).toMatchObject({ ino, mtimeNs });
  });

  it("keeps the file's mode, and a link stays a link", async () => {
    chmodSync(path, 0o640);
    const link = join(folder, 'link.json');
    symlinkSync(path, link);
    await saveIndex(link, await removal());
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readFileSync(path, 'utf8')).toBe(withoutOrders0(before));
  });

  it('removes what a run that was killed has left', async () => {
    writeFileSync(join(folder, 'segment_index.json.segctl-17-00ff00ff.tmp'), 'half');
    writeFileSync(join(folder, 'segment_index.tmp'), "the server's own");
    await saveIndex(path, await removal());
    expect(readdirSync(folder).sort()).toEqual(['segment_index.json', 'segment_index.tmp']);
  });

  it('is applied to what the server wrote between the look and the rename', async () => {
    const edit = await removal();
    const newer = before
      .replace('"size_bytes": 121216', '"size_bytes": 1')
      .replaceAll('snappy', 'zstd');
    const unrelated = before.replace(
      '"created_at": 1795351709,\n      "compression": "snappy"\n    }\n  ],\n  "audit_log-0"',
      '"created_at": 1,\n      "compression": "snappy"\n    }\n  ],\n  "audit_log-0"',
    );
    expect(newer).not.toBe(before);
    expect(unrelated).not.toBe(before);
    let looks = 0;
    const port = steppedPort((step) => {
      if (step !== 'stat' || looks++ > 0) return;
      writeFileSync(join(folder, 'segment_index.tmp'), unrelated);
      renameSync(join(folder, 'segment_index.tmp'), path);
    });
    const seen: (string | undefined)[] = [];
    const beforeWrite = (index: { origin: { digest: string | undefined } }) => {
      seen.push(index.origin.digest);
    };
    const outcome = await saveIndex(path, edit, { port, beforeWrite });
    expect(readFileSync(path, 'utf8')).toBe(withoutOrders0(unrelated));
    expect(seen).toHaveLength(2);
    expect(outcome.digestBefore).toBe(seen[1]);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });

  it('gives up when the server never stops writing, without a trace', async () => {
    const edit = await removal();
    let looks = 0;
    const port = steppedPort((step) => {
      if (step === 'stat') writeFileSync(path, before + '\n'.repeat(++looks));
    });
    expect(await failure(saveIndex(path, edit, { port }))).toMatchObject({
      code: 'index-changing',
    });
    expect(readFileSync(path, 'utf8').trimEnd()).toBe(before);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });

  it('is stopped by a guard before anything is written', async () => {
    const steps: Step[] = [];
    const port = steppedPort((step) => void steps.push(step));
    const beforeWrite = () => {
      throw new Error('too much');
    };
    await expect(saveIndex(path, await removal(), { port, beforeWrite })).rejects.toThrow(
      'too much',
    );
    expect(steps).not.toContain('create');
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('never puts in place what a server would refuse', async () => {
    const { index } = await loadIndex(path);
    const add = [{ entry: index.entry(0), rawText: '{"segment_id": 1.0}', yields: true }];
    const edit = { remove: [rowIdentity(index, 0)], add };
    expect(await failure(saveIndex(path, edit))).toMatchObject({ code: 'edit-refused' });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });

  it('does not write an entry that no server could read', async () => {
    const { index } = await loadIndex(path);
    for (const change of [
      { sizeBytes: -1n },
      { minOffset: 2n ** 63n },
      { topic: '\ud800' },
      { partition: 0.5 },
    ]) {
      const edit = { add: [{ entry: { ...index.entry(0), ...change } }] };
      expect(await failure(saveIndex(path, edit))).toMatchObject({ code: 'entry-invalid' });
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });
});

describe('a save that fails', () => {
  const failing: readonly (readonly [Step, string, RegExp])[] = [
    ['create', 'EACCES', /user/],
    ['create', 'EROFS', /mount/],
    ['write', 'ENOSPC', /free space/],
    ['write', 'EDQUOT', /quota/],
    ['write', 'EIO', /check the disk/],
    ['takeOver', 'EIO', /check the disk/],
    ['sync', 'EIO', /check the disk/],
    ['stat', 'EIO', /check the disk/],
    ['rename', 'EPERM', /user/],
  ];
  for (const [at, errno, remedy] of failing) {
    it(`leaves the old file and no temp file: ${errno} at ${at}`, async () => {
      const edit = await removal();
      const port = steppedPort((step) => {
        if (step === at) throw systemError(errno);
      });
      expect(await failure(saveIndex(path, edit, { port }))).toMatchObject({
        code: 'index-write-failed',
        exitCode: 1,
        facts: { file: path, errno, replaced: false },
        remedy: expect.stringMatching(remedy),
      });
      expect(readFileSync(path, 'utf8')).toBe(before);
      expect(readdirSync(folder)).toEqual(['segment_index.json']);
    });
  }

  it('says so when the new file is in place but its folder could not be made durable', async () => {
    const edit = await removal();
    const port = steppedPort((step) => {
      if (step === 'syncFolder') throw systemError('EIO');
    });
    expect(await failure(saveIndex(path, edit, { port }))).toMatchObject({
      code: 'index-write-failed',
      facts: { replaced: true },
    });
    expect(readFileSync(path, 'utf8')).toBe(withoutOrders0(before));
  });

  it('at any step at all, as when the process dies there, leaves the old file or the new one', async () => {
    const edit = await removal();
    const steps: Step[] = [];
    await saveIndex(path, edit, { port: steppedPort((step) => void steps.push(step)) });
    expect(steps).toEqual(
      expect.arrayContaining(['write', 'sync', 'stat', 'rename', 'syncFolder']),
    );
    for (let last = 0; last < steps.length; last++) {
      writeFileSync(path, before);
      // From this step on nothing happens any more, no clean-up either.
      const port = steppedPort((_, nth) => {
        if (nth >= last) throw new Error('dead');
      });
      await saveIndex(path, edit, { port }).catch(() => undefined);
      const text = readFileSync(path, 'utf8');
      const renamed = steps.indexOf('rename') < last;
      expect(text).toBe(renamed ? withoutOrders0(before) : before);
      await saveIndex(path, edit);
      expect(readFileSync(path, 'utf8')).toBe(withoutOrders0(before));
    }
    writeFileSync(path, before);
    await saveIndex(path, edit);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });
});

describe('writing a whole index', () => {
  it("gives the server's own file back from its entries", async () => {
    const { index, facts } = await loadIndex(path);
    const keys = index.keys.map((key) => ({
      key: key.text,
      entries: Array.from({ length: key.rowCount }, (_, i) => index.entry(key.firstRow + i)),
    }));
    const saved = await writeIndex(path, keys, { replaces: facts });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(saved).toMatchObject({ digest: index.origin.digest, rowCount: 9 });
  });

  it('makes a file where there was none', async () => {
    const fresh = join(folder, 'fresh', 'segment_index.json');
    mkdirSync(join(folder, 'fresh'));
    await writeIndex(fresh, [], { replaces: undefined });
    expect(readFileSync(fresh, 'utf8')).toBe('{}');
  });

  it('does not replace a file that was not there when it was decided', async () => {
    expect(await failure(writeIndex(path, [], { replaces: undefined }))).toMatchObject({
      code: 'index-changing',
    });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(folder)).toEqual(['segment_index.json']);
  });
});
