import prettyBytes from 'pretty-bytes';
import prettyMilliseconds from 'pretty-ms';
import { rfc3339 } from './rfc3339.ts';

const LOST_TIME = -(2n ** 63n);

/** Bytes in binary units with three significant digits: `5.91 MiB`. */
export function humanSize(bytes: number | bigint): string {
  return prettyBytes(bytes, { binary: true });
}

/** A count with separators between thousands: `23,000`. */
export function humanCount(count: number | bigint): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A duration by its two largest units: `3d 4h`, `1m 30s`, `240ms`. Negative ones keep their sign. */
export function humanDuration(ms: number | bigint): string {
  const value = Number(ms);
  if (value < 0) return `-${humanDuration(-value)}`;
  const rounded = value >= 60_000 ? Math.round(value / 1000) * 1000 : value;
  return prettyMilliseconds(rounded, { unitCount: 2, hideYear: true, secondsDecimalDigits: 1 });
}

/**
 * Epoch ms for a table: `2026-07-01T12:00:00Z`, with ms on demand. It can be pasted into any flag
 * that takes a time. Times that no calendar has are shown as the number of ms that they are, and
 * -2^63, which the server writes where it lost a time, as `unknown`.
 */
export function humanTime(ms: number | bigint, precision: 's' | 'ms' = 's'): string {
  const text = rfc3339(ms);
  if (text === null) return BigInt(ms) === LOST_TIME ? 'unknown' : `${ms} ms`;
  return precision === 'ms' ? text : `${text.slice(0, 19)}Z`;
}

/**
 * `2026-07-01T12:00:00Z to 13:00:00Z (1h)`: the date is named once where both ends share it, and the
 * time where it is the same.
 */
export function humanTimeRange(fromMs: number | bigint, toMs: number | bigint): string {
  const from = humanTime(fromMs);
  const to = humanTime(toMs);
  if (from === to) return from;
  const span = humanDuration(BigInt(toMs) - BigInt(fromMs));
  const sameDay = from.includes('T') && from.slice(0, 11) === to.slice(0, 11);
  return `${from} to ${sameDay ? to.slice(11) : to} (${span})`;
}

/** `1 segment`, `412 segments`. */
export function plural(count: number | bigint, singular: string, pluralForm?: string): string {
  const noun = BigInt(count) === 1n ? singular : (pluralForm ?? `${singular}s`);
  return `${humanCount(count)} ${noun}`;
}
