import type { ByteRange } from './object-store.ts';

/** A range as both ends, the second one exclusive. */
export interface ResolvedRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Throws RangeError for what no store can serve: S3 has no way to ask for zero bytes, and offsets
 * are whole bytes.
 */
export function assertRange(range: ByteRange): void {
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || start < 0) {
    throw new RangeError(`a byte range can't start at ${start}`);
  }
  if (end !== undefined && (!Number.isSafeInteger(end) || end <= start)) {
    throw new RangeError(`a byte range from ${start} can't end at ${end}`);
  }
}

/**
 * The bytes of an object of `sizeBytes` that `range` names; an end beyond the object is cut back to
 * it, as HTTP does (RFC 9110, 14.1.2). Undefined when the range begins past the end.
 */
export function resolveRange(
  range: ByteRange | undefined,
  sizeBytes: number,
): ResolvedRange | undefined {
  if (range === undefined) {
    return { start: 0, end: sizeBytes };
  }
  assertRange(range);
  if (range.start >= sizeBytes) {
    return undefined;
  }
  return { start: range.start, end: Math.min(range.end ?? sizeBytes, sizeBytes) };
}
