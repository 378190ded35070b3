import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { runSegctl } from '../support/run-segctl.ts';

/** The candidates for the last of the words, without their descriptions. */
async function candidates(...words: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await runSegctl(['complete', '--', ...words]);
  expect(status, stderr).toBe(0);
  const lines = stdout.toString('utf8').trimEnd().split('\n');
  // The last line is the protocol's directive.
  expect(lines.pop()).toMatch(/^:\d+$/);
  return lines.map((line) => line.split('\t')[0] ?? '').filter((word) => word !== '');
}

describe('completion scripts', () => {
  test('bash reads its script', async () => {
    const { status, stdout } = await runSegctl(['completion', 'bash']);
    expect(status).toBe(0);
    execFileSync('bash', ['-n'], { input: stdout });
    const names = execFileSync('bash', ['-c', `${stdout}\ncomplete -p segctl`], {
      encoding: 'utf8',
    });
    expect(names).toMatch(/^complete .*segctl$/m);
  });

  test.each(['zsh', 'fish', 'powershell'])('%s has one that asks segctl', async (shell) => {
    const { status, stdout } = await runSegctl(['completion', shell]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/segctl['"]? complete/);
  });

  test('another shell is a usage error', async () => {
    const { status, stderr } = await runSegctl(['completion', 'tcsh']);
    expect(status).toBe(2);
    expect(stderr).toContain('bash, zsh, fish, powershell');
  });
});

describe('what is offered', () => {
  test.each([
    [['fetch', '--iso'], ['--isolation']],
    [
      ['fetch', '--isolation', ''],
      ['read_uncommitted', 'read_committed'],
    ],
    [['fetch', '--isolation', 'read_c'], ['read_committed']],
    [
      ['segments', 'ls', '--sort-by', ''],
      ['offset', 'size', 'records', 'created', 'timestamp'],
    ],
    [
      ['segments', 'ls', '--log-format', ''],
      ['text', 'json'],
    ],
    [['fetch', '--data-d'], ['--data-dir']],
    [['segm'], ['segments']],
    [['fetch', '--header'], ['--header']],
  ])('%j', async (words, expected) => {
    expect(await candidates(...words)).toEqual(expected);
  });

  test('every command, one a line', async () => {
    const { stdout } = await runSegctl(['--help']);
    const named = [...stdout.toString().matchAll(/^ {2}([a-z]+)(?: [[<].*?)? {2,}/gm)].map(
      ([, name]) => name,
    );
    const offered = await candidates('');
    expect(named.length).toBeGreaterThan(9);
    expect(offered).toEqual(expect.arrayContaining(named));
    for (const word of offered) expect(word).toMatch(/^[a-z]+$/);
  });
});
