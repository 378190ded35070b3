import { type Finding, finding, type Subject } from '../findings.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import { entrySubject } from './entry-findings.ts';
import { firstShared, larger, type OffsetRun, smaller, uncovered } from './offset-runs.ts';

/** An entry and, where its archive was read, the offsets that have records. */
export interface PlacedEntry {
  readonly entry: SegmentEntry;
  readonly runs?: readonly OffsetRun[] | undefined;
}

/**
 * Archives of one indexing pass may be packed in any order; a pass takes seconds, and a topic that
 * is deleted and filled again takes longer than this.
 */
const PASS_SECONDS = 120n;

/**
 * What entries of one partition show together. `entries` ascend by min_offset; `deleted` are the
 * offset ranges that recorded runs deleted, ascending.
 */
export function partitionFindings(
  entries: readonly PlacedEntry[],
  deleted: readonly OffsetRun[],
): Finding[] {
  const sane = entries.filter(({ entry }) => entry.maxOffset >= entry.minOffset);
  return [...recreations(sane), ...overlaps(sane), ...gaps(sane, deleted)];
}

/**
 * A server archives a partition's offsets in ascending order, so an entry that was made later than
 * one of higher offsets belongs to a topic of the same name that came after it.
 */
function* recreations(entries: readonly PlacedEntry[]): Generator<Finding> {
  const stale = staleEntries(entries);
  const [oldest] = stale;
  if (oldest === undefined) return;
  const newer = entries.filter((one) => !stale.has(one));
  const created = newer.map(({ entry }) => entry.createdAtSeconds);
  yield finding('topic-recreated', partitionSubject(oldest.entry), {
    staleEntries: stale.size,
    firstStaleSegment: oldest.entry.segmentId,
    newestCreatedAtSeconds: created.reduce(larger, 0n),
  });
}

/** Entries of higher offsets than one that was created later. */
function staleEntries(entries: readonly PlacedEntry[]): Set<PlacedEntry> {
  const stale = new Set<PlacedEntry>();
  let newest: bigint | undefined;
  for (const one of entries) {
    const { createdAtSeconds } = one.entry;
    if (newest !== undefined && createdAtSeconds < newest - PASS_SECONDS) stale.add(one);
    else newest = newest === undefined ? createdAtSeconds : larger(newest, createdAtSeconds);
  }
  return stale;
}

function* overlaps(entries: readonly PlacedEntry[]): Generator<Finding> {
  let widest: PlacedEntry | undefined;
  for (const one of entries) {
    const isRecreated =
      widest !== undefined &&
      one.entry.createdAtSeconds < widest.entry.createdAtSeconds - PASS_SECONDS;
    if (widest !== undefined && one.entry.minOffset <= widest.entry.maxOffset && !isRecreated) {
      yield overlap(widest, one);
    }
    if (widest === undefined || one.entry.maxOffset > widest.entry.maxOffset) widest = one;
  }
}

function overlap(before: PlacedEntry, after: PlacedEntry): Finding {
  const sharedOffsets =
    before.runs === undefined || after.runs === undefined
      ? undefined
      : firstShared(before.runs, after.runs);
  const last = smaller(before.entry.maxOffset, after.entry.maxOffset);
  const shared = sharedOffsets ?? { first: after.entry.minOffset, last };
  return finding(
    sharedOffsets === undefined ? 'segments-overlap' : 'offsets-in-two-archives',
    entrySubject(after.entry),
    { otherSegment: before.entry.segmentId, firstOffset: shared.first, lastOffset: shared.last },
  );
}

function* gaps(entries: readonly PlacedEntry[], deleted: readonly OffsetRun[]): Generator<Finding> {
  let reach: SegmentEntry | undefined;
  for (const { entry } of entries) {
    if (reach !== undefined && entry.minOffset > reach.maxOffset + 1n) {
      const gap = { first: reach.maxOffset + 1n, last: entry.minOffset - 1n };
      for (const { first, last } of uncovered(gap, deleted)) {
        yield finding('partition-gap', partitionSubject(entry), {
          firstOffset: first,
          lastOffset: last,
          segmentBefore: reach.segmentId,
          segmentAfter: entry.segmentId,
        });
      }
    }
    if (reach === undefined || entry.maxOffset > reach.maxOffset) reach = entry;
  }
}

function partitionSubject({ topic, partition }: SegmentEntry): Subject {
  return { topic, partition };
}
