import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../src/version.ts';
import { FIXTURE_DATA } from './support/fixture.ts';
import { cleanEnv } from './support/run-segctl.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((file) => join('docs', file))];

interface Example {
  readonly page: string;
  readonly line: number;
  readonly command: string;
  /** What `# exit 21` at the end of the line promises; 0 without it. */
  readonly status: number;
}

/** The `segctl` lines of every `sh` block, joined where they end in a backslash. */
function examples(page: string): Example[] {
  const found: Example[] = [];
  let isShell = false;
  let pending: { line: number; text: string } | undefined;
  for (const [i, text] of readFileSync(join(ROOT, page), 'utf8').split('\n').entries()) {
    if (text.startsWith('```')) isShell = text === '```sh';
    else if (isShell) {
      const line: string = pending === undefined ? text : `${pending.text.slice(0, -1)}${text}`;
      const start: number = pending?.line ?? i + 1;
      pending = line.endsWith('\\') ? { line: start, text: line } : undefined;
      if (pending === undefined && /(^|[ |])segctl /.test(line) && !line.startsWith('#')) {
        const status = Number(/# exit (\d+)$/.exec(line)?.[1] ?? 0);
        found.push({ page, line: start, command: line, status });
      }
    }
  }
  return found;
}

describe('every command in the docs runs as the docs say', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'segctl-docs-'));
    mkdirSync(join(folder, 'bin'));
    const node = process.env.SEGCTL_TEST_NODE ?? process.execPath;
    writeFileSync(
      join(folder, 'bin/segctl'),
      `#!/bin/sh\nexec "${node}" "${join(ROOT, 'bin/segctl.js')}" "$@"\n`,
    );
    chmodSync(join(folder, 'bin/segctl'), 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(PAGES)('%s', (page) => {
    const cwd = join(folder, page.replace(/\W/g, '-'));
    cpSync(FIXTURE_DATA, join(cwd, 'data'), { recursive: true });
    for (const { line, command, status } of examples(page)) {
      const result = spawnSync('bash', ['-o', 'pipefail', '-c', command], {
        cwd,
        env: cleanEnv({ PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}` }),
        encoding: 'utf8',
        input: '',
      });
      expect(result.status, `${page}:${line}: ${command}\n${result.stderr}`).toBe(status);
    }
  });

  test('the README has examples', () => {
    expect(examples('README.md').length).toBeGreaterThan(5);
  });
});

describe('what is generated or repeated is not stale', () => {
  test('the man page', () => {
    execFileSync(process.execPath, [join(ROOT, 'scripts/build-man.js'), '--check'], {
      stdio: 'pipe',
    });
  });

  test('the version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(VERSION).toBe(version);
  });

  test('no page names a local path or a registry host', () => {
    for (const page of [...PAGES, 'CHANGELOG.md', 'CONTRIBUTING.md']) {
      expect(readFileSync(join(ROOT, page), 'utf8'), page).not.toMatch(
        /\/work\/|\/root\/|registry\.npmjs/,
      );
    }
  });
});
