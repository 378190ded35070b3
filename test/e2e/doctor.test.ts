import { expect, test } from 'vitest';
import { acquireRunLock } from '../../src/storage/run-lock.ts';
import { copyNode } from '../support/node-copy.ts';

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
