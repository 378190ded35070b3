import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { jsonLines, type RunResult, runSegctl } from '../support/run-segctl.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'segctl-config-'));
  cpSync(FIXTURE_DATA, join(cwd, 'data'), { recursive: true });
});
afterEach(() => rmSync(cwd, { recursive: true }));

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<RunResult> {
  return await runSegctl(args, { cwd, env });
}

function configure(text: string, path = 'data/segctl.yaml'): void {
  writeFileSync(join(cwd, path), text);
}

interface Setting {
  readonly command: string | null;
  readonly setting: string;
  readonly value: string | null;
  readonly origin: string;
}

/** A setting's value and origin, as `config show` has it. */
async function shown(
  setting: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
  command: string | null = null,
): Promise<[string | null, string]> {
  const result = await run(['config', 'show', ...args, '-f', 'jsonl'], env);
  expect(result.status, result.stderr).toBe(0);
  const found = jsonLines<Setting>(result).find(
    (one) => one.setting === setting && one.command === command,
  );
  return [found?.value ?? null, found?.origin ?? 'absent'];
}

describe('flag, environment, segctl.yaml, default', () => {
  test('the data folder', async () => {
    mkdirSync(join(cwd, 'other'));
    configure('defaults:\n  data-dir: other\n', 'my.yaml');
    const file = ['--config', 'my.yaml'];
    const env = { CHRONIK_DATA_DIR: 'from-env' };
    expect(await shown('data-dir')).toEqual(['./data', 'default']);
    expect(await shown('data-dir', file)).toEqual(['other', 'my.yaml:2']);
    expect(await shown('data-dir', file, env)).toEqual(['from-env', 'CHRONIK_DATA_DIR']);
    expect(await shown('data-dir', [...file, '--data-dir', 'x'], env)).toEqual(['x', '--data-dir']);
  });

  test('the store', async () => {
    configure('defaults:\n  store: /mnt/archive\n');
    const s3 = {
      OBJECT_STORE_BACKEND: 's3',
      S3_BUCKET: 'b',
      S3_ACCESS_KEY: 'AKID',
      S3_SECRET_KEY: 'hush',
    };
    expect(await shown('store.root')).toEqual(['/mnt/archive', 'data/segctl.yaml:2']);
    expect(await shown('store.bucket', [], s3)).toEqual(['b', 'S3_BUCKET']);
    expect(await shown('store.kind', [], s3)).toEqual(['s3', 'OBJECT_STORE_BACKEND']);
    expect(await shown('store.root', ['--store', '/x'], s3)).toEqual(['/x', '--store']);
  });

  test("one command's flags", async () => {
    configure('defaults:\n  limit: 2\n  segments ls: {sort-by: size, limit: 3}\n');
    const ids = async (...args: string[]) =>
      jsonLines<{ segmentId: string }>(await run(['segments', 'ls', ...args])).map(
        ({ segmentId }) => segmentId,
      );
    expect(await ids()).toEqual(['plain-0-0-159', 'audit_log-0-1-119', 'audit_log-1-1-119']);
    expect(await ids('--limit', '1')).toEqual(['plain-0-0-159']);
    expect(await ids('--sort-by', 'offset', '--limit', '1')).not.toEqual(['plain-0-0-159']);
    expect(await shown('limit', [], {}, 'segments ls')).toEqual(['3', 'data/segctl.yaml:3']);
  });

  test('a repeatable flag takes one value or a list', async () => {
    const offsets = async (header: string) => {
      configure(`defaults:\n  fetch:\n    header: ${header}\n    count: 1\n`);
      return jsonLines<{ offset: number }>(await run(['fetch', 'orders:1'])).map(
        (one) => one.offset,
      );
    };
    expect(await offsets('src=web')).toEqual(await offsets('[src=web]'));
    expect(await offsets('[src=web, src=app]')).toEqual([]);
  });

  test('flags that are commands\u2019 own do not disturb others', async () => {
    configure('defaults:\n  strategy: time\n  isolation: read_committed\n  compact: {yes: true}\n');
    expect((await run(['segments', 'ls'])).status).toBe(0);
    const committed = await run(['fetch', 'payments-txn:0']);
    const typed = ['fetch', 'payments-txn:0', '--isolation', 'read_committed'];
    expect(committed.stdout).toEqual((await run([...typed, '--config', '/dev/null'])).stdout);
  });

  test('colour', async () => {
    configure('defaults:\n  color: false\n');
    expect(await shown('color')).toEqual(['false', 'data/segctl.yaml:2']);
    expect(await shown('color', ['--no-color'])).toEqual(['false', '--no-color']);
    configure('');
    expect(await shown('color', [], { NO_COLOR: '1' })).toEqual(['false', 'NO_COLOR']);
  });

  test('retention: a flag, a topic, the section, the flag\u2019s default, the default', async () => {
    configure(
      'defaults: {max-age: 5d, keep-offsets: 7}\n' +
        'retention:\n  max-age: 4d\n  max-size: off\n  topics:\n    - {topic: plain, max-age: 400d}\n',
    );
    expect(await shown('max-age', [], {}, 'compact')).toEqual(['4d', 'data/segctl.yaml:3']);
    expect(await shown('keep-offsets', [], {}, 'compact')).toEqual(['7', 'data/segctl.yaml:1']);
    expect(await shown('max-size', [], {}, 'compact')).toEqual(['off', 'data/segctl.yaml:4']);
    expect(await shown('strategy', [], {}, 'compact')).toEqual(['hybrid', 'default']);
    expect(await shown('max-age of plain', [], {}, 'compact')).toEqual([
      '400d',
      'data/segctl.yaml:6',
    ]);
    const gone = async (...args: string[]) => {
      const clock = ['--at', '2026-12-01T12:00:00Z', '-f', 'json'];
      const { stdout } = await run(['compact', 'plan', ...clock, ...args]);
      const plan: { delete: { topic: string }[] } = JSON.parse(stdout.toString());
      return new Set(plan.delete.map(({ topic }) => topic));
    };
    const byFile = await gone();
    expect(byFile.has('plain')).toBe(false);
    expect(byFile.has('orders')).toBe(true);
    expect((await gone('--max-age', '1d')).has('plain')).toBe(true);
  });

  test('a hold keeps what the rules condemn', async () => {
    const at = ['--at', '2026-12-01T12:00:00Z'];
    const fate = async () => {
      const { stdout, stderr } = await run([
        'segments',
        'explain',
        'orders-0-0-1279',
        ...at,
        '-f',
        'json',
      ]);
      expect(stderr).toBe('');
      return stdout.toString();
    };
    expect(await fate()).not.toContain('legal case 7');
    configure('holds:\n  - {topic: ord*, partition: 0, offsets: "1279:", reason: legal case 7}\n');
    expect(await fate()).toContain('legal case 7');
    configure('holds:\n  - {topic: ord*, offsets: "1280:", reason: legal case 7}\n');
    expect(await fate()).not.toContain('legal case 7');
    configure('holds:\n  - {topic: ord*, until: 2026-11-30, reason: legal case 7}\n');
    expect(await fate()).not.toContain('legal case 7');
  });
});

