import type { ObjectStore } from '../../storage/object-store.ts';
import { type RowIdentity, rowIdentity } from '../segment-index/index-edit.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import { entryPrint, type RecordedDeletions } from './recorded-deletions.ts';
import { surveyObjects } from './survey.ts';

/** An entry that is in the index again although a run took it out. */
export interface ReturnedEntry {
  readonly row: number;
  readonly identity: RowIdentity;
  /** The run that had taken it out. */
  readonly runId: string;
  /** Whether that run left its object in the store. */
  readonly objectLeft: boolean;
}

/**
 * Finds the entries that a running Chronik server wrote back from its own copy of the index: equal
 * in all twelve fields to one that a run took out. An entry of the same segment that was indexed
 * anew has another created_at or size, is no returned one, and is never touched for that.
 */
export function findReturned(index: SegmentIndex, deletions: RecordedDeletions): ReturnedEntry[] {
  const returned = new Map<number, ReturnedEntry>();
  for (const { topic, partition, entries } of deletions.partitions) {
    const present = index.partition(topic, partition);
    if (present === undefined || entries.size === 0) continue;
    const rowsByOffset = new Map<bigint, number[]>();
    for (const row of [...present.rows, ...present.shadowed]) {
      const offset = index.minOffset(row);
      rowsByOffset.set(offset, [...(rowsByOffset.get(offset) ?? []), row]);
    }
    for (const { minOffset, print, runId, objectLeft } of entries.values()) {
      for (const row of rowsByOffset.get(minOffset) ?? []) {
        if (entryPrint(index.entry(row)) !== print) continue;
        returned.set(row, { row, identity: rowIdentity(index, row), runId, objectLeft });
      }
    }
  }
  return [...returned.values()].sort((a, b) => a.row - b.row);
}

/**
 * Leaves out the entries whose object is in the store although the run deleted it: somebody has put
 * it back, and an entry with its object is not ours to take.
 */
export async function withoutRevived(
  returned: readonly ReturnedEntry[],
  store: ObjectStore,
  signal: AbortSignal,
): Promise<ReturnedEntry[]> {
  const asked = returned.filter(({ objectLeft }) => !objectLeft);
  const paths = asked.map(({ identity }) => identity.entry.objectStorePath);
  const found = await surveyObjects(store, paths, signal);
  return returned.filter(
    ({ identity, objectLeft }) =>
      objectLeft || found.get(identity.entry.objectStorePath) === undefined,
  );
}
