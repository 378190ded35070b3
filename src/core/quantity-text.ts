/** How amounts are told to people: exact, since a reader compares them with a limit. */

const DURATION_UNITS: readonly (readonly [string, bigint])[] = [
  ['d', 86_400_000n],
  ['h', 3_600_000n],
  ['m', 60_000n],
  ['s', 1000n],
  ['ms', 1n],
];

const BINARY_UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `8d3h12s`, exact to the millisecond and readable by parseDuration when it isn't negative. */
export function formatDuration(ms: number | bigint): string {
  const total = BigInt(ms);
  let rest = total < 0n ? -total : total;
  if (rest === 0n) {
    return '0s';
  }
  let text = total < 0n ? '-' : '';
  for (const [name, unit] of DURATION_UNITS) {
    if (rest >= unit) {
      text += `${rest / unit}${name}`;
      rest %= unit;
    }
  }
  return text;
}

/** `10 GiB` where that is exact, else `10.0 GiB (10737418241 B)`; below 1 KiB `123 B`. */
export function formatBytes(bytes: bigint): string {
  let unit = 1n;
  let name = 'B';
  for (const next of BINARY_UNITS) {
    if (bytes < unit * 1024n) {
      break;
    }
    unit *= 1024n;
    name = next;
  }
  if (bytes % unit === 0n) {
    return `${bytes / unit} ${name}`;
  }
  const tenths = (bytes * 10n) / unit;
  return `${tenths / 10n}.${tenths % 10n} ${name} (${bytes} B)`;
}

/**
 * RFC 3339 in UTC with milliseconds. An int64 can lie far outside the years 0000 to 9999 that it can
 * write; such a value is told as it is.
 */
export function formatInstant(epochMs: number | bigint): string {
  return rfc3339(epochMs) ?? `${epochMs} ms since 1970`;
}

/** As formatInstant, but null for what RFC 3339 can't write. */
export function rfc3339(epochMs: number | bigint): string | null {
  return epochMs >= -62_167_219_200_000n && epochMs <= 253_402_300_799_999n
    ? new Date(Number(epochMs)).toISOString()
    : null;
}
