import fc from 'fast-check';
import type { Budget } from '../../../src/core/retention/budget.ts';
import type { Hold } from '../../../src/core/retention/hold.ts';
import {
  AGE_BASES,
  COMBINES,
  type Retention,
  type RetentionSettings,
  STRATEGIES,
} from '../../../src/core/retention/policy.ts';
import {
  LOST_MAX_TIMESTAMP,
  type SegmentEntry,
} from '../../../src/core/segment-index/segment-entry.ts';
import { AT_MS, AT_SECONDS, entry, indexOf, type TestIndex } from './planner-fixtures.ts';

const MAX_I64 = 2n ** 63n - 1n;
const MIN_I64 = -(2n ** 63n);
const TOPICS = ['orders', 'orders-eu', 'edge.cases'];

const clamped = (offset: bigint): bigint =>
  offset < 0n ? 0n : offset > MAX_I64 ? MAX_I64 : offset;

const offsetStep = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(1n, 500n) },
  // Equal and overlapping ranges, as a recreated topic leaves them.
  { weight: 2, arbitrary: fc.bigInt(-300n, 0n) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 53n, 2n ** 61n) },
);
const sizeBytes = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(0n, 1000n) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 2n ** 63n, 2n ** 64n - 1n) },
);
const createdAtSeconds = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt(-2000n, 100n).map((past) => AT_SECONDS + past) },
  { weight: 1, arbitrary: fc.constantFrom(MIN_I64, MAX_I64, 0n, AT_SECONDS, 3_692_217_600n) },
);
const timestamp = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(-2_000_000n, 100_000n).map((past) => BigInt(AT_MS) + past) },
  { weight: 2, arbitrary: fc.constant(LOST_MAX_TIMESTAMP) },
  { weight: 1, arbitrary: fc.constantFrom(-1n, 0n, MAX_I64) },
);

const rawSegment = fc.record({
  step: offsetStep,
  length: fc.bigInt(0n, 400n),
  sizeBytes,
  createdAtSeconds,
  minTimestamp: timestamp,
  maxTimestamp: timestamp,
});

const partitionOfEntries = fc
  .record({
    topic: fc.constantFrom(...TOPICS),
    partition: fc.integer({ min: 0, max: 2 }),
    segments: fc.array(rawSegment, { maxLength: 12 }),
  })
  .map(({ topic, partition, segments }): SegmentEntry[] => {
    let next = 0n;
    return segments.map(({ step, length, ...fields }) => {
      const minOffset = clamped(next + step);
      next = clamped(minOffset + length);
      return entry({ topic, partition, minOffset, maxOffset: next, ...fields });
    });
  });

/** Indexes of up to four partitions with all that real and damaged ones have. */
export const anyIndex: fc.Arbitrary<TestIndex> = fc
  .record({
    groups: fc.array(partitionOfEntries, { maxLength: 4 }),
    order: fc.boolean(),
    live: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  })
  .map(({ groups, order, live }) => {
    const entries = groups.flat();
    return indexOf(
      order ? [...entries].sort((a, b) => (a.minOffset < b.minOffset ? -1 : 1)) : entries,
      (topic, partition) => live[TOPICS.indexOf(topic) * 3 + partition] ?? false,
    );
  });

const maxAgeMs = fc.oneof(fc.integer({ min: 0, max: 2_500_000 }), fc.constant(0));
const maxSizeBytes = fc.oneof(fc.bigInt(0n, 8000n), fc.constant(2n ** 64n - 1n));
const keepOffsets = fc.oneof(fc.bigInt(0n, 3000n), fc.constant(MAX_I64));

/** Policies whose strategy has its limit. */
export const anyRetention: fc.Arbitrary<Retention> = fc
  .record({
    strategy: fc.constantFrom(...STRATEGIES),
    limits: fc.record({ maxAgeMs, maxSizeBytes, keepOffsets }),
    off: fc.record({ age: fc.boolean(), size: fc.boolean(), offsets: fc.boolean() }),
    combine: fc.constantFrom(...COMBINES),
    ageBy: fc.constantFrom(...AGE_BASES),
    allowGaps: fc.boolean(),
  })
  .map(({ strategy, limits, off, combine, ageBy, allowGaps }) => ({
    strategy,
    maxAgeMs: off.age && strategy === 'hybrid' ? null : limits.maxAgeMs,
    maxSizeBytes: off.size && strategy === 'hybrid' ? null : limits.maxSizeBytes,
    keepOffsets: off.offsets && strategy === 'hybrid' ? null : limits.keepOffsets,
    combine,
    ageBy,
    allowGaps,
  }));

/** As anyRetention, without the one that spares what is condemned. */
export const monotoneRetention = anyRetention.map(
  (retention): Retention =>
    retention.combine === 'chronik' ? { ...retention, combine: 'any' } : retention,
);

export const anyHold: fc.Arbitrary<Hold> = fc.record({
  topic: fc.constantFrom('orders', 'orders*', '*', 'edge.????s'),
  partition: fc.option(fc.integer({ min: 0, max: 2 })),
  fromOffset: fc.option(fc.bigInt(0n, 2000n)),
  toOffset: fc.option(fc.bigInt(0n, 4000n)),
  untilMs: fc.option(fc.integer({ min: AT_MS - 1000, max: AT_MS + 1_000_000 })),
  reason: fc.constant('legal hold 7'),
});

export const anyBudget: fc.Arbitrary<Budget> = fc.oneof(
  fc.record({ kind: fc.constant('share' as const), millionths: fc.bigInt(0n, 1_000_000n) }),
  fc.record({ kind: fc.constant('bytes' as const), bytes: fc.bigInt(0n, 8000n) }),
  fc.record({ kind: fc.constant('segments' as const), segments: fc.bigInt(0n, 20n) }),
);

export interface RunOptions {
  readonly retention: fc.Arbitrary<Retention>;
  readonly holds: fc.Arbitrary<readonly Hold[]>;
  readonly maxDeletions: fc.Arbitrary<number | null>;
}

/** Whole settings; parts can be given to narrow them. */
export function anySettings(parts: Partial<RunOptions> = {}): fc.Arbitrary<RetentionSettings> {
  const retention = parts.retention ?? anyRetention;
  return fc.record({
    default: retention,
    topics: fc.array(
      fc.record({ topic: fc.constantFrom('orders', 'orders-*', '*.cases'), retention }),
      { maxLength: 2 },
    ),
    holds: parts.holds ?? fc.array(anyHold, { maxLength: 2 }),
    maxDeletions: parts.maxDeletions ?? fc.option(fc.integer({ min: 0, max: 12 })),
    maxDelete: fc.option(anyBudget),
    includeLive: fc.boolean(),
  });
}
