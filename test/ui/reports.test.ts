import { describe, expect, it } from 'vitest';
import { SegctlError } from '../../src/core/segctl-error.ts';
import { renderError } from '../../src/ui/error-report.ts';
import { createLogger, type LogLevel } from '../../src/ui/log.ts';

const error = new SegctlError('the archive is damaged', {
  code: 'archive-damaged',
  exit: 'archiveDamaged',
  facts: { objectStorePath: '/data/evil\u001b[2J', byte: 2n ** 60n, found: null },
  remedy: 'segctl verify orders:0',
  cause: new Error('crc differs'),
});
const text = { format: 'text', verbose: false, color: false } as const;
const json = { format: 'json', verbose: false, color: false } as const;

describe('renderError', () => {
  it('gives headline, facts and the next step', () => {
    expect(renderError(error, text)).toBe(
      [
        'segctl: the archive is damaged',
        '  object store path  /data/evil\\x1b[2J',
        '  byte               1152921504606846976',
        '  found              null',
        'next: segctl verify orders:0',
        '',
      ].join('\n'),
    );
  });

  it('names the causes when verbose, also of a chain that leads back to itself', () => {
    expect(renderError(error, { ...text, verbose: true })).toContain(
      'caused by: Error: crc differs',
    );
    const loop = new Error('loop');
    loop.cause = loop;
    expect(renderError(loop, { ...text, verbose: true })).toContain('caused by: Error: loop');
  });

  it('is one line of JSON', () => {
    const report = renderError(error, json);
    expect(report.trimEnd()).not.toContain('\n');
    expect(JSON.parse(report)).toEqual({
      error: {
        code: 'archive-damaged',
        message: 'the archive is damaged',
        exitCode: 24,
        facts: { objectStorePath: '/data/evil\u001b[2J', byte: '1152921504606846976', found: null },
        remedy: 'segctl verify orders:0',
      },
    });
  });

  it('calls anything else a defect, with the stack only when verbose', () => {
    const defect = new TypeError('x is undefined');
    const brief = renderError(defect, text);
    expect(brief).toMatch(/^segctl: internal error: TypeError: x is undefined\nnext: .*report/);
    expect(brief).not.toContain('reports.test.ts');
    expect(renderError(defect, { ...text, verbose: true })).toContain('reports.test.ts');
    expect(JSON.parse(renderError('a thrown string', json)).error).toMatchObject({
      code: 'internal-error',
      exitCode: 1,
    });
  });
});

function logged(level: LogLevel, format: 'text' | 'json', now?: () => number): string[] {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLogger({ level, format, write, ...(now && { now }) });
  log.debug('reading', { bytes: 17 });
  log.info('plan made', { segments: 3n, path: '/a b', note: 'x\ny', empty: '' });
  log.warn('entry skipped', { key: 'evil\u001b[2J' });
  log.error('failed', { time: 'mine' });
  return lines;
}

describe('createLogger', () => {
  it('writes a line a message with its facts, never more than a line', () => {
    expect(logged('info', 'text')).toEqual([
      'info: plan made segments=3 path="/a b" note="x\\ny" empty=""\n',
      'warn: entry skipped key=evil\\x1b[2J\n',
      'error: failed time=mine\n',
    ]);
  });

  it('carries the time where a clock is given', () => {
    expect(logged('error', 'text', () => 1_763_800_000_000)).toEqual([
      '2025-11-22T08:26:40.000Z error failed time=mine\n',
    ]);
  });

  it('is silent below its level', () => {
    expect(logged('debug', 'text')).toHaveLength(4);
    expect(logged('warn', 'text')).toHaveLength(2);
  });

  it('writes JSON in which no fact hides time, level or message', () => {
    const lines = logged('info', 'json', () => 1_763_800_000_000).map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({
      time: '2025-11-22T08:26:40.000Z',
      level: 'info',
      message: 'plan made',
      segments: 3,
      path: '/a b',
      note: 'x\ny',
      empty: '',
    });
    expect(lines[2]).toMatchObject({ time: '2025-11-22T08:26:40.000Z', time_: 'mine' });
  });
});
