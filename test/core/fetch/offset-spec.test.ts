import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseOffsetSpec } from '../../../src/core/fetch/offset-spec.ts';
import { SegctlError } from '../../../src/core/segctl-error.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const parse = (text: string) => parseOffsetSpec(text, NOW);
const offset = (value: bigint) => ({ kind: 'offset', offset: value });
const time = (timestampMs: number) => ({ kind: 'time', timestampMs });
const START = { kind: 'start', plus: 0n };

describe('parseOffsetSpec', () => {
  test('a bare offset is the very one that is asked for; a range is a window', () => {
    expect(parse('4711')).toEqual({ start: offset(4711n), end: null, exact: true });
    expect(parse('4711:')).toEqual({ start: offset(4711n), end: null, exact: false });
    expect(parse('9223372036854775807').start).toEqual(offset(2n ** 63n - 1n));
  });

  test('ranges', () => {
    expect(parse('5:9')).toEqual({ start: offset(5n), end: offset(9n), exact: false });
    expect(parse(':9')).toEqual({ start: START, end: offset(9n), exact: false });
    expect(parse('+5:-2')).toEqual({
      start: { kind: 'start', plus: 5n },
      end: { kind: 'end', minus: 2n },
      exact: false,
    });
    expect(parse(':end').end).toEqual({ kind: 'end', minus: 0n });
  });

  test('times, whose own colons part nothing', () => {
    const iso = '2026-01-31T03:04:05Z';
    const ms = Date.parse(iso);
    expect(parse(`@${iso}`)).toEqual({ start: time(ms), end: null, exact: false });
    expect(parse(`@${iso}:`)).toEqual({ start: time(ms), end: null, exact: false });
    expect(parse(`@${iso}:2026-02-01T00:00:00+02:00`).end).toEqual(
      time(Date.parse('2026-01-31T22:00:00Z')),
    );
    expect(parse(`@:${iso}`)).toEqual({ start: START, end: time(ms), exact: false });
    expect(parse('@2h:1h')).toEqual({
      start: time(NOW - 7_200_000),
      end: time(NOW - 3_600_000),
      exact: false,
    });
    expect(parse('@1763800000000:1763900000').end).toEqual(time(1763900000000));
    expect(parse('@2026-01-31:end').end).toEqual({ kind: 'end', minus: 0n });
  });

  test('every range of offsets reads back as it was written', () => {
    const int64 = fc.bigInt(0n, 2n ** 63n - 1n);
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(parse(`${low}:${high}`)).toEqual({
          start: offset(low),
          end: offset(high),
          exact: false,
        });
      }),
    );
  });

  test('anything else is a usage error, never another offset', () => {
    const form = /^(start|beginning|end|[+-]?\d{1,19})?(:(start|beginning|end|[+-]?\d{1,19})?)?$/;
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        fc.pre(!form.test(text) && !text.startsWith('@') && !text.includes(':@'));
        expect(() => parse(text)).toThrow(SegctlError);
      }),
    );
  });
});
