import { topicMatcher } from './topic-glob.ts';

/** Exempts segments from deletion, whatever the rules say. */
export interface Hold {
  /** See topicMatcher. */
  readonly topic: string;
  /** Only this partition; null for all. */
  readonly partition: number | null;
  /** First offset held, null from the start. */
  readonly fromOffset: bigint | null;
  /** Last offset held, inclusive; null to the end. */
  readonly toOffset: bigint | null;
  /** Epoch ms from which it no longer holds; null for ever. */
  readonly untilMs: number | null;
  readonly reason: string;
}

/** The holds of one partition that are in force at `atMs`, in their order. */
export function holdsOf(
  holds: readonly Hold[],
  topic: string,
  partition: number,
  atMs: number,
): readonly Hold[] {
  return holds.filter(
    (hold) =>
      (hold.untilMs === null || atMs < hold.untilMs) &&
      (hold.partition === null || hold.partition === partition) &&
      topicMatcher(hold.topic)(topic),
  );
}

/** Whether a segment shares an offset with the hold. A damaged entry may have its range reversed. */
export function holdCovers(hold: Hold, minOffset: bigint, maxOffset: bigint): boolean {
  const low = minOffset < maxOffset ? minOffset : maxOffset;
  const high = minOffset < maxOffset ? maxOffset : minOffset;
  return (
    (hold.fromOffset === null || high >= hold.fromOffset) &&
    (hold.toOffset === null || low <= hold.toOffset)
  );
}
