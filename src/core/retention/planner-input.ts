import type { SegmentEntry } from '../segment-index/segment-entry.ts';

/**
 * What the planner needs of an index. An entry is named by its place: its number in the order of
 * the file, which keeps apart entries that share a segment id.
 */
export interface PlannerIndex {
  readonly partitions: readonly PlannerPartition[];
  /** Entries under keys that the server skips: they take no part and are reported. */
  readonly unreadable?: readonly UnreadableKey[];
  /** The entry at a place. It has to give equal values for as long as a plan of it is used. */
  entry(place: number): SegmentEntry;
  /** That entry's store key, which is asked of all entries. */
  objectStorePath(place: number): string;
}

export interface PlannerPartition {
  readonly topic: string;
  readonly partition: number;
  /** The partition has a non-empty WAL file: a running server writes its newest segment again. */
  readonly live: boolean;
  /** Its entries' places, in the order of the file. Each partition comes once. */
  readonly places: ArrayLike<number>;
}

export interface UnreadableKey {
  readonly key: string;
  readonly places: ArrayLike<number>;
}
