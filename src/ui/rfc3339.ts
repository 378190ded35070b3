const MAX_DATE_MS = 253_402_300_799_999n; // 9999-12-31T23:59:59.999Z: RFC 3339 years have 4 digits
const MIN_DATE_MS = -62_167_219_200_000n; // 0000-01-01T00:00:00.000Z

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
