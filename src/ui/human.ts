import prettyBytes from 'pretty-bytes';
import prettyMilliseconds from 'pretty-ms';

const MAX_DATE_MS = 253_402_300_799_999n; // 9999-12-31T23:59:59.999Z: RFC 3339 years have 4 digits
const MIN_DATE_MS = -62_167_219_200_000n; // 0000-01-01T00:00:00.000Z

/** Bytes in binary units with three significant digits: `5.91 MiB`. */
export function humanSize(bytes: number | bigint): string {
  return prettyBytes(bytes, { binary: true });
}

/** Bytes a second, as `12.3 MiB/s`. */
export function humanRate(bytesPerSecond: number): string {
  return `${humanSize(Math.max(0, Math.round(bytesPerSecond)))}/s`;
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
 * Epoch ms as RFC 3339 UTC with ms, or null where RFC 3339 has no form for it (years beyond
 * 0000-9999; the index holds -2^63 where the server lost a time).
 */
export function rfc3339(ms: number | bigint): string | null {
  if (typeof ms === 'number' && !Number.isInteger(ms)) return null;
  const value = BigInt(ms);
  if (value < MIN_DATE_MS || value > MAX_DATE_MS) return null;
  return new Date(Number(value)).toISOString();
}

/**
 * Epoch ms for a table: `2026-07-01T12:00:00Z`, with ms on demand. It can be pasted into any flag
 * that takes a time. Times that no calendar has are shown as the number of ms that they are.
 */
export function humanTime(ms: number | bigint, precision: 's' | 'ms' = 's'): string {
  const text = rfc3339(ms);
  if (text === null) return `${ms} ms`;
  return precision === 'ms' ? text : `${text.slice(0, 19)}Z`;
}

/** `2026-07-01T12:00:00Z to 13:00:00Z (1h)`: the date is named once where both ends share it. */
export function humanTimeRange(fromMs: number | bigint, toMs: number | bigint): string {
  const from = humanTime(fromMs);
  const to = humanTime(toMs);
  const span = humanDuration(BigInt(toMs) - BigInt(fromMs));
  const sameDay = from.includes('T') && from.slice(0, 11) === to.slice(0, 11);
  return `${from} to ${sameDay ? to.slice(11) : to} (${span})`;
}

/** `1 segment`, `412 segments`. */
export function plural(count: number | bigint, singular: string, pluralForm?: string): string {
  const noun = BigInt(count) === 1n ? singular : (pluralForm ?? `${singular}s`);
  return `${humanCount(count)} ${noun}`;
}
