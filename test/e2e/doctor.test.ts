import { expect, test } from 'vitest';
import { acquireRunLock } from '../../src/storage/run-lock.ts';
import { copyNode } from '../support/node-copy.ts';
import { runSegctl } from '../support/run-segctl.ts';

test('a healthy node: nothing to find, exit 0', async () => {
  const node = copyNode();
  const { status, stdout } = await node.run('doctor', '-f', 'json');
  expect(status).toBe(0);
  const { findings, checked } = JSON.parse(stdout.toString());
  expect(findings).toEqual([]);
  expect(checked.join('\n')).toMatch(/an archive decodes: \d+ records/);
});

test('another run that holds the lock is told, and nothing wrong', async () => {
  const node = copyNode();
  const lock = await acquireRunLock(node.dataDir, {
    command: 'compact',
    waitMs: 0,
    breakUnknown: false,
    signal: new AbortController().signal,
    now: Date.now,
  });
  try {
    const { status, stdout } = await node.run('doctor', '-f', 'json');
    expect(status).toBe(0);
    const { findings } = JSON.parse(stdout.toString());
    expect(findings).toMatchObject([{ id: 'lock-held', facts: { command: 'compact' } }]);
    expect((await node.run('gc', '--yes')).status).toBe(6);
    expect((await node.run('reindex', '--yes')).status).toBe(6);
  } finally {
    await lock.release();
  }
});

test('people read what is in order, too', async () => {
  const { status, stdout } = await copyNode().run('doctor', '-f', 'table');
  expect(status).toBe(0);
  expect(stdout.toString()).toMatch(
    /^ok: the index data\/segment_index\.json is readable: 9 entries$/m,
  );
});

/** Runs doctor in a process in which `code` ran first, as a system with that fault would have it. */
async function doctorWith(code: string): Promise<{ status: number | null; ids: string[] }> {
  const preload = `data:text/javascript,${encodeURIComponent(code)}`;
  const { status, stdout } = await runSegctl(['doctor', '-f', 'json'], {
    cwd: copyNode().cwd,
    env: { NODE_OPTIONS: `--import=${preload}` },
  });
  const { findings }: { findings: { id: string }[] } = JSON.parse(stdout.toString());
  return { status, ids: findings.map(({ id }) => id) };
}

test('a disk without room for a second index is told', async () => {
  const faulty = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    fs.promises.statfs = async () => ({ bavail: 100, bsize: 4096 });
    syncBuiltinESMExports();
  `;
  expect(await doctorWith(faulty)).toEqual({ status: 4, ids: ['space-low'] });
});

test('a native module that can not be loaded is told', async () => {
  const faulty = `
    const { dlopen } = process;
    process.dlopen = (module, file, ...rest) => {
      if (String(file).includes('tantivy')) throw new Error('cannot open shared object file');
      return dlopen.call(process, module, file, ...rest);
    };
  `;
  expect(await doctorWith(faulty)).toEqual({ status: 4, ids: ['native-module-missing'] });
});
