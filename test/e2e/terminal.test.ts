import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { Terminal } from '../support/terminal.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'segctl-terminal-'));
  cpSync(FIXTURE_DATA, join(folder, 'data'), { recursive: true });
  // A fetch that lasts: one archive stands for the same offsets of many partitions.
  const path = join(folder, 'data/segment_index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  const [entry] = index['click-events-0'];
  for (let partition = 1; partition < 2000; partition++) {
    const id = `click-events-${partition}-0-24999`;
    index[`click-events-${partition}`] = [{ ...entry, partition, segment_id: id }];
  }
  writeFileSync(join(folder, 'long.json'), JSON.stringify(index));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(line: string, options: { columns?: number; env?: Record<string, string> } = {}) {
  return new Terminal(line, { cwd: folder, ...options });
}

describe('Ctrl-C', () => {
  test('stops a fetch to a file, leaves no part of it, and the terminal as it was', async () => {
    const terminal = run(
      'trap : INT; before=$(stty -g); segctl fetch click-events --index long.json -o out.jsonl; status=$?; ' +
        'test "$(stty -g)" = "$before" && echo same terminal; exit $status',
    );
    await terminal.sees(/fetching\s+[\d,]+ offsets/);
    terminal.type('\x03');
    const { status, lines } = await terminal.end();
    expect(status).toBe(130);
    expect(lines).toContain('segctl: interrupted: nothing whole was written');
    expect(lines).toContain('same terminal');
    expect(readdirSync(folder).sort()).toEqual(['data', 'long.json']);
    // The cursor that the live line hid is back.
    const { shown } = terminal;
    expect(shown.lastIndexOf('\x1b[?25h')).toBeGreaterThan(shown.lastIndexOf('\x1b[?25l'));
  });

  test('tells how to go on after a fetch to the terminal', async () => {
    const terminal = run("segctl fetch click-events --index long.json -f '%p:%o\\n'");
    await terminal.sees(/\d+:24999/);
    terminal.type('\x03');
    const { status, lines } = await terminal.end();
    expect(status).toBe(130);
    const next = lines.find((line) => line.startsWith('next: '));
    expect(next).toMatch(/^next: go on with: segctl fetch click-events:\d+/);
  });
});

describe('what a terminal shows', () => {
  test.each([80, 60])('segments ls fits %d columns', async (columns) => {
    const { status, lines } = await run('segctl segments ls', { columns }).end();
    expect(status).toBe(0);
    expect(lines.find((line) => line.startsWith('click'))).toMatch(/^click\S*-24999 +0-24999 /);
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  });

  test("what records hold can't command the terminal", async () => {
    for (const format of ['table', 'jsonl', 'csv', 'hex', "'%k %s\\n'"]) {
      const terminal = run(`segctl fetch edge.cases:0 --offset :20 --no-color -f ${format}`);
      const { status } = await terminal.end();
      expect(status, format).toBe(0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      expect(terminal.shown, format).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]/);
    }
  });

  test('--raw is refused before anything is read', async () => {
    const { status, lines } = await run('segctl fetch orders:0 --raw').end();
    expect(status).toBe(2);
    expect(lines).toContain('next: add -o FILE, or pipe it on');
  });

  test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])(
    '%j: not a single control sequence',
    async (env) => {
      const terminal = run(
        'segctl segments ls; segctl fetch click-events:0 -o /dev/null; segctl x',
        { env },
      );
      await terminal.end();
      expect(terminal.shown).toContain("unknown command 'x'");
      expect(terminal.shown).not.toContain('\x1b');
    },
  );

  test('log lines stand by themselves above the live line', async () => {
    const terminal = run('segctl fetch click-events --index long.json -o /dev/null');
    await terminal.sees(/fetching[^\n]*[\s\S]*warn:[^\n]*[\s\S]*fetching/);
    terminal.type('\x03');
    const { lines } = await terminal.end();
    const warnings = lines.filter((line) => line.includes('warn:'));
    expect(warnings.length).toBeGreaterThan(0);
    for (const line of warnings)
      expect(line).toMatch(/^warn: no record is archived .* offsets=2000$/);
  });
});

test('the demo leaves nothing behind', async () => {
  const terminal = run('segctl demo', { env: { TMPDIR: folder } });
  const { status, lines } = await terminal.end();
  expect(status).toBe(0);
  expect(lines.filter((line) => line.startsWith('$ segctl '))).toHaveLength(4);
  expect(lines).toContain('(exit status 21)');
  expect(readdirSync(folder).filter((name) => name.startsWith('segctl-'))).toEqual([]);
  expect(existsSync(join(folder, 'data'))).toBe(true);
});
