import type { RecordColumns } from '../record-batch/record-columns.ts';
import type { SegctlError } from '../segctl-error.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';

/** Rows [from, to) of some columns, in ascending offset order, all from one archive. */
export interface RecordRun {
  readonly columns: RecordColumns;
  readonly from: number;
  readonly to: number;
}

/** What reading a partition's archives brings to light, in offset order as far as it has one. */
export type FetchEvent =
  | ({ readonly kind: 'records' } & RecordRun)
  /** The rest of this archive can't be had; what follows comes from others. */
  | { readonly kind: 'unreadable'; readonly entry: SegmentEntry; readonly error: SegctlError }
  /** Two archives hold different records under one offset; those of `served` are given. */
  | {
      readonly kind: 'conflict';
      readonly offset: bigint;
      readonly served: SegmentEntry;
      readonly other: SegmentEntry;
    };
