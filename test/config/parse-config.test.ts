import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/commands/program.ts';
import { flagCatalogue } from '../../src/config/command-flags.ts';
import type { ConfigFile } from '../../src/config/config-file.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { policyResolver, resolveSettings } from '../../src/core/retention/policy.ts';
import { SegctlError } from '../../src/core/segctl-error.ts';

/** The real command tree: its flags are what the file may name. */
const program = await buildProgram(
  { action: () => async () => {}, run: async () => 0 },
  { stdout: process.stdout, stderr: process.stderr },
);
const catalogue = flagCatalogue(program);

function parse(text: string): ConfigFile {
  return parseConfig(text, 'segctl.yaml', catalogue);
}

/** Every mistake as `line:column what`. */
function mistakes(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof SegctlError)) throw error;
    expect([error.code, error.exit]).toEqual(['config-invalid', 'usage']);
    const many = Object.entries(error.facts).filter(([name]) => name.startsWith('mistake'));
    const told = many.length > 0 ? many.map(([, fact]) => String(fact)) : [error.message];
    return told.map((one) => one.replace(/^.*?line (\d+), column (\d+): /, '$1:$2 '));
  }
  return [];
}

describe('what the file may say', () => {
  test('nothing, comments, and sections that are there but empty', () => {
    for (const text of [
      '',
      '# nothing\n',
      'defaults:\nretention:\nholds:\n',
      'retention:\n  topics:\n',
    ]) {
      expect(parse(text)).toMatchObject({ retention: {}, topics: [], holds: [] });
    }
  });

  test('the example of docs/config.md, with every section', () => {
    const page = readFileSync(new URL('../../docs/config.md', import.meta.url), 'utf8');
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const config = parse(example);
    expect(config.defaults.get('concurrency')).toBe('16');
    expect(config.defaults.get('progress')).toBe(false);
    expect([...config.commandDefaults.keys()]).toEqual(['fetch', 'segments ls', 'compact']);
    expect(config.retention).toEqual({
      maxAgeMs: 30 * 86_400_000,
      maxSizeBytes: 50n * 1024n ** 3n,
      keepOffsets: null,
    });
    expect(config.holds).toEqual([
      {
        topic: 'audit_log',
        partition: null,
        fromOffset: null,
        toOffset: null,
        untilMs: null,
        reason: 'legal case 2026-17',
      },
      {
        topic: 'payments-*',
        partition: 3,
        fromOffset: 100n,
        toOffset: 19_999n,
        untilMs: Date.UTC(2027, 0, 31),
        reason: 'inspection of the ledger',
      },
    ]);
  });

  test('the first pattern that matches a topic decides, and the rest comes from above', () => {
    const config = parse(`
retention:
  max-age: 30d
  keep-offsets: 5
  topics:
    - {topic: pay-eu*, max-age: 2d}
    - {topic: pay*, max-age: 1d, keep-offsets: off}
`);
    const policyOf = policyResolver(
      resolveSettings({ topics: config.topics, file: config.retention }),
    );
    const of = (topic: string) => {
      const { pattern, retention } = policyOf(topic);
      return [pattern, retention.maxAgeMs, retention.keepOffsets];
    };
    expect(of('pay-eu-1')).toEqual(['pay-eu*', 2 * 86_400_000, 5n]);
    expect(of('pay-us')).toEqual(['pay*', 86_400_000, null]);
    expect(of('orders')).toEqual([null, 30 * 86_400_000, 5n]);
  });

  test('integers beyond 2^53 keep their digits', () => {
    expect(parse('retention: {keep-offsets: 9007199254740993}').retention.keepOffsets).toBe(
      9007199254740993n,
    );
  });

  test.each(['off', 'false'])('%s switches a limit off', (word) => {
    expect(parse(`retention: {max-age: ${word}, max-size: ${word}}`).retention).toEqual({
      maxAgeMs: null,
      maxSizeBytes: null,
    });
    expect(mistakes(`defaults: {compact: {max-deletions: ${word}}}`)).toEqual([]);
  });
});

