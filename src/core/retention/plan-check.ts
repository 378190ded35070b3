import { SegctlError } from '../segctl-error.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import { PartitionRows } from './partition-rows.ts';
import type { PlannedSegment } from './plan-file.ts';
import type { PlannerIndex } from './planner-input.ts';
import { policyResolver, type RetentionSettings } from './policy.ts';
import { sharersOf } from './shared-objects.ts';

/** What has to be known of a plan, live or saved, to hold it against an index. */
export interface CheckablePlan {
  readonly settings: RetentionSettings;
  readonly delete: readonly PlannedSegment[];
}

/** Why a planned segment must not be deleted any more. */
const STALE = {
  vanished: 'it is no longer in the index',
  changed: 'its entry has changed',
  'newest-now': "it has become its partition's newest segment",
  'live-now': 'it is live now: a running server writes it again',
  'older-stays': 'an older segment of its partition stays, so that a gap would be left',
} as const;

interface Finding {
  readonly segment: PlannedSegment;
  readonly why: keyof typeof STALE;
}

/**
 * Holds a plan against the index as it is now. Entries that came since are tolerated as long as
 * the plan still does what it said: each segment to delete is loaded with every field equal, has
 * become neither its partition's newest nor live, and leaves no gap unless gaps were allowed. Otherwise
 * throws `plan-stale` (exit `refused`). Gives the segments, in their order, with all places and
 * `keepsObject` as they are in the index of now.
 */
export function checkPlanAgainst(plan: CheckablePlan, index: PlannerIndex): PlannedSegment[] {
  const planned = groupByPartition(plan.delete);
  const policyOf = policyResolver(plan.settings);
  const findings: Finding[] = [];
  const places = new Map<PlannedSegment, { place: number; drops: readonly number[] }>();
  for (const partition of index.partitions) {
    const key = partitionKey(partition);
    const segments = planned.get(key);
    if (segments !== undefined) {
      planned.delete(key);
      const rows = new PartitionRows(index, partition);
      const { allowGaps } = policyOf(partition.topic).retention;
      const found = rowsOfSegments(index, rows, segments, findings);
      findings.push(...unsafeRows(rows, found, { allowGaps, ...plan.settings }));
      for (const [row, segment] of found) {
        places.set(segment, { place: rows.place(row), drops: rows.shadowed(row) });
      }
    }
  }
  for (const segment of [...planned.values()].flat()) {
    findings.push({ segment, why: 'vanished' });
  }
  if (findings.length > 0) {
    throw stale(findings, plan.delete.length);
  }
  const sharers = sharersOf(index, [...places.values()]);
  return plan.delete.map((segment) => {
    const now = places.get(segment) ?? segment;
    return { ...segment, ...now, keepsObject: sharers.has(now.place) };
  });
}

function groupByPartition(segments: readonly PlannedSegment[]): Map<string, PlannedSegment[]> {
  const groups = new Map<string, PlannedSegment[]>();
  for (const segment of segments) {
    const key = partitionKey(segment.entry);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [segment]);
    } else {
      group.push(segment);
    }
  }
  return groups;
}

function partitionKey({ topic, partition }: { topic: string; partition: number }): string {
  return `${partition}/${topic}`;
}

/** The row of each planned segment that is still there unchanged; the others become findings. */
function rowsOfSegments(
  index: PlannerIndex,
  rows: PartitionRows,
  segments: readonly PlannedSegment[],
  findings: Finding[],
): ReadonlyMap<number, PlannedSegment> {
  const byMinOffset = new Map<bigint, PlannedSegment>();
  for (const segment of segments) {
    // Of two entries with one min_offset the server loads only the last.
    const loser = byMinOffset.get(segment.entry.minOffset);
    if (loser !== undefined) {
      findings.push({ segment: loser, why: 'vanished' });
    }
    byMinOffset.set(segment.entry.minOffset, segment);
  }
  const found = new Map<number, PlannedSegment>();
  for (let row = 0; row < rows.length; row++) {
    const segment = byMinOffset.get(rows.minOffset(row));
    if (segment === undefined) {
      continue;
    }
    byMinOffset.delete(segment.entry.minOffset);
    if (sameEntry(segment.entry, index.entry(rows.place(row)))) {
      found.set(row, segment);
    } else {
      findings.push({ segment, why: 'changed' });
    }
  }
  for (const segment of byMinOffset.values()) {
    findings.push({ segment, why: 'vanished' });
  }
  return found;
}

function* unsafeRows(
  rows: PartitionRows,
  found: ReadonlyMap<number, PlannedSegment>,
  { allowGaps, includeLive }: { allowGaps: boolean; includeLive: boolean },
): Iterable<Finding> {
  let olderStays = false;
  for (let row = 0; row < rows.length; row++) {
    const segment = found.get(row);
    const last = row === rows.length - 1;
    if (segment === undefined) {
      olderStays = true;
    } else if (olderStays && !allowGaps) {
      yield { segment, why: 'older-stays' };
    } else if (last && rows.live && !includeLive) {
      yield { segment, why: 'live-now' };
    } else if (last && !segment.newest) {
      yield { segment, why: 'newest-now' };
    }
  }
}

function sameEntry(a: SegmentEntry, b: SegmentEntry): boolean {
  return (
    a.segmentId === b.segmentId &&
    a.topic === b.topic &&
    a.partition === b.partition &&
    a.minOffset === b.minOffset &&
    a.maxOffset === b.maxOffset &&
    a.recordCount === b.recordCount &&
    a.minTimestamp === b.minTimestamp &&
    a.maxTimestamp === b.maxTimestamp &&
    a.objectStorePath === b.objectStorePath &&
    a.sizeBytes === b.sizeBytes &&
    a.createdAtSeconds === b.createdAtSeconds &&
    a.compression === b.compression
  );
}

function stale(findings: readonly Finding[], planned: number): SegctlError {
  const [first] = findings;
  const id = first?.segment.entry.segmentId ?? '';
  const why = first === undefined ? '' : STALE[first.why];
  return new SegctlError(
    `the index no longer matches the plan: of ${planned} segments to delete, ${findings.length} must not be, ` +
      `the first being ${id}: ${why}`,
    {
      code: 'plan-stale',
      exit: 'refused',
      facts: {
        planned,
        stale: findings.length,
        firstSegment: id,
        firstReason: first?.why ?? '',
      },
      remedy: 'make the plan anew with segctl compact plan -o FILE',
    },
  );
}
