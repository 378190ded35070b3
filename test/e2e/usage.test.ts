import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { cleanEnv, runSegctl } from '../support/run-segctl.ts';

const DATA = ['--data-dir', FIXTURE_DATA];

const MISTAKES: readonly (readonly [args: string, code: string, message: string])[] = [
  ['bogus', 'unknown-command', "unknown command 'bogus'"],
  ['segments lss', 'unknown-command', "unknown command 'lss'"],
  ['segments ls --ofset 3', 'unknown-option', "unknown option '--ofset'"],
  ['segments ls --limit', 'option-missing-argument', "option '--limit <n>' argument missing"],
  ['segments ls --sort-by x', 'invalid-argument', 'allowed choices are offset, size'],
  ['segments show', 'missing-argument', "missing required argument 'segment'"],
  ['fetch', 'missing-argument', "missing required argument 'partition'"],
  ['demo more', 'excess-arguments', "too many arguments for 'demo'"],
  ['segments ls --limit 1e3', 'invalid-number', '"1e3" is not a number'],
  ['segments ls --larger-than 10G', 'invalid-size', '"10G" is not a size'],
  ['segments ls --from yesterday', 'invalid-time', '"yesterday" is not a time'],
  ['segments ls orders:x', 'invalid-selection', 'not a TOPIC or TOPIC:PARTITION'],
  ['segments ls --concurrency 0', 'invalid-number', '--concurrency needs a number from 1'],
  ['segments ls --at noon', 'invalid-time', '"noon" is not a time'],
];

describe('a line that can not be understood ends with 2, and says what to do', () => {
  test.each(MISTAKES)('%s', async (args, code, message) => {
    const words = [...args.split(' '), ...DATA];
    const text = await runSegctl(words);
    expect([text.status, text.stdout.length]).toEqual([2, 0]);
    expect(text.stderr).toMatch(/^segctl: /);
    expect(text.stderr).toContain(message);
    expect(text.stderr).toMatch(/^next: \S/m);
    const json = await runSegctl([...words, '--format', 'json']);
    expect([json.status, json.stdout.length]).toEqual([2, 0]);
    expect(JSON.parse(json.stderr).error).toMatchObject({ code, exitCode: 2 });
  });

  test('a near miss is named', async () => {
    expect((await runSegctl(['segments', 'lss'])).stderr).toContain('did you mean ls?');
    expect((await runSegctl(['fetch', 'x', '--ofset', '1'])).stderr).toContain(
      'did you mean --offset?',
    );
  });

  test('help is no error, and no command at all is', async () => {
    const help = await runSegctl(['fetch', '--help']);
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout.toString()).toMatch(
      /--format <format> +table, wide, json, jsonl, csv, hex, dump/,
    );
    const none = await runSegctl([]);
    expect([none.status, none.stdout.length]).toEqual([2, 0]);
    expect(none.stderr).toContain('Exit status:');
  });

  test.each(['--help', 'fetch --help', 'compact --help', 'segments ls --help'])(
    '%s fits 80 columns',
    async (args) => {
      const { stdout } = await runSegctl(args.split(' '));
      const long = stdout
        .toString()
        .split('\n')
        .filter((line) => line.length > 80);
      expect(long).toEqual([]);
    },
  );
});

describe('an index that can not be used', () => {
  test.each([
    ['missing', null, 'there is no segment index', 1],
    ['empty', '', 'next: ', 1],
    ['cut', '{"orders-0": [{', 'line 1', 1],
    ['of another kind', '[]', 'line 1', 1],
  ])('%s', async (_name, content, expected, status) => {
    const folder = mkdtempSync(join(tmpdir(), 'segctl-index-'));
    if (content !== null) writeFileSync(join(folder, 'segment_index.json'), content);
    const result = await runSegctl(['segments', 'ls', '--data-dir', folder]);
    expect([result.status, result.stdout.length]).toEqual([status, 0]);
    expect(result.stderr).toContain(expected);
    expect(result.stderr).toContain('next: ');
    rmSync(folder, { recursive: true });
  });

  test('without entries it is an empty list, in every format', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'segctl-index-'));
    writeFileSync(join(folder, 'segment_index.json'), '{}');
    const list = (format: string) =>
      runSegctl(['segments', 'ls', '--data-dir', folder, '-f', format]);
    expect((await list('json')).stdout.toString().replace(/\s/g, '')).toBe('[]');
    expect((await list('jsonl')).stdout.toString()).toBe('');
    expect((await list('table')).stdout.toString()).toBe('no segment matches\n');
    rmSync(folder, { recursive: true });
  });
});

describe('streams that give out', () => {
  const bin = fileURLToPath(new URL('../../bin/segctl.js', import.meta.url));
  const node = process.env.SEGCTL_TEST_NODE ?? process.execPath;

  test.each([
    '--help',
    'segments ls',
    'segments ls -f json',
    'fetch orders:0',
    'fetch orders:0 --raw',
  ])('%s into a full disk fails', (args) => {
    const full = openSync('/dev/full', 'w');
    const words = [bin, ...args.split(' '), ...DATA];
    const result = spawnSync(node, words, {
      env: cleanEnv(),
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(result.status, result.stderr).toBe(1);
    expect(result.stderr).toContain('ENOSPC');
    expect(result.stderr).toContain('free some space');
  });

  test.each(['segments ls', 'fetch click-events', '--help'])('%s | head ends quietly', (args) => {
    const line = `"$NODE" "$BIN" ${args} --data-dir "$DATA" | head -1 | wc -l; echo "\${PIPESTATUS[0]}"`;
    const env = { NODE: node, BIN: bin, DATA: FIXTURE_DATA };
    const result = spawnSync('bash', ['-c', line], { env: cleanEnv(env), encoding: 'utf8' });
    expect(result.stdout.trim().split(/\s+/)).toEqual(['1', '0']);
    expect(result.stderr).toBe('');
  });

  test('closed streams harm nothing', () => {
    const line = '"$NODE" "$BIN" segments ls --data-dir "$DATA" <&- 2>&- | wc -l';
    const env = { NODE: node, BIN: bin, DATA: FIXTURE_DATA };
    const result = spawnSync('bash', ['-c', line], { env: cleanEnv(env), encoding: 'utf8' });
    expect(result.stdout.trim()).toBe('9');
  });
});
