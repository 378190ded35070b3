import { SegctlError } from './segctl-error.ts';

/**
 * The amounts that people type: durations, sizes, counts and times. Written here and not taken from
 * a library since what these numbers decide is deletion: the usual ones read `500MB` as 500 MiB,
 * know no `GiB`, or make a number of `10 potatoes`. Each function is total: it returns the exact
 * value, or throws a SegctlError with exit `usage` that names the option, if told which.
 */

const MAX_I64 = 2n ** 63n - 1n;
const MAX_U64 = 2n ** 64n - 1n;
/** The years 0000 to 9999, which RFC 3339 can write. */
const MIN_TIME_MS = -62_167_219_200_000;
const MAX_TIME_MS = 253_402_300_799_999;
/** More than any two times lie apart. */
const MAX_DURATION_MS = 1_000_000_000_000_000n;

const DURATION_UNITS_MS = new Map([
  ['w', 604_800_000n],
  ['d', 86_400_000n],
  ['h', 3_600_000n],
  ['m', 60_000n],
  ['s', 1000n],
  ['ms', 1n],
]);

const SIZE_UNITS = new Map<string, bigint>([
  ['', 1n],
  ['b', 1n],
]);
for (const [power, letter] of ['k', 'm', 'g', 't', 'p', 'e'].entries()) {
  SIZE_UNITS.set(`${letter}b`, 1000n ** BigInt(power + 1));
  SIZE_UNITS.set(`${letter}ib`, 1024n ** BigInt(power + 1));
  SIZE_UNITS.set(`${letter}i`, 1024n ** BigInt(power + 1));
}

/**
 * A duration in ms: `90m`, `7d`, `2w`, `1.5h`, `1d12h` (units descending, each once), or `0`. Units
 * are w, d, h, m, s and ms, in lower case; months and years have no fixed length and are refused.
 */
export function parseDuration(text: string, option?: string): number {
  const fail = (why: string): never =>
    invalid('duration', option, text, why, 'write it as 90m, 7d, 2w or 1d12h');
  const trimmed = text.trim();
  if (trimmed === '0') {
    return 0;
  }
  if (!/^(?:\d+(?:\.\d+)?[a-z]+)+$/.test(trimmed)) {
    return fail(/^\d+(?:\.\d+)?$/.test(trimmed) ? 'a unit is missing' : 'it has another form');
  }
  let total = 0n;
  let largerUnit: bigint | undefined;
  for (const [, amount = '', name = ''] of trimmed.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)) {
    const unit = DURATION_UNITS_MS.get(name);
    if (unit === undefined) {
      return fail(`there is no unit "${name}"; units are w, d, h, m, s and ms`);
    }
    if (largerUnit !== undefined && unit >= largerUnit) {
      return fail('units descend, each at most once');
    }
    largerUnit = unit;
    total += scaled(amount, unit) ?? fail('it is not a whole number of milliseconds');
  }
  return total <= MAX_DURATION_MS ? Number(total) : fail('it is longer than 11,574,074 days');
}

/**
 * A size in bytes, 0 to 2^64 - 1: `500MB` is decimal, `10GiB` (or Kubernetes' `10Gi`) binary, a bare
 * number counts bytes. `10G` is refused: half the tools mean 10^9 by it and half 2^30.
 */
export function parseSize(text: string, option?: string): bigint {
  const fail = (why: string): never =>
    invalid('size', option, text, why, 'write it as 500MB, 10GiB or a number of bytes');
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  const [, amount = '', name = ''] = match ?? fail('it has another form');
  const unit = SIZE_UNITS.get(name.toLowerCase());
  if (unit === undefined) {
    return fail(
      /^[kmgtpe]$/i.test(name)
        ? `"${name}" can mean ${name.toUpperCase()}B or ${name.toUpperCase()}iB`
        : `there is no unit "${name}"`,
    );
  }
  const bytes = scaled(amount, unit) ?? fail('it is not a whole number of bytes');
  return bytes <= MAX_U64 ? bytes : fail('it is larger than an unsigned 64-bit integer');
}