describe('mistakes have the line and the column where they are', () => {
  test.each([
    ['a: [\nb: 1\n', /^2:1 flow sequence/],
    ['a: 1\na: 2\n', /^2:1 map keys must be unique/],
    ['defaults: !special {}\n', /^1:11 unresolved tag/],
    ['- 1\n', /^1:1 the file: expected object/],
    ['a: &a [x]\nb: [*a, *c]\n', /^2:9 there is no anchor &c before this/],
    ['retention:\n  max-age: 7 days\n', /^2:12 retention.max-age: "7 days" is not a duration/],
    [
      'retention:\n  max-age: 7\n',
      /^2:12 retention.max-age: "7" is not a duration: a unit is missing/,
    ],
    ['retention:\n  max-size: 10G\n', /^2:13 retention.max-size: "10G" is not a size/],
    ['retention:\n  max-size: [1]\n', /^2:13 retention.max-size: expected a limit, or off/],
    ['retention:\n  keep-offsets: -1\n', /^2:17 retention.keep-offsets: "-1" is not a number/],
    ['retention:\n  strategy: tme\n', /^2:13 retention.strategy: "tme" is not one of time, size/],
    ['retention:\n  allow-gaps: maybe\n', /^2:15 retention.allow-gaps: expected boolean/],
    ['retention:\n  max-agee: 1d\n', /^2:3 there is no setting "retention.max-agee"/],
    [
      'retention:\n  strategy: time\n  max-size: 1GB\n',
      /^2:3 retention: strategy time does not look at max-size/,
    ],
    [
      'retention:\n  topics:\n    - topic: a[b]\n',
      /^3:14 retention.topics\[0\].topic: "a\[b\]" is not a topic pattern/,
    ],
    [
      'retention:\n  topics:\n    - max-age: 1d\n',
      /^3:7 retention.topics\[0\].topic: it is missing/,
    ],
    ['holds:\n  - topic: x\n', /^2:5 holds\[0\].reason: it is missing/],
    [
      'holds:\n  - {topic: x, reason: y, offsets: 5:2}\n',
      /^2:36 holds\[0\].offsets: "5:2" is not a range/,
    ],
    [
      'holds:\n  - {topic: x, reason: y, offsets: "-5:"}\n',
      /^2:36 holds\[0\].offsets: "-5:" is not a range/,
    ],
    [
      'holds:\n  - {topic: x, reason: y, until: 7d}\n',
      /^2:34 holds\[0\].until: "7d" is not a date/,
    ],
    [
      'holds:\n  - {topic: x, reason: y, partition: -1}\n',
      /^2:38 holds\[0\].partition: expected a partition/,
    ],
    ['defaults:\n  concurency: 3\n', /^2:3 no command has a flag --concurency/],
    ['defaults:\n  version: true\n', /^2:3 --version can have no default/],
    ['defaults:\n  config: other.yaml\n', /^2:3 --config can have no default/],
    ['defaults:\n  progress: perhaps\n', /^2:13 progress: it is true or false/],
    ['defaults:\n  count: true\n', /^2:10 count: it takes a value/],
    ['defaults:\n  count: [1, 2]\n', /^2:10 count: it takes one value/],
    ['defaults:\n  log-format: xml\n', /^2:15 log-format: it is one of text, json/],
    ['defaults:\n  max-age: 7x\n', /^2:12 max-age: "7x" is not a duration/],
    ['defaults:\n  fetsch: {count: 1}\n', /^2:3 there is no command "fetsch"/],
    ['defaults:\n  fetch:\n    strategy: time\n', /^3:5 fetch has no flag --strategy/],
    ['defaults:\n  fetch: 3\n', /^2:3 fetch is a command: its flags go below it/],
  ])('%j', (text, expected) => {
    const found = mistakes(text);
    expect(found[0]).toMatch(expected);
    expect(found).toHaveLength(1);
  });

  test('all of them at once, in the order of the file', () => {
    const found = mistakes(`defaults:
  concurency: 3
  fetch: {cont: 1}
retention:
  max-age: 7 days
  topics:
    - topic: "a b"
      max-sise: 1GB
holds:
  - topic: x
    until: tomorrow
extra: 1
`);
    expect(found.map((one) => one.split(' ')[0])).toEqual([
      ...['2:3', '3:11', '5:12', '7:14', '8:7', '10:5', '11:12', '12:1'],
    ]);
  });

  test('aliases that unfold without end are refused', () => {
    const bomb = ['a0: &a0 [x]'];
    for (let i = 1; i < 12; i++) bomb.push(`a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`);
    expect(mistakes(bomb.join('\n'))[0]).toMatch(/alias/i);
  });
});
