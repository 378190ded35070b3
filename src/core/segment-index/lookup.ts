import type { IndexPartition } from './index-partitions.ts';
import { LOST_MAX_TIMESTAMP } from './segment-entry.ts';
import type { SegmentIndex } from './segment-index.ts';

/** The rows on either side of an offset that no row covers. */
export interface Neighbours {
  /** The row that ends last before the offset. */
  readonly before: number | undefined;
  /** The row that begins first after the offset. */
  readonly after: number | undefined;
}

/**
 * Finds the rows of one partition by offset and by time. Ranges may overlap and nest: a recreated
 * topic leaves old entries, and a file sealed anew gives wider ones.
 */
export class PartitionLookup {
  readonly #index: SegmentIndex;
  readonly #rows: Int32Array;
  /** For each position in `#rows`: the row of the largest max_offset up to there. */
  readonly #reach: Int32Array;

  constructor(index: SegmentIndex, partition: IndexPartition) {
    this.#index = index;
    this.#rows = partition.rows;
    this.#reach = new Int32Array(partition.rows.length);
    let reach: number | undefined;
    for (const [position, row] of partition.rows.entries()) {
      if (reach === undefined || index.maxOffset(row) > index.maxOffset(reach)) reach = row;
      this.#reach[position] = reach;
    }
  }

  /** Rows whose [min_offset, max_offset] holds the offset, in min_offset order. */
  byOffset(offset: bigint): number[] {
    return this.overlapping(offset, offset);
  }

  /** Rows that share an offset with [first, last], in min_offset order. */
  overlapping(first: bigint, last: bigint): number[] {
    const found: number[] = [];
    for (let position = this.#startingUpTo(last) - 1; position >= 0; position--) {
      // Nothing from here down reaches as far as `first`.
      if (this.#index.maxOffset(this.#reach[position] ?? 0) < first) break;
      const row = this.#rows[position] ?? 0;
      if (this.#index.maxOffset(row) >= first) found.push(row);
    }
    return found.reverse();
  }

  /** Meant for an offset that no row covers; for one that is covered, `before` may be the cover. */
  neighbours(offset: bigint): Neighbours {
    const position = this.#startingUpTo(offset);
    return {
      before: position === 0 ? undefined : this.#reach[position - 1],
      after: this.#rows[position],
    };
  }

  /**
   * Rows whose [min_timestamp, max_timestamp] meets [fromMs, toMs] (both inclusive), in min_offset
   * order. A lost max_timestamp may be anything, so such a row matches. min_timestamp is the
   * smallest base timestamp of a batch: a record that its producer dated before its batch's first
   * record can be older, and only reading the archive tells.
   */
  byTime(fromMs: bigint, toMs: bigint): number[] {
    const found: number[] = [];
    for (const row of this.#rows) {
      const max = this.#index.maxTimestamp(row);
      if (max !== LOST_MAX_TIMESTAMP && max < fromMs) continue;
      if (this.#index.minTimestamp(row) <= toMs) found.push(row);
    }
    return found;
  }

  /** How many rows have a min_offset of at most `offset`. */
  #startingUpTo(offset: bigint): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#index.minOffset(this.#rows[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
