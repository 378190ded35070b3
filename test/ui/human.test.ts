import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  humanCount,
  humanDuration,
  humanSize,
  humanTime,
  humanTimeRange,
  plural,
} from '../../src/ui/human.ts';
import { rangeBar } from '../../src/ui/range-bar.ts';
import { rfc3339 } from '../../src/ui/rfc3339.ts';

describe('human', () => {
  it('sizes in binary units', () => {
    expect([0, 1023, 1024, 6_197_084, 2n ** 64n - 1n].map(humanSize)).toEqual([
      '0 B',
      '1023 B',
      '1 KiB',
      '5.91 MiB',
      '16 EiB',
    ]);
  });

  it('counts in thousands', () => {
    expect([0, 999, 1000, 1_234_567n, -1000].map(humanCount)).toEqual([
      '0',
      '999',
      '1,000',
      '1,234,567',
      '-1,000',
    ]);
    expect(plural(1n, 'entry', 'entries')).toBe('1 entry');
    expect(plural(1234, 'segment')).toBe('1,234 segments');
  });

  it('durations by their two largest units', () => {
    const shown = [0, 240, 1500, 90_000, 273_600_000, -90_000, 34_560_000_000n].map(humanDuration);
    expect(shown).toEqual(['0ms', '240ms', '1.5s', '1m 30s', '3d 4h', '-1m 30s', '400d']);
  });

  it('times in UTC, exact or unknown', () => {
    expect(humanTime(1_763_800_000_123n)).toBe('2025-11-22T08:26:40Z');
    expect(humanTime(-1, 'ms')).toBe('1969-12-31T23:59:59.999Z');
    expect(humanTime(-(2n ** 63n))).toBe('unknown');
    expect(humanTime(2n ** 63n - 1n)).toBe('9223372036854775807 ms');
    expect(humanTimeRange(1_763_800_000_000, 1_763_803_600_000)).toBe(
      '2025-11-22T08:26:40Z to 09:26:40Z (1h)',
    );
    expect(humanTimeRange(0, 1_763_803_600_000)).toMatch(/^1970-01-01T00:00:00Z to 2025-11-22T/);
  });

  it('has an RFC 3339 form exactly for the years it can write', () => {
    expect(rfc3339(253_402_300_799_999n)).toBe('9999-12-31T23:59:59.999Z');
    expect(rfc3339(253_402_300_800_000n)).toBeNull();
    expect(rfc3339(-62_167_219_200_000n)).toBe('0000-01-01T00:00:00.000Z');
    expect(rfc3339(-62_167_219_200_001n)).toBeNull();
  });
});

describe('rangeBar', () => {
  const whole = { first: 0n, last: 9999n };

  it.each([
    [
      [
        [0, 3999],
        [6000, 9999],
      ],
      '[====  ====]',
    ],
    [
      [
        [6000, 9999],
        [0, 3999],
        [100, 200],
      ],
      '[====  ====]',
    ],
    [[[0, 9999]], '[==========]'],
    [
      [
        [0, 4499],
        [4501, 9999],
      ],
      '[====-=====]',
    ],
    [[[5, 5]], '[-         ]'],
    [[], '[          ]'],
    [[[-50, 20_000]], '[==========]'],
    [
      [
        [0, 999],
        [1000, 9999],
      ],
      '[==========]',
    ],
  ])('%j', (ranges, expected) => {
    const given = ranges.map(([first = 0, last = 0]) => ({
      first: BigInt(first),
      last: BigInt(last),
    }));
    expect(rangeBar(given, whole, 10)).toBe(expected);
  });

  it('shows more columns than there are offsets, and nothing of nothing', () => {
    expect(rangeBar([{ first: 0n, last: 0n }], { first: 0n, last: 1n }, 6)).toBe('[===   ]');
    expect(rangeBar([], { first: 1n, last: 0n }, 6)).toBe('[]');
  });

  it('agrees with counting every offset', () => {
    const range = fc.record({ first: fc.nat(60), length: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(range), fc.integer({ min: 1, max: 30 }), (given, width) => {
        const size = 60;
        const covered = Array.from({ length: size }, (_, i) =>
          given.some(({ first, length }) => i >= first && i <= first + length),
        );
        const expected = Array.from({ length: width }, (_, column) => {
          const from = Math.floor((size * column) / width);
          const cell = covered.slice(from, Math.floor((size * (column + 1)) / width));
          return cell.every(Boolean) ? '=' : cell.some(Boolean) ? '-' : ' ';
        });
        const ranges = given.map(({ first, length }) => ({
          first: BigInt(first),
          last: BigInt(first + length),
        }));
        const bar = rangeBar(ranges, { first: 0n, last: 59n }, width);
        expect(bar).toBe(`[${expected.join('')}]`);
      }),
    );
  });
});
