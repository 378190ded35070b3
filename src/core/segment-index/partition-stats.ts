import type { IndexPartition } from './index-partitions.ts';
import { LOST_MAX_TIMESTAMP } from './segment-entry.ts';
import type { SegmentIndex } from './segment-index.ts';

/** Offsets that no segment's range holds; both ends inclusive. */
export interface OffsetGap {
  readonly from: bigint;
  readonly to: bigint;
}

/** Sums over the segments of one partition that the server loads. */
export interface PartitionStats {
  readonly segments: number;
  /** As the index counts them; overlapping segments count a record each. */
  readonly records: bigint;
  readonly bytes: bigint;
  readonly minOffset: bigint | null;
  readonly maxOffset: bigint | null;
  /** Epoch ms: the smallest base timestamp of a batch. */
  readonly minTimestamp: bigint | null;
  /** Epoch ms; null where a segment's is lost and may be larger than the known ones. */
  readonly maxTimestamp: bigint | null;
  /** Between segments, in offset order. */
  readonly gaps: readonly OffsetGap[];
  /**
   * Offsets between the first and the last that are certain to be missing: those in gaps, and what
   * the segments' ranges have more than their record counts. Overlaps can hide some.
   */
  readonly missingOffsets: bigint;
}

export function partitionStats(index: SegmentIndex, partition: IndexPartition): PartitionStats {
  const gaps: OffsetGap[] = [];
  let records = 0n;
  let bytes = 0n;
  let minOffset: bigint | null = null;
  let maxOffset: bigint | null = null;
  let minTimestamp: bigint | null = null;
  let maxTimestamp: bigint | null = null;
  let lostTimestamp = false;
  for (const row of partition.rows) {
    const [min, max] = [index.minOffset(row), index.maxOffset(row)];
    if (maxOffset !== null && min > maxOffset + 1n)
      gaps.push({ from: maxOffset + 1n, to: min - 1n });
    minOffset = smaller(minOffset, min);
    maxOffset = larger(maxOffset, max);
    records += index.recordCount(row);
    bytes += index.sizeBytes(row);
    minTimestamp = smaller(minTimestamp, index.minTimestamp(row));
    const timestamp = index.maxTimestamp(row);
    if (timestamp === LOST_MAX_TIMESTAMP) lostTimestamp = true;
    else maxTimestamp = larger(maxTimestamp, timestamp);
  }
  const span = minOffset === null || maxOffset === null ? 0n : maxOffset - minOffset + 1n;
  return {
    segments: partition.rows.length,
    records,
    bytes,
    minOffset,
    maxOffset,
    minTimestamp,
    maxTimestamp: lostTimestamp ? null : maxTimestamp,
    gaps,
    missingOffsets: span > records ? span - records : 0n,
  };
}

function smaller(a: bigint | null, b: bigint): bigint {
  return a === null || b < a ? b : a;
}

function larger(a: bigint | null, b: bigint): bigint {
  return a === null || b > a ? b : a;
}
