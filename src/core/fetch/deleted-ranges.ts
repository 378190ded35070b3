/** A range of offsets that a recorded run took out of a partition; both ends inclusive. */
export interface DeletedRange {
  readonly runId: string;
  readonly command: string;
  /** RFC 3339 UTC */
  readonly startedAt: string;
  readonly minOffset: bigint;
  readonly maxOffset: bigint;
  readonly segmentId: string;
  readonly objectStorePath: string;
  /** Whether `segctl compact undo` can bring it back. */
  readonly undoable: boolean;
}

/** Asks the journal which recorded run deleted an offset; undefined when none did. */
export type FindDeletion = (
  topic: string,
  partition: number,
  offset: bigint,
) => Promise<DeletedRange | undefined>;
