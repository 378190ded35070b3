import { describe, expect, it } from 'vitest';
import { formatBudget, isWithinBudget, parseBudget } from '../../../src/core/retention/budget.ts';
import { resolvePolicy, resolveSettings } from '../../../src/core/retention/policy.ts';
import {
  parseMaxDeletions,
  parseRetentionOptions,
} from '../../../src/core/retention/policy-options.ts';
import { topicMatcher } from '../../../src/core/retention/topic-glob.ts';

const usage = (code: string) => expect.objectContaining({ exit: 'usage', code });

describe('the defaults', () => {
  it('are hybrid, 7 days, 10 GiB, 1,000,000 offsets, 100 deletions a run', () => {
    expect(resolveSettings({})).toEqual({
      default: {
        strategy: 'hybrid',
        maxAgeMs: 604_800_000,
        maxSizeBytes: 10_737_418_240n,
        keepOffsets: 1_000_000n,
        combine: 'any',
        ageBy: 'created',
        allowGaps: false,
      },
      topics: [],
      holds: [],
      maxDeletions: 100,
      maxDelete: null,
      includeLive: false,
    });
  });
});

describe('options', () => {
  it('are parsed to the unit, and false switches a limit off', () => {
    expect(
      parseRetentionOptions({
        strategy: 'hybrid',
        maxAge: '36h',
        maxSize: '500MB',
        keepOffsets: false,
        combine: 'all',
        ageBy: 'record',
        allowGaps: true,
      }),
    ).toEqual({
      strategy: 'hybrid',
      maxAgeMs: 129_600_000,
      maxSizeBytes: 500_000_000n,
      keepOffsets: null,
      combine: 'all',
      ageBy: 'record',
      allowGaps: true,
    });
    expect(parseRetentionOptions({})).toEqual({});
    expect(parseMaxDeletions('7')).toBe(7);
    expect(parseMaxDeletions(false)).toBeNull();
  });

  it.each([
    [{ strategy: 'fifo' }, 'invalid-choice'],
    [{ combine: '' }, 'invalid-choice'],
    [{ ageBy: 'mtime' }, 'invalid-choice'],
    [{ maxAge: '7' }, 'invalid-duration'],
    [{ maxSize: '10 potatoes' }, 'invalid-size'],
    [{ keepOffsets: '-1' }, 'invalid-number'],
    [{ strategy: 'time', maxSize: '1GiB' }, 'limit-without-effect'],
    [{ strategy: 'offset', maxAge: '1d' }, 'limit-without-effect'],
  ])('%j is the usage error %s', (options, code) => {
    expect(() => parseRetentionOptions(options)).toThrow(usage(code));
  });

  it('leave no single-limit strategy without its limit', () => {
    for (const [strategy, limit] of [
      ['time', 'maxAgeMs'],
      ['size', 'maxSizeBytes'],
      ['offset', 'keepOffsets'],
    ] as const) {
      expect(() => resolveSettings({ flags: { strategy, [limit]: null } })).toThrow(
        usage('strategy-without-limit'),
      );
    }
    expect(() => resolveSettings({ flags: { strategy: 'hybrid', maxAgeMs: null } })).not.toThrow();
  });
});

describe('the policy of a topic', () => {
  const settings = resolveSettings({
    file: { maxAgeMs: 1000, allowGaps: true },
    topics: [
      { topic: 'payments-*', retention: { maxAgeMs: null } },
      { topic: 'pay*', retention: { maxAgeMs: 5 } },
      { topic: 'audit_log', retention: { strategy: 'offset', keepOffsets: 9n } },
    ],
    flags: { combine: 'all' },
  });

  it('is that of the first pattern that matches, over the file, over the defaults', () => {
    expect(resolvePolicy('payments-eu', settings)).toMatchObject({
      pattern: 'payments-*',
      retention: { maxAgeMs: null, maxSizeBytes: 10n * 2n ** 30n, allowGaps: true },
    });
    expect(resolvePolicy('payroll', settings).retention.maxAgeMs).toBe(5);
    expect(resolvePolicy('orders', settings)).toMatchObject({
      pattern: null,
      retention: { maxAgeMs: 1000, combine: 'all' },
    });
  });

  it('has flags above all', () => {
    expect(resolvePolicy('payments-eu', settings).retention.combine).toBe('all');
    const flagged = resolveSettings({
      topics: [{ topic: '*', retention: { maxAgeMs: 5 } }],
      flags: { maxAgeMs: 6 },
    });
    expect(resolvePolicy('orders', flagged).retention.maxAgeMs).toBe(6);
  });

  it('looks only at its strategy’s limit', () => {
    expect(resolvePolicy('audit_log', settings).retention).toMatchObject({
      maxAgeMs: null,
      maxSizeBytes: null,
      keepOffsets: 9n,
    });
  });
});

describe('topic patterns', () => {
  it('match whole names', () => {
    expect(topicMatcher('orders-*')('orders-eu')).toBe(true);
    expect(topicMatcher('orders-*')('my-orders-eu')).toBe(false);
    expect(topicMatcher('orders')('orders-eu')).toBe(false);
    expect(topicMatcher('edge.cases')('edgeXcases')).toBe(false);
    expect(topicMatcher('a?c')('abc')).toBe(true);
    expect(topicMatcher('a?c')('ac')).toBe(false);
    expect(topicMatcher('*')('')).toBe(true);
  });

  it.each(['', '!orders', 'o[rd]ers', '{a,b}', 'a b', '^a', 'a\\*'])('"%s" is refused', (glob) => {
    expect(() => topicMatcher(glob)).toThrow(usage('invalid-topic-pattern'));
    expect(() => resolveSettings({ topics: [{ topic: glob, retention: {} }] })).toThrow(
      usage('invalid-topic-pattern'),
    );
  });
});

describe('budgets', () => {
  it.each([
    ['5%', { kind: 'share', millionths: 50_000n }],
    ['0.0001%', { kind: 'share', millionths: 1n }],
    ['100%', { kind: 'share', millionths: 1_000_000n }],
    ['50GiB', { kind: 'bytes', bytes: 50n * 2n ** 30n }],
    ['12', { kind: 'segments', segments: 12n }],
  ])('%s', (text, budget) => {
    expect(parseBudget(text)).toEqual(budget);
    expect(parseBudget(formatBudget(parseBudget(text)))).toEqual(budget);
  });

  it.each(['', '%', '101%', '-5%', '5.12345%', '5 %%', 'five', '1.5'])(
    '"%s" is refused',
    (text) => {
      expect(() => parseBudget(text)).toThrow(expect.objectContaining({ exit: 'usage' }));
    },
  );

  it('count a share of bytes exactly', () => {
    const use = { deleteSegments: 1, deleteBytes: 2n ** 60n, totalBytes: 2n ** 60n * 20n };
    expect(isWithinBudget(parseBudget('5%'), use)).toBe(true);
    expect(isWithinBudget(parseBudget('4.9999%'), use)).toBe(false);
    expect(isWithinBudget(parseBudget('5%'), { ...use, deleteBytes: 2n ** 60n + 1n })).toBe(false);
    expect(isWithinBudget(parseBudget('0%'), { ...use, deleteBytes: 0n })).toBe(true);
  });
});
