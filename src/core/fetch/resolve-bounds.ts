import type { ArchiveSource } from '../archive/archive-source.ts';
import { LOST_MAX_TIMESTAMP, type SegmentEntry } from '../segment-index/segment-entry.ts';
import type { ArchivedPartition } from './archived-partition.ts';
import type { FetchEvent } from './fetch-event.ts';
import type { OffsetBound, OffsetSpec } from './offset-spec.ts';
import { readPartition } from './read-partition.ts';

/** Offsets of one partition: [start, end). */
export interface OffsetWindow {
  readonly start: bigint;
  readonly end: bigint;
}

export interface ResolvedWindow {
  readonly window: OffsetWindow;
  /** Archives that had to be read to find a time, and couldn't be. */
  readonly unreadable: readonly Extract<FetchEvent, { kind: 'unreadable' }>[];
}

/**
 * Turns a spec into offsets of one partition. A time becomes the first offset whose record has that
 * timestamp or a later one, as Kafka's ListOffsets has it, also where timestamps are out of order;
 * without such a record it is the end. For that, archives are read, but none that the index rules
 * out by its max_timestamp.
 */
export async function resolveWindow(
  partition: ArchivedPartition,
  spec: OffsetSpec,
  source: ArchiveSource,
): Promise<ResolvedWindow> {
  const unreadable: Extract<FetchEvent, { kind: 'unreadable' }>[] = [];
  const partitionStart = partition.startOffset ?? 0n;
  const partitionEnd = partition.endOffset ?? 0n;
  const resolve = async (bound: OffsetBound): Promise<bigint> => {
    switch (bound.kind) {
      case 'offset':
        return bound.offset;
      case 'start':
        return partitionStart + bound.plus;
      case 'end': {
        const offset = partitionEnd - bound.minus;
        return offset > partitionStart ? offset : partitionStart;
      }
      case 'time': {
        const found = await firstAtOrAfter(
          partition,
          BigInt(bound.timestampMs),
          source,
          unreadable,
        );
        return found ?? partitionEnd;
      }
    }
  };
  const start = await resolve(spec.start);
  const end = spec.end === null ? partitionEnd : await resolve(spec.end);
  return { window: { start, end: end > partitionEnd ? partitionEnd : end }, unreadable };
}

async function firstAtOrAfter(
  partition: ArchivedPartition,
  timestampMs: bigint,
  source: ArchiveSource,
  unreadable: Extract<FetchEvent, { kind: 'unreadable' }>[],
): Promise<bigint | undefined> {
  const candidates = partition.allEntries().filter((entry) => mayReach(entry, timestampMs));
  for await (const event of readPartition(source, candidates)) {
    if (event.kind === 'unreadable') unreadable.push(event);
    if (event.kind !== 'records') continue;
    const { timestamp, offset } = event.columns;
    for (let row = event.from; row < event.to; row++) {
      if ((timestamp[row] ?? 0n) >= timestampMs) return offset[row];
    }
  }
  return undefined;
}

function mayReach({ minTimestamp, maxTimestamp }: SegmentEntry, timestampMs: bigint): boolean {
  // A maximum below the minimum is a defect, so it rules nothing out.
  const known = maxTimestamp !== LOST_MAX_TIMESTAMP && maxTimestamp >= minTimestamp;
  return !known || maxTimestamp >= timestampMs;
}