describe('config show', () => {
  test('no format shows a secret, and none of its characters', async () => {
    const env = {
      OBJECT_STORE_BACKEND: 's3',
      S3_ACCESS_KEY: 'AKIDEXAMPLE',
      S3_SECRET_KEY: 'wJalrXUtnFEMI',
      S3_SESSION_TOKEN: 'FwoGZXIvYXdzE',
    };
    for (const format of ['table', 'wide', 'json', 'jsonl', 'csv']) {
      const { stdout, stderr, status } = await run(['config', 'show', '-v', '-f', format], env);
      expect(status).toBe(0);
      expect(stdout.toString()).toContain('***');
      expect(stdout + stderr).not.toMatch(/AKIDEXAMPLE|wJalrXUtnFEMI|FwoGZXIvYXdzE/);
    }
  });

  test('as JSON it is an array of command, setting, value and origin', async () => {
    const { stdout } = await run(['config', 'show', '-f', 'json']);
    const rows: Setting[] = JSON.parse(stdout.toString());
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows)
      expect(Object.keys(row)).toEqual(['command', 'setting', 'value', 'origin']);
  });
});

describe('mistakes', () => {
  test('a file that is named must be there and be readable; /dev/null is no file', async () => {
    configure('nonsense: 1\n');
    const missing = await run(['segments', 'ls', '--config', 'nope.yaml']);
    expect([missing.status, missing.stdout.length]).toEqual([2, 0]);
    expect(missing.stderr).toContain('there is no configuration file nope.yaml');
    const isFolder = await run(['segments', 'ls', '--config', '.']);
    expect(isFolder.status).toBe(2);
    expect(isFolder.stderr).toContain('next: name a file');
    expect((await run(['segments', 'ls', '--config', '/dev/null'])).status).toBe(0);
  });

  test.each([
    ['defaults:\n  concurrency: many\n', ['segments', 'ls'], 2, 16],
    ['defaults:\n  at: yesterday\n', ['segments', 'ls'], 2, 7],
    ['defaults:\n  store: gs://x\n', ['segments', 'ls'], 2, 10],
    ['defaults:\n  fetch:\n    offset: 5:2\n', ['fetch', 'orders:0'], 3, 13],
    ['defaults:\n  fetch:\n    max-unpacked: 10G\n', ['fetch', 'orders:0'], 3, 19],
    ['defaults:\n  format: xml\n', ['segments', 'ls'], 2, 11],
    ['defaults:\n  compact:\n    grace: soon\n', ['compact', '--dry-run'], 3, 12],
  ])('%j: the value fails as the flag would, with its place', async (text, args, line, column) => {
    configure(text);
    const { status, stdout, stderr } = await run([...args, '-v']);
    expect(status).toBe(2);
    expect(stdout).toHaveLength(0);
    expect(stderr).toContain(`segctl: data/segctl.yaml: line ${line}, column ${column}: `);
    expect(stderr).toContain('next: ');
  });

  test('what was typed is not blamed on the file', async () => {
    configure('defaults:\n  concurrency: 3\n');
    const { status, stderr } = await run(['segments', 'ls', '--concurrency', 'many']);
    expect(status).toBe(2);
    expect(stderr).not.toContain('segctl.yaml');
  });

  test('every mistake at once, on stderr as JSON where JSON is asked for', async () => {
    configure('extra: 1\ndefaults:\n  fetch: {cont: 1}\n');
    const { status, stdout, stderr } = await run(['fetch', 'orders:0', '-f', 'json']);
    expect([status, stdout.length]).toEqual([2, 0]);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({
      code: 'config-invalid',
      exitCode: 2,
      facts: {
        mistake1: expect.stringContaining('line 1'),
        mistake2: expect.stringContaining('line 3'),
      },
    });
  });
});
