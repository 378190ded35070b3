import { LOST_MAX_TIMESTAMP } from '../segment-index/segment-entry.ts';
import { at, type PartitionRows } from './partition-rows.ts';
import type { Retention } from './policy.ts';

/** Bits of the limits that condemn a row. */
export const TIME = 1;
export const SIZE = 2;
export const OFFSET = 4;

/** Why a segment's age by its records is not known. */
export type RecordAgeProblem =
  /** The server lost max_timestamp and left i64::MIN. */
  | 'lost'
  /** max_timestamp is smaller than min_timestamp, which no archive can have. */
  | 'below-min'
  /** Negative: the records have no timestamp (Kafka's NO_TIMESTAMP is -1). */
  | 'negative';

export function recordAgeProblem(
  minTimestamp: bigint,
  maxTimestamp: bigint,
): RecordAgeProblem | undefined {
  if (maxTimestamp === LOST_MAX_TIMESTAMP) {
    return 'lost';
  }
  if (maxTimestamp < 0n) {
    return 'negative';
  }
  return maxTimestamp < minTimestamp ? 'below-min' : undefined;
}

/**
 * The three limits on one partition, each judging each row by itself: `bits` has the limits that
 * condemn it, and the other members are the numbers that they compare.
 */
export class RuleBits {
  readonly bits: Uint8Array;
  /** The bits of the limits that are switched on. */
  readonly active: number;
  /** The clock that ages are measured by, in ms. */
  readonly clockMs: bigint;
  /** max_offset of the last row. */
  readonly highest: bigint;
  readonly totalBytes: bigint;
  readonly #rows: PartitionRows;
  readonly #retention: Retention;
  /** Bytes of a row and all newer ones; bigints, since a damaged index can exceed 64 bits. */
  readonly #bytesFrom: readonly bigint[];

  constructor(rows: PartitionRows, retention: Retention, atMs: number) {
    this.#rows = rows;
    this.#retention = retention;
    // created_at has whole seconds, and Chronik compares it with a clock of whole seconds.
    const clock = retention.ageBy === 'created' ? Math.floor(atMs / 1000) * 1000 : atMs;
    this.clockMs = BigInt(clock);
    this.highest = rows.length === 0 ? 0n : rows.maxOffset(rows.length - 1);
    this.#bytesFrom = bytesFromEachRow(rows);
    this.totalBytes = this.#bytesFrom[0] ?? 0n;
    this.active =
      (retention.maxAgeMs === null ? 0 : TIME) |
      (retention.maxSizeBytes === null ? 0 : SIZE) |
      (retention.keepOffsets === null ? 0 : OFFSET);
    this.bits = new Uint8Array(rows.length);
    for (let row = 0; row < rows.length; row++) {
      this.bits[row] =
        (this.#byTime(row) ? TIME : 0) |
        (this.#bySize(row) ? SIZE : 0) |
        (this.#byOffset(row) ? OFFSET : 0);
    }
  }

  /** Bytes of the row and all newer ones. */
  bytesFrom(row: number): bigint {
    return at(this.#bytesFrom, row);
  }

  /** The instant in epoch ms that the row's age counts from, undefined where it isn't known. */
  stampMs(row: number): bigint | undefined {
    if (this.#retention.ageBy === 'created') {
      return this.#rows.createdAtSeconds(row) * 1000n;
    }
    const max = this.#rows.maxTimestamp(row);
    return recordAgeProblem(this.#rows.minTimestamp(row), max) === undefined ? max : undefined;
  }

  #byTime(row: number): boolean {
    const { maxAgeMs } = this.#retention;
    const stamp = maxAgeMs === null ? undefined : this.stampMs(row);
    return stamp !== undefined && maxAgeMs !== null && stamp < this.clockMs - BigInt(maxAgeMs);
  }

  /** Oldest first until the rest fits: a row goes when it and the newer ones are too large. */
  #bySize(row: number): boolean {
    const { maxSizeBytes } = this.#retention;
    return (
      maxSizeBytes !== null && row < this.#rows.length - 1 && this.bytesFrom(row) > maxSizeBytes
    );
  }

  #byOffset(row: number): boolean {
    const { keepOffsets } = this.#retention;
    return keepOffsets !== null && this.#rows.maxOffset(row) < this.highest - keepOffsets;
  }
}

function bytesFromEachRow(rows: PartitionRows): bigint[] {
  const bytes: bigint[] = new Array(rows.length);
  let sum = 0n;
  for (let row = rows.length - 1; row >= 0; row--) {
    sum += rows.sizeBytes(row);
    bytes[row] = sum;
  }
  return bytes;
}
