import type { RecordedDeletions } from '../compaction/recorded-deletions.ts';
import type { Ledger } from '../verify/ledger.ts';
import type { StoredArchive } from '../verify/listing.ts';
import { larger, type OffsetRun, uncovered } from '../verify/offset-runs.ts';

/**
 * What recorded runs deleted of a partition, ascending and merged; with `sinceMs` only by runs from
 * then on. Entries that a gc or a reindex took out are no deletion: other entries have the records,
 * or nothing had them any more.
 */
export function deletedRuns(
  deletions: RecordedDeletions,
  topic: string,
  partition: number,
  sinceMs = 0,
): OffsetRun[] {
  const runs = deletions
    .ranges(topic, partition)
    .filter(
      ({ command, segmentId }) => command === 'compact' || (command === 'gc' && segmentId === null),
    )
    .filter(({ atMs }) => atMs >= sinceMs)
    .map(({ minOffset, maxOffset }) => ({ first: minOffset, last: maxOffset }))
    .sort((a, b) => (a.first < b.first ? -1 : 1));
  const merged: OffsetRun[] = [];
  for (const run of runs) {
    const before = merged.at(-1);
    if (before !== undefined && run.first <= before.last + 1n) {
      merged[merged.length - 1] = { first: before.first, last: larger(before.last, run.last) };
    } else merged.push(run);
  }
  return merged;
}

/**
 * Whether a recorded run deleted what this archive holds: its own entry, the object being kept, or
 * all of its offsets, by a run that is younger than the archive. Chronik's superseded archives stay
 * behind when the one that covered them is deleted; to index them would bring the records back.
 */
export function wasDeleted(
  { info, place }: StoredArchive,
  deletions: RecordedDeletions,
  ledger: Ledger,
): boolean {
  const left = deletions.object(info.key);
  if (left !== undefined && left.outcome === 'left' && left.version === info.version) return true;
  const scanned = ledger.find(info)?.scanned;
  const { minOffset, maxOffset } = scanned?.stats ?? {};
  if (scanned === undefined || minOffset === undefined || maxOffset === undefined) return false;
  const createdMs = Number(scanned.createdAtSeconds) * 1000;
  const runs = deletedRuns(deletions, place.topic, place.partition, createdMs);
  return uncovered({ first: minOffset, last: maxOffset }, runs).length === 0;
}
