import type { IndexPartition } from '../segment-index/index-partitions.ts';
import { PartitionLookup } from '../segment-index/lookup.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';

/** The archived part of one partition, as its index entries tell. */
export class ArchivedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The smallest min_offset; null where the partition has no segment. */
  readonly startOffset: bigint | null;
  /** The largest max_offset plus one; null where the partition has no segment. */
  readonly endOffset: bigint | null;
  readonly #index: SegmentIndex;
  readonly #rows: Int32Array;
  readonly #lookup: PartitionLookup;

  constructor(index: SegmentIndex, partition: IndexPartition) {
    this.topic = partition.topic;
    this.partition = partition.partition;
    this.#index = index;
    this.#rows = partition.rows;
    this.#lookup = new PartitionLookup(index, partition);
    const [first] = partition.rows;
    this.startOffset = first === undefined ? null : index.minOffset(first);
    let last: bigint | null = null;
    for (const row of partition.rows) {
      const max = index.maxOffset(row);
      if (last === null || max > last) last = max;
    }
    this.endOffset = last === null ? null : last + 1n;
  }

  /** Entries that share an offset with [first, last], in min_offset order. */
  entries(first: bigint, last: bigint): SegmentEntry[] {
    return this.#lookup.overlapping(first, last).map((row) => this.#index.entry(row));
  }

  allEntries(): SegmentEntry[] {
    return Array.from(this.#rows, (row) => this.#index.entry(row));
  }
}
