import { parseTime } from '../quantities.ts';
import { SegctlError } from '../segctl-error.ts';

/** A place in a partition, before the partition is known. */
export type OffsetBound =
  | { readonly kind: 'offset'; readonly offset: bigint }
  /** `plus` offsets after the first archived one. */
  | { readonly kind: 'start'; readonly plus: bigint }
  /** `minus` offsets before the end, which is the last archived offset plus one. */
  | { readonly kind: 'end'; readonly minus: bigint }
  /** The first offset whose record has this timestamp (epoch ms) or a later one, as in ListOffsets. */
  | { readonly kind: 'time'; readonly timestampMs: number };

export interface OffsetSpec {
  readonly start: OffsetBound;
  /** Exclusive; null reads to the end of what is archived. */
  readonly end: OffsetBound | null;
  /**
   * True for a bare `N`: the person asks for that very offset, so when it can't be had the answer
   * is a diagnosis and not the records after it.
   */
  readonly exact: boolean;
}

const START: OffsetBound = { kind: 'start', plus: 0n };
const END: OffsetBound = { kind: 'end', minus: 0n };

/**
 * Parses what `--offset` takes: `N`, `start`, `end`, `-N`, `+N`, `a:b`, `a:`, `:b`, `@TIME`,
 * `@T1:T2`. Ends are exclusive, as in rpk. `nowMs` anchors durations such as `@2h`.
 * Throws `bad-offset` (usage) for anything else; a number is never read loosely.
 */
export function parseOffsetSpec(text: string, nowMs: number): OffsetSpec {
  if (text.startsWith('@')) return parseTimeRange(text, nowMs);
  const colon = text.indexOf(':');
  if (colon === -1) {
    const start = parseOffsetBound(text, nowMs);
    return { start, end: null, exact: start.kind === 'offset' };
  }
  const left = text.slice(0, colon);
  const right = text.slice(colon + 1);
  if (left === '' && right === '') throw badOffset(text);
  const start = left === '' ? START : parseOffsetBound(left, nowMs);
  const end = right === '' ? null : parseOffsetBound(right, nowMs);
  if (start.kind === 'offset' && end?.kind === 'offset' && end.offset < start.offset) {
    throw badOffset(text, 'the end of the range is before its start');
  }
  return { start, end, exact: false };
}

/** One bound: a number, `start`, `end`, `+N`, `-N` or `@TIME`. */
export function parseOffsetBound(text: string, nowMs: number): OffsetBound {
  if (text === 'start' || text === 'beginning') return START;
  if (text === 'end') return END;
  if (text.startsWith('@'))
    return { kind: 'time', timestampMs: parseTime(text.slice(1), nowMs, '--offset') };
  const match = /^([+-]?)(\d{1,19})$/.exec(text);
  if (match === null) throw badOffset(text);
  const value = BigInt(match[2] ?? '');
  if (value > 2n ** 63n - 1n) throw badOffset(text, 'an offset is at most 9223372036854775807');
  if (match[1] === '+') return { kind: 'start', plus: value };
  if (match[1] === '-') return { kind: 'end', minus: value };
  return { kind: 'offset', offset: value };
}

/**
 * `@T1:T2`. RFC 3339 has colons of its own, so every colon is tried as the separator: exactly one
 * leaves a time on both sides.
 */
function parseTimeRange(text: string, nowMs: number): OffsetSpec {
  const body = text.slice(1);
  const whole = tryTime(body, nowMs);
  if (whole !== undefined) return { start: timeBound(whole), end: null, exact: false };
  for (let colon = body.indexOf(':'); colon !== -1; colon = body.indexOf(':', colon + 1)) {
    const left = body.slice(0, colon);
    const right = body.slice(colon + 1).replace(/^@/, '');
    const start = left === '' ? START : toTimeBound(tryTime(left, nowMs));
    if (start === undefined) continue;
    if (right === '' && left !== '') return { start, end: null, exact: false };
    const end = right === 'end' ? END : toTimeBound(tryTime(right, nowMs));
    if (end === undefined) continue;
    if (start.kind === 'time' && end.kind === 'time' && end.timestampMs < start.timestampMs) {
      throw badOffset(text, 'the end of the range is before its start');
    }
    return { start, end, exact: false };
  }
  throw badOffset(text);
}

function tryTime(text: string, nowMs: number): number | undefined {
  try {
    return parseTime(text, nowMs, '--offset');
  } catch (error) {
    if (error instanceof SegctlError && error.exit === 'usage') return undefined;
    throw error;
  }
}

function timeBound(timestampMs: number): OffsetBound {
  return { kind: 'time', timestampMs };
}

function toTimeBound(timestampMs: number | undefined): OffsetBound | undefined {
  return timestampMs === undefined ? undefined : timeBound(timestampMs);
}

function badOffset(text: string, why = 'not an offset'): SegctlError {
  return new SegctlError(`--offset ${JSON.stringify(text)}: ${why}`, {
    code: 'bad-offset',
    exit: 'usage',
    facts: { given: text },
    remedy:
      'use N, start, end, -N (before the end), +N (after the start), a:b, a:, :b, @TIME or @T1:T2',
  });
}