/** A whole number from 0 to 2^63 - 1, in digits alone. */
export function parseCount(text: string, option?: string): bigint {
  const trimmed = text.trim();
  const remedy = 'write it in digits alone, without a sign, separators or a unit';
  if (!/^\d+$/.test(trimmed)) {
    return invalid('number', option, text, 'it has other characters than digits', remedy);
  }
  const count = BigInt(trimmed);
  return count <= MAX_I64
    ? count
    : invalid('number', option, text, 'it is larger than a signed 64-bit integer', remedy);
}

/**
 * A time in epoch ms: RFC 3339 with its offset (`2026-01-31T03:00:00Z`, `...+02:00`; below a
 * millisecond is cut off), a date (its first instant in UTC), epoch digits (up to 11 are seconds,
 * 12 to 16 milliseconds), `now`, or a duration before `nowMs` (`7d`).
 */
export function parseTime(text: string, nowMs: number, option?: string): number {
  const trimmed = text.trim();
  const fail = (why: string): never =>
    invalid(
      'time',
      option,
      text,
      why,
      'write it as 2026-01-31T03:00:00Z, 2026-01-31, epoch seconds or milliseconds, or 7d for seven days ago',
    );
  if (trimmed === 'now') {
    return nowMs;
  }
  if (/^\d+$/.test(trimmed)) {
    if (trimmed.length > 16) {
      return fail('epoch times are in seconds or milliseconds');
    }
    const epoch = Number(trimmed) * (trimmed.length <= 11 ? 1000 : 1);
    return epoch <= MAX_TIME_MS ? epoch : fail('it is after the year 9999');
  }
  if (/^\d{4}-/.test(trimmed)) {
    return parseRfc3339(trimmed, fail);
  }
  if (!/^\d+(?:\.\d+)?[a-z]/.test(trimmed)) {
    return fail('it has another form');
  }
  const before = nowMs - parseDuration(trimmed, option);
  return before >= MIN_TIME_MS ? before : fail('it is before the year 0');
}

/** RFC 3339 section 5.6, whose T and Z may be lower case and whose T may be a space. */
function parseRfc3339(text: string, fail: (why: string) => never): number {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?)?$/.exec(
      text,
    );
  if (match === null) {
    return fail('it has another form than RFC 3339');
  }
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  if (match[4] !== undefined && zone === undefined) {
    return fail('it has no offset from UTC: add Z, or one such as +02:00');
  }
  const midnight = new Date(0);
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) {
    return fail('there is no such day');
  }
  const [zoneHours = 0, zoneMinutes = 0] = (zone?.match(/\d\d/g) ?? []).map(Number);
  // A second 60 is a leap second, which POSIX time counts as the next minute's first.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) {
    return fail('there is no such time of day');
  }
  if (zoneHours > 23 || zoneMinutes > 59) {
    return fail('there is no such offset from UTC');
  }
  const zoneMs = (zoneHours * 60 + zoneMinutes) * 60_000 * (zone?.startsWith('-') ? -1 : 1);
  const timeOfDayMs =
    (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000 +
    Number(fraction.slice(0, 3).padEnd(3, '0'));
  const epoch = midnight.getTime() + timeOfDayMs - zoneMs;
  return epoch >= MIN_TIME_MS && epoch <= MAX_TIME_MS
    ? epoch
    : fail('in UTC it is outside the years 0000 to 9999');
}

/** `amount` (digits, maybe with a fraction) times `unit`, or undefined when that isn't whole. */
function scaled(amount: string, unit: bigint): bigint | undefined {
  const [whole = '', fraction = ''] = amount.split('.');
  const product = BigInt(whole + fraction) * unit;
  const divisor = 10n ** BigInt(fraction.length);
  return product % divisor === 0n ? product / divisor : undefined;
}

function invalid(
  kind: string,
  option: string | undefined,
  text: string,
  why: string,
  remedy: string,
): never {
  throw new SegctlError(
    `${option === undefined ? '' : `${option}: `}"${text}" is not a ${kind}: ${why}`,
    {
      code: `invalid-${kind}`,
      exit: 'usage',
      facts: option === undefined ? { value: text } : { option, value: text },
      remedy,
    },
  );
}
