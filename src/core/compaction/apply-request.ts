import type { EntryAddition, RowIdentity } from '../segment-index/index-edit.ts';
import type { OffsetCover, RunCommand } from './journal-record.ts';

/** What a run is to change. Index entries and objects are listed apart: either can go alone. */
export interface ApplyRequest {
  readonly command: Exclude<RunCommand, 'undo' | 'purge'>;
  /** What was asked for, in a line, for `compact show`. */
  readonly request: string;
  readonly remove: readonly EntryRemoval[];
  readonly add?: readonly EntryAddition[];
  readonly objects: readonly ObjectRemoval[];
  /** `keep` leaves the entries, which then point at nothing where their objects go. */
  readonly entriesMode: 'remove' | 'keep';
  readonly objectsMode: 'delete' | 'keep';
  /** Epoch ms until which objects wait in the trash; null deletes them at once. */
  readonly graceUntilMs: number | null;
  /** SHA-256 of the index that this was worked out on, null where none was read. */
  readonly indexDigest: string | null;
  /**
   * Entries that a running server wrote back after a recorded deletion. They leave the index with
   * the rest, and only their number is journaled: earlier journals hold them in full.
   */
  readonly returned?: readonly RowIdentity[];
}

export interface EntryRemoval {
  readonly identity: RowIdentity;
  /** Why it goes, in a line, for `compact show`. */
  readonly reason: string | null;
}

export interface ObjectRemoval {
  /** As the index or the listing spells it. */
  readonly key: string;
  readonly segmentId: string | null;
  /** Positions in `remove`: the object stays unless these entries are in the index as they were. */
  readonly needs?: readonly number[];
  /** The version that was judged; another one by now stays, and so do the entries it needs. */
  readonly expectVersion?: string;
  /** For an object without an entry: the offsets that no other object holds. */
  readonly covers?: OffsetCover;
}
