import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCount, parseDuration, parseSize, parseTime } from '../../src/core/quantities.ts';
import { formatBytes, formatDuration, formatInstant } from '../../src/core/quantity-text.ts';
import { SegctlError } from '../../src/core/segctl-error.ts';

const NOW = Date.UTC(2026, 0, 31, 3, 0, 0, 250);

function usageError(run: () => unknown): SegctlError {
  try {
    const value = run();
    throw new Error(`no error but ${String(value)}`);
  } catch (error) {
    if (error instanceof SegctlError && error.exit === 'usage') {
      return error;
    }
    throw error;
  }
}

describe('durations', () => {
  it.each([
    ['90m', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1.5h', 5_400_000],
    ['1d12h', 129_600_000],
    ['250ms', 250],
    ['1m1ms', 60_001],
    ['0', 0],
    [' 3s ', 3000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text, '--max-age')).toBe(ms);
  });

  it.each([
    '',
    '7',
    '-7d',
    '7 d',
    '7D',
    '1M',
    '1y',
    '1.5ms',
    'd',
    '7d potatoes',
    '12h1d',
    '1h1h',
    '1e3s',
    'Infinity',
    'NaN',
    '٧d',
    '999999999999w',
    '0x10s',
    '1.d',
    '.5h',
  ])('"%s" is refused', (text) => {
    expect(usageError(() => parseDuration(text, '--max-age')).facts).toEqual({
      option: '--max-age',
      value: text,
    });
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000_000_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms), 'x')).toBe(ms);
      }),
    );
  });
});

describe('sizes', () => {
  it.each([
    ['500MB', 500_000_000n],
    ['10GiB', 10_737_418_240n],
    ['10Gi', 10_737_418_240n],
    ['1.5 GiB', 1_610_612_736n],
    ['1kb', 1000n],
    ['123', 123n],
    ['0', 0n],
    ['18446744073709551615', 18_446_744_073_709_551_615n],
    ['9007199254740993B', 9_007_199_254_740_993n],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text, '--max-size')).toBe(bytes);
  });

  it.each([
    '',
    '10G',
    '10 potatoes',
    '-1',
    '1.5',
    '0.1GiB',
    '1,000',
    '1e9',
    'GiB',
    '16EiB',
    'Infinity',
    '10GiBs',
    '18446744073709551616',
  ])('"%s" is refused', (text) => {
    expect(usageError(() => parseSize(text, '--max-size')).code).toBe('invalid-size');
  });

  it('tells an ambiguous unit from an unknown one', () => {
    expect(usageError(() => parseSize('10G', '--max-size')).message).toContain('GB or GiB');
  });

  it('are told exactly', () => {
    expect(formatBytes(10_737_418_240n)).toBe('10 GiB');
    expect(formatBytes(10_737_418_241n)).toBe('10.0 GiB (10737418241 B)');
    expect(formatBytes(1023n)).toBe('1023 B');
    expect(formatBytes(0n)).toBe('0 B');
  });
});

describe('counts', () => {
  it('are digits alone', () => {
    expect(parseCount('9223372036854775807', '--keep-offsets')).toBe(2n ** 63n - 1n);
    for (const text of ['', '-1', '1.0', '1_000', '9223372036854775808', '1M', ' ', '0x1']) {
      expect(usageError(() => parseCount(text, '--keep-offsets')).code).toBe('invalid-number');
    }
  });
});

describe('times', () => {
  it.each([
    ['2026-01-31T03:00:00Z', Date.UTC(2026, 0, 31, 3)],
    ['2026-01-31t03:00:00.1239z', Date.UTC(2026, 0, 31, 3, 0, 0, 123)],
    ['2026-01-31 05:30:00+02:30', Date.UTC(2026, 0, 31, 3)],
    ['2026-01-30T22:00:00-05:00', Date.UTC(2026, 0, 31, 3)],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['0001-01-01', -62_135_596_800_000],
    ['1769828400', 1_769_828_400_000],
    ['1769828400250', 1_769_828_400_250],
    ['0', 0],
    ['now', NOW],
    ['7d', NOW - 604_800_000],
  ])('%s is %d', (text, ms) => {
    expect(parseTime(text, NOW, '--at')).toBe(ms);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-29',
    '2026-13-01',
    '2026-01-31T03:00:00',
    '2026-01-31T24:00:00Z',
    '2026-01-31T03:60:00Z',
    '2026-01-31T03:00Z',
    '-5',
    '1769828400250000000',
    '9999999999999999',
    '2026-01-31T03:00:00+25:00',
    '7x',
    '0000-01-01T00:00:00+02:00',
    '2026-1-1',
    '12:00',
  ])('"%s" is refused', (text) => {
    expect(usageError(() => parseTime(text, NOW, '--at')).facts.option).toBe('--at');
  });

  it('are told also outside the calendar', () => {
    expect(formatInstant(NOW)).toBe('2026-01-31T03:00:00.250Z');
    expect(formatInstant(2n ** 63n - 1n)).toBe('9223372036854775807 ms since 1970');
  });
});

it('no text makes a number that is not one', () => {
  const amount = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9.eE+-]{1,12}[a-zA-Z ]{0,4}$/),
    fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+\d\d:\d\d)$/),
  );
  fc.assert(
    fc.property(amount, (text) => {
      for (const parse of [
        () => parseDuration(text, 'x'),
        () => parseSize(text, 'x'),
        () => parseCount(text, 'x'),
        () => parseTime(text, NOW, 'x'),
      ]) {
        try {
          const value = parse();
          expect(typeof value === 'bigint' || Number.isSafeInteger(value)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(SegctlError);
        }
      }
    }),
    { numRuns: 3000 },
  );
});
