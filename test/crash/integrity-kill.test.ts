import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseLedgerLine } from '../../src/core/verify/ledger-line.ts';
import { loadIndex } from '../../src/storage/index-file.ts';
import { copyNode, type NodeCopy } from '../support/node-copy.ts';
import { cleanEnv } from '../support/run-segctl.ts';

const BIN = fileURLToPath(new URL('../../bin/segctl.js', import.meta.url));

/** Runs segctl with -v and kills it when it has written its `lines`-th log line; gives how many it wrote. */
async function runAndKill(node: NodeCopy, args: readonly string[], lines: number): Promise<number> {
  const child = spawn(process.execPath, [BIN, ...args, '-v', '--concurrency', '1'], {
    cwd: node.cwd,
    env: cleanEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  let seen = 0;
  for await (const _ of createInterface({ input: child.stderr })) {
    seen++;
    if (seen === lines) child.kill('SIGKILL');
  }
  await closed;
  return seen;
}

function assertLedgerIsWhole(node: NodeCopy): void {
  const file = join(node.dataDir, '.segctl/verified.jsonl');
  if (!existsSync(file)) return;
  const lines = readFileSync(file, 'utf8').split('\n');
  // The last line alone may be torn: what follows begins a line of its own.
  for (const line of lines.slice(0, -1)) expect(parseLedgerLine(line), line).toBeDefined();
}

function spoil(node: NodeCopy): void {
  const index = JSON.parse(readFileSync(node.indexPath, 'utf8'));
  delete index['orders-1'];
  index['orders-2'][0].record_count = 7;
  writeFileSync(node.indexPath, JSON.stringify(index));
}

test('verify killed at any step leaves a ledger that the next run goes on with', async () => {
  const total = await runAndKill(
    copyNode(),
    ['verify', '--unreferenced'],
    Number.POSITIVE_INFINITY,
  );
  expect(total).toBeGreaterThan(30);
  for (let step = 1; step <= total; step += 4) {
    const node = copyNode();
    await runAndKill(node, ['verify', '--unreferenced'], step);
    assertLedgerIsWhole(node);
    const { status, stdout } = await node.run('verify', '--unreferenced', '-f', 'json');
    expect(status).toBe(0);
    const report = JSON.parse(stdout.toString());
    expect(report).toMatchObject({ archives: 34, neverRead: 0 });
    assertLedgerIsWhole(node);
  }
});

test('reindex killed at any step leaves the old index or the new one, and a rerun ends it', async () => {
  const model = copyNode();
  spoil(model);
  const before = readFileSync(model.indexPath);
  const total = await runAndKill(model, ['reindex', '--yes'], Number.POSITIVE_INFINITY);
  const after = readFileSync(model.indexPath);
  expect(after).not.toEqual(before);
  const steps = Array.from({ length: total }, (_, i) => i + 1);
  // Reading is the same step many times; the last lines are those of the change.
  for (const step of steps.filter((one) => one % 8 === 1 || one > total - 8)) {
    const node = copyNode();
    spoil(node);
    await runAndKill(node, ['reindex', '--yes'], step);
    expect([before, after]).toContainEqual(readFileSync(node.indexPath));
    assertLedgerIsWhole(node);
    expect((await node.run('reindex', '--yes', '--lock-wait', '5s')).status).toBe(0);
    expect(readFileSync(node.indexPath)).toEqual(after);
    expect((await loadIndex(node.indexPath)).index.issues).toEqual([]);
    const leftBehind = readdirSync(node.dataDir).filter((name) => name.includes('tmp'));
    expect(leftBehind).toEqual([]);
  }
});
