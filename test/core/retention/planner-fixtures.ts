import type { Plan } from '../../../src/core/retention/plan.ts';
import type { PlannerIndex, PlannerPartition } from '../../../src/core/retention/planner-input.ts';
import type { RetentionLayer } from '../../../src/core/retention/policy.ts';
import { type RetentionSettings, resolveSettings } from '../../../src/core/retention/policy.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';

/** The clock of most tests: 2026-01-31T03:00:00Z. */
export const AT_MS = Date.UTC(2026, 0, 31, 3);
export const AT_SECONDS = BigInt(AT_MS / 1000);
export const DAY = 86_400n;

export function entry(fields: Partial<SegmentEntry> = {}): SegmentEntry {
  const topic = fields.topic ?? 'orders';
  const partition = fields.partition ?? 0;
  const minOffset = fields.minOffset ?? 0n;
  const maxOffset = fields.maxOffset ?? minOffset + 99n;
  return {
    segmentId: `${topic}-${partition}-${minOffset}-${maxOffset}`,
    topic,
    partition,
    minOffset,
    maxOffset,
    recordCount: maxOffset - minOffset + 1n,
    minTimestamp: 1_760_000_000_000n,
    maxTimestamp: 1_760_000_000_099n,
    objectStorePath: `/data/tantivy_indexes/${topic}/partition-${partition}/segment-${minOffset}-${maxOffset}.tar.gz`,
    sizeBytes: 1000n,
    createdAtSeconds: AT_SECONDS - DAY,
    compression: 'snappy',
    ...fields,
  };
}

/** Segments of 100 offsets in a row; `ages` in days, oldest first, negative for the future. */
export function segmentsOfAges(ages: readonly number[], fields: Partial<SegmentEntry> = {}) {
  return ages.map((days, nth) =>
    entry({
      ...fields,
      minOffset: BigInt(nth) * 100n,
      createdAtSeconds: AT_SECONDS - BigInt(Math.round(days * 86_400)),
    }),
  );
}

export interface TestIndex extends PlannerIndex {
  readonly entries: readonly SegmentEntry[];
  readonly partitions: readonly PlannerPartition[];
}

/** An index with the entries in this order, filed under their own topic and partition. */
export function indexOf(
  entries: readonly SegmentEntry[],
  live: (topic: string, partition: number) => boolean = () => false,
): TestIndex {
  const byKey = new Map<string, { topic: string; partition: number; places: number[] }>();
  for (const [place, { topic, partition }] of entries.entries()) {
    const key = `${topic}-${partition}`;
    const group = byKey.get(key) ?? { topic, partition, places: [] };
    group.places.push(place);
    byKey.set(key, group);
  }
  const entryAt = (place: number): SegmentEntry => {
    const found = entries[place];
    if (found === undefined) {
      throw new RangeError(`no entry at ${place}`);
    }
    return found;
  };
  return {
    entries,
    partitions: Array.from(byKey.values(), (group) => ({
      ...group,
      live: live(group.topic, group.partition),
    })),
    entry: entryAt,
    objectStorePath: (place) => entryAt(place).objectStorePath,
  };
}

/** Settings without a cap. */
export function settings(
  flags: RetentionLayer = {},
  run: Parameters<typeof resolveSettings>[1] = {},
): RetentionSettings {
  return resolveSettings({ flags }, { maxDeletions: null, ...run });
}

export const NO_LIMITS: RetentionLayer = {
  strategy: 'hybrid',
  maxAgeMs: null,
  maxSizeBytes: null,
  keepOffsets: null,
};

export function deletedPlaces(plan: Plan): number[] {
  return Array.from(plan.deleted(), ({ place }) => place);
}

export function deletedIds(plan: Plan): string[] {
  return Array.from(plan.deleted(), ({ entry: { segmentId } }) => segmentId);
}

/** The index after the plan is carried out, as apply would leave it. */
export function applied(index: TestIndex, plan: Plan): TestIndex {
  const gone = new Set(Array.from(plan.deleted()).flatMap((d) => [d.place, ...d.drops]));
  const live = new Set(
    index.partitions.filter((p) => p.live).map((p) => `${p.topic}-${p.partition}`),
  );
  return indexOf(
    index.entries.filter((_, place) => !gone.has(place)),
    (topic, partition) => live.has(`${topic}-${partition}`),
  );
}
