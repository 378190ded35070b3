import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/retention/plan.ts';
import { planRetention } from '../../../src/core/retention/planner.ts';
import type { RetentionSettings } from '../../../src/core/retention/policy.ts';
import { renderReason } from '../../../src/core/retention/reasons.ts';
import {
  assertPlanWithinBudget,
  renderBlocker,
  summarize,
} from '../../../src/core/retention/summary.ts';
import {
  LOST_MAX_TIMESTAMP,
  type SegmentEntry,
} from '../../../src/core/segment-index/segment-entry.ts';
import {
  AT_MS,
  AT_SECONDS,
  applied,
  DAY,
  deletedPlaces,
  entry,
  indexOf,
  NO_LIMITS,
  segmentsOfAges,
  settings,
} from './planner-fixtures.ts';

const plan = (entries: readonly SegmentEntry[], of: RetentionSettings): Plan =>
  planRetention(indexOf(entries), of, AT_MS);

const reasonsAt = (of: Plan, place: number): string[] =>
  [...of.deleted(), ...of.kept(), ...of.ignored()]
    .filter((decision) => decision.place === place)
    .flatMap(({ reasons }) => reasons.map(renderReason));

describe('time', () => {
  it('condemns what is older than the limit, not what is as old', () => {
    const entries = [7 * 86_400 + 1, 7 * 86_400].map((age, nth) =>
      entry({ minOffset: BigInt(nth) * 100n, createdAtSeconds: AT_SECONDS - BigInt(age) }),
    );
    const made = plan(entries, settings({ strategy: 'time' }));
    expect(deletedPlaces(made)).toEqual([0]);
    expect(reasonsAt(made, 0)).toEqual([
      'created_at 2026-01-24T02:59:59.000Z is 7d1s ago, more than 7d',
    ]);
    expect(reasonsAt(made, 1)).toEqual([
      'created_at 2026-01-24T03:00:00.000Z is 7d ago, not more than 7d',
    ]);
  });

  it('compares whole seconds, as created_at has them', () => {
    const entries = [entry({ createdAtSeconds: AT_SECONDS - 10n })];
    const of = settings({ strategy: 'time', maxAgeMs: 10_000 });
    expect(planRetention(indexOf(entries), of, AT_MS + 999).deletions).toHaveLength(0);
    expect(planRetention(indexOf(entries), of, AT_MS + 1000).deletions).toHaveLength(1);
  });

  it('may empty an idle partition', () => {
    const entries = segmentsOfAges([30, 20, 10]);
    expect(deletedPlaces(plan(entries, settings({ strategy: 'time' })))).toEqual([0, 1, 2]);
  });

  it('never condemns by a time in the future, and copes with any int64', () => {
    const entries = [
      entry({ createdAtSeconds: 3_692_217_600n }),
      entry({ minOffset: 100n, createdAtSeconds: 2n ** 63n - 1n }),
      entry({ minOffset: 200n, createdAtSeconds: -(2n ** 63n) }),
    ];
    const made = plan(entries, settings({ strategy: 'time', maxAgeMs: 0, allowGaps: true }));
    expect(deletedPlaces(made)).toEqual([2]);
    expect(reasonsAt(made, 0)[0]).toMatch(/^created_at 2087-01-01T\S+ lies \d+d\S* in the future$/);
    expect(reasonsAt(made, 1)[0]).toContain('9223372036854775807000 ms since 1970 lies');
    expect(summarize(made).inFuture).toBe(2);
  });

  it('by record keeps what has no trustworthy maximum, and says so', () => {
    const old = { minTimestamp: 1000n, maxTimestamp: 2000n };
    const entries = [
      entry({ ...old }),
      entry({ ...old, minOffset: 100n, maxTimestamp: LOST_MAX_TIMESTAMP }),
      entry({ ...old, minOffset: 200n, maxTimestamp: 999n }),
      entry({ ...old, minOffset: 300n, minTimestamp: -1n, maxTimestamp: -1n }),
      entry({ ...old, minOffset: 400n, maxTimestamp: BigInt(AT_MS) + 1n }),
    ];
    const made = plan(entries, settings({ strategy: 'time', ageBy: 'record', allowGaps: true }));
    expect(deletedPlaces(made)).toEqual([0]);
    expect(reasonsAt(made, 1)).toEqual([
      'age by record is not known: the index has lost max_timestamp (segctl reindex finds the true one)',
    ]);
    expect(reasonsAt(made, 2)[0]).toContain('max_timestamp 999 is below min_timestamp 1000');
    expect(reasonsAt(made, 3)[0]).toContain('max_timestamp -1 is negative');
    expect(reasonsAt(made, 4)[0]).toContain('lies 1ms in the future');
    expect(summarize(made)).toMatchObject({ ageUnknown: 3, inFuture: 1 });
  });
});

describe('size', () => {
  const entries = segmentsOfAges([5, 4, 3, 2], { sizeBytes: 1000n });

  it('takes the oldest until the rest fits', () => {
    const size = (maxSizeBytes: bigint) => settings({ strategy: 'size', maxSizeBytes });
    expect(deletedPlaces(plan(entries, size(4000n)))).toEqual([]);
    expect(deletedPlaces(plan(entries, size(3999n)))).toEqual([0]);
    expect(deletedPlaces(plan(entries, size(2000n)))).toEqual([0, 1]);
    expect(deletedPlaces(plan(entries, size(0n)))).toEqual([0, 1, 2]);
    expect(reasonsAt(plan(entries, size(0n)), 3)).toEqual([
      "the size limit never takes a partition's newest segment, though 1000 B is more than 0 B",
    ]);
  });

  it('adds beyond 64 bits', () => {
    const huge = segmentsOfAges([3, 2, 1], { sizeBytes: 2n ** 64n - 1n });
    const of = settings({ strategy: 'size', maxSizeBytes: 2n ** 64n - 1n });
    expect(deletedPlaces(plan(huge, of))).toEqual([0, 1]);
  });
});

describe('offset', () => {
  it('condemns what lies below the highest less what is kept', () => {
    const entries = segmentsOfAges([5, 4, 3, 2]);
    const made = plan(entries, settings({ strategy: 'offset', keepOffsets: 199n }));
    expect(deletedPlaces(made)).toEqual([0, 1]);
    expect(reasonsAt(made, 1)).toEqual(['max_offset 199 is below 399 - 199']);
    expect(reasonsAt(made, 2)).toEqual(['max_offset 299 is not below 399 - 199']);
    expect(
      deletedPlaces(plan(entries, settings({ strategy: 'offset', keepOffsets: 200n }))),
    ).toEqual([0]);
  });

  it('counts from the last entry in min_offset order, also where an older one reaches further', () => {
    const entries = [
      entry({ minOffset: 0n, maxOffset: 900n }),
      entry({ minOffset: 500n, maxOffset: 600n }),
    ];
    expect(deletedPlaces(plan(entries, settings({ strategy: 'offset', keepOffsets: 0n })))).toEqual(
      [],
    );
  });
});

describe('hybrid', () => {
  const entries = segmentsOfAges([9, 8, 2, 1], { sizeBytes: 1000n });
  const limits = { maxAgeMs: 7 * 86_400_000, maxSizeBytes: 1500n, keepOffsets: 250n } as const;

  it('with any takes what one limit condemns, with all what every limit does', () => {
    expect(deletedPlaces(plan(entries, settings({ ...limits })))).toEqual([0, 1, 2]);
    const all = plan(entries, settings({ ...limits, combine: 'all' }));
    expect(deletedPlaces(all)).toEqual([0]);
    expect(reasonsAt(all, 1)).toEqual(['max_offset 199 is not below 399 - 250']);
  });

  it('without a limit keeps all, and says so', () => {
    for (const combine of ['any', 'all', 'chronik'] as const) {
      const made = plan(entries, settings({ ...NO_LIMITS, combine }));
      expect(deletedPlaces(made)).toEqual([]);
      expect(reasonsAt(made, 0)).toEqual(['no limit that could condemn it is switched on']);
    }
  });

  it('as Chronik does it, size alone never deletes, and spares what is expired', () => {
    const chronik = { ...NO_LIMITS, combine: 'chronik', maxSizeBytes: 3500n } as const;
    expect(deletedPlaces(plan(entries, settings(chronik)))).toEqual([]);
    const spared = plan(entries, settings({ ...chronik, maxAgeMs: limits.maxAgeMs }));
    expect(deletedPlaces(spared)).toEqual([0]);
    expect(reasonsAt(spared, 1).at(-1)).toBe(
      "older candidates bring the partition's 3.9 KiB (4000 B) down to 3.4 KiB (3500 B)",
    );
  });

  it('as Chronik does it, deletes more when the size limit is raised, and more when run again', () => {
    const of = (maxSizeBytes: bigint) =>
      settings({ ...NO_LIMITS, combine: 'chronik', maxAgeMs: limits.maxAgeMs, maxSizeBytes });
    expect(deletedPlaces(plan(entries, of(3500n)))).toEqual([0]);
    expect(deletedPlaces(plan(entries, of(4000n)))).toEqual([0, 1]);
    const index = indexOf(entries);
    const next = applied(index, planRetention(index, of(3500n), AT_MS));
    expect(planRetention(next, of(3500n), AT_MS).deletions).toHaveLength(1);
  });

  it('with all deletes more when a limit is switched off', () => {
    const all = { ...limits, combine: 'all' } as const;
    expect(deletedPlaces(plan(entries, settings({ ...all, keepOffsets: null })))).toEqual([0, 1]);
  });

  it('with gaps can find more to do, where the newest goes and an older one reaches further', () => {
    const index = indexOf([
      entry({ minOffset: 0n, maxOffset: 10n }),
      entry({ minOffset: 5n, maxOffset: 900n }),
      entry({ minOffset: 20n, maxOffset: 30n, createdAtSeconds: AT_SECONDS - 30n * DAY }),
    ]);
    const of = settings({
      ...NO_LIMITS,
      maxAgeMs: 7 * 86_400_000,
      keepOffsets: 100n,
      allowGaps: true,
    });
    const first = planRetention(index, of, AT_MS);
    expect(deletedPlaces(first)).toEqual([2]);
    expect(deletedPlaces(planRetention(applied(index, first), of, AT_MS))).toEqual([0]);
  });
});

describe('the prefix guard', () => {
  const entries = segmentsOfAges([-22_250, 9, 8, 1]);

  it('keeps what is newer than a segment that stays, and names the blocker', () => {
    const made = plan(entries, settings({ strategy: 'time' }));
    expect(deletedPlaces(made)).toEqual([]);
    expect(reasonsAt(made, 1).at(-1)).toMatch(
      /^an older segment stays: orders-0-0-99 with created_at 2087-01-01T/,
    );
    const { blocker } = summarize(made).partitions[0] ?? {};
    expect(blocker && renderBlocker(blocker)).toMatch(
      /^1 segment with created_at 2087-01-01T\S+ holds back 2$/,
    );
  });

  it('is off with gaps allowed', () => {
    expect(deletedPlaces(plan(entries, settings({ strategy: 'time', allowGaps: true })))).toEqual([
      1, 2,
    ]);
  });

  it('counts the blockers before the last that is held back', () => {
    const made = plan(segmentsOfAges([9, 1, 1, 8, 1]), settings({ strategy: 'time' }));
    expect(deletedPlaces(made)).toEqual([0]);
    expect(summarize(made).partitions[0]?.blocker).toMatchObject({
      blockers: 2,
      fate: 'spared',
      heldBack: { segments: 1 },
    });
  });
});

describe('holds', () => {
  const hold = {
    topic: 'ord*',
    partition: null,
    fromOffset: 150n,
    toOffset: 160n,
    untilMs: null,
    reason: 'legal hold 7',
  };
  const entries = segmentsOfAges([9, 9, 9]);

  it('keep what shares an offset with them', () => {
    const of = settings({ strategy: 'time', allowGaps: true }, { holds: [hold] });
    const made = plan(entries, of);
    expect(deletedPlaces(made)).toEqual([0, 2]);
    expect(reasonsAt(made, 1)).toEqual([
      'created_at 2026-01-22T03:00:00.000Z is 9d ago, more than 7d',
      'held for ever by ord*: legal hold 7',
    ]);
  });

  it('hold at their first and last offset, not beside them', () => {
    const spared = (fromOffset: bigint, toOffset: bigint): number[] => {
      const holds = [{ ...hold, fromOffset, toOffset }];
      const made = plan(entries, settings({ strategy: 'time', allowGaps: true }, { holds }));
      return Array.from(made.kept(), ({ place }) => place);
    };
    expect(spared(99n, 100n)).toEqual([0, 1]);
    expect(spared(100n, 199n)).toEqual([1]);
    expect(spared(300n, 400n)).toEqual([]);
  });

  it('end, and are for their topic and partition', () => {
    for (const other of [{ untilMs: AT_MS }, { partition: 1 }, { topic: 'orders-*' }]) {
      const of = settings({ strategy: 'time' }, { holds: [{ ...hold, ...other }] });
      expect(deletedPlaces(plan(entries, of))).toEqual([0, 1, 2]);
    }
    const still = settings({ strategy: 'time' }, { holds: [{ ...hold, untilMs: AT_MS + 1 }] });
    expect(deletedPlaces(plan(entries, still))).toEqual([0]);
  });
});

describe('live segments', () => {
  const index = indexOf(segmentsOfAges([9, 8]), () => true);

  it('stay, unless they are included', () => {
    const left = planRetention(index, settings({ strategy: 'time' }), AT_MS);
    expect(deletedPlaces(left)).toEqual([0]);
    expect(reasonsAt(left, 1).at(-1)).toMatch(/^live: /);
    const taken = planRetention(
      index,
      settings({ strategy: 'time' }, { includeLive: true }),
      AT_MS,
    );
    expect(deletedPlaces(taken)).toEqual([0, 1]);
    expect(reasonsAt(taken, 1).at(-1)).toMatch(/^live, and taken all the same/);
  });
});

describe('the cap', () => {
  it('goes oldest first over all partitions, and says what is left', () => {
    const entries = [
      ...segmentsOfAges([20, 18, 16], { topic: 'b' }),
      ...segmentsOfAges([19, 17], { topic: 'a' }),
      ...segmentsOfAges([17], { topic: 'a', partition: 2 }),
      ...segmentsOfAges([17], { topic: 'a', partition: 10 }),
    ];
    const of = settings({ strategy: 'time' }, { maxDeletions: 5 });
    const made = plan(entries, of);
    expect(deletedPlaces(made)).toEqual([0, 3, 1, 4, 5]);
    expect(reasonsAt(made, 6).at(-1)).toBe('beyond the 5 deletions of one run');
    expect(summarize(made).byFate.cap.segments).toBe(2);
  });

  it('lets no segment overtake an older one of its partition', () => {
    const entries = [
      ...segmentsOfAges([10, 30], { topic: 'a' }),
      ...segmentsOfAges([20, 20], { topic: 'b' }),
    ];
    const made = plan(entries, settings({ strategy: 'time' }));
    expect(deletedPlaces(made)).toEqual([2, 3, 0, 1]);
    const capped = plan(entries, settings({ strategy: 'time' }, { maxDeletions: 3 }));
    expect(deletedPlaces(capped)).toEqual([2, 3, 0]);
  });

  it('of 0 deletes nothing', () => {
    const made = plan(segmentsOfAges([9]), settings({ strategy: 'time' }, { maxDeletions: 0 }));
    expect(deletedPlaces(made)).toEqual([]);
  });

  it('can take another segment when a limit is raised', () => {
    const entries = [
      ...segmentsOfAges([20, 1]),
      entry({ topic: 'payments', minOffset: 0n, createdAtSeconds: AT_SECONDS - 19n * DAY }),
      entry({ topic: 'payments', minOffset: 100n, maxOffset: 1999n }),
    ];
    const of = (keepOffsets: bigint) =>
      settings({ ...NO_LIMITS, keepOffsets }, { maxDeletions: 1 });
    expect(deletedPlaces(plan(entries, of(50n)))).toEqual([0]);
    expect(deletedPlaces(plan(entries, of(100n)))).toEqual([2]);
  });
});

describe('entries that the server does not load', () => {
  it('take no part, and leave with the entry that hides them', () => {
    const entries = [
      entry({ minOffset: 0n, maxOffset: 319n, createdAtSeconds: 1n }),
      entry({ minOffset: 320n, maxOffset: 400n, createdAtSeconds: 1n }),
      entry({ minOffset: 0n, maxOffset: 639n, createdAtSeconds: 2n }),
    ];
    const made = plan(entries, settings({ strategy: 'time' }));
    expect(Array.from(made.deleted(), ({ place, drops }) => ({ place, drops }))).toEqual([
      { place: 2, drops: [0] },
      { place: 1, drops: [] },
    ]);
    expect(reasonsAt(made, 0)).toEqual([
      'not loaded by the server: orders-0-0-639 has the same min_offset and comes later',
    ]);
    expect(summarize(made)).toMatchObject({ ignored: 1, total: { segments: 2 } });
  });

  it('are reported under the key that the server skips, or that is not theirs', () => {
    const entries = [entry({ createdAtSeconds: 1n }), entry({ topic: 'other', minOffset: 100n })];
    const made = planRetention(
      {
        ...indexOf(entries),
        partitions: [{ topic: 'orders', partition: 0, live: false, places: [1] }],
        unreadable: [{ key: 'orders-x', places: [0] }],
      },
      settings({ strategy: 'time', maxAgeMs: 0 }),
      AT_MS,
    );
    expect(deletedPlaces(made)).toEqual([]);
    expect(reasonsAt(made, 1)).toEqual([
      'takes no part: the entry says other, partition 0, unlike the key it is under',
    ]);
    expect(reasonsAt(made, 0)).toEqual(['not loaded by the server: it skips the key "orders-x"']);
  });

  it('stop a plan where two keys name one partition', () => {
    const index = indexOf([entry(), entry({ minOffset: 100n })]);
    const twice = [[0], [1]].map((places) => ({
      topic: 'orders',
      partition: 0,
      live: false,
      places,
    }));
    expect(() => planRetention({ ...index, partitions: twice }, settings(), AT_MS)).toThrow(
      expect.objectContaining({ code: 'partition-repeated' }),
    );
  });
});

it('an object that an entry that stays names too stays', () => {
  const path = '/data/tantivy_indexes/orders/partition-0/segment-0-99.tar.gz';
  const entries = [
    entry({ createdAtSeconds: 1n, objectStorePath: path }),
    entry({ minOffset: 100n, objectStorePath: `.${path.replace('/partition', '//./partition')}` }),
  ];
  const [deleted] = plan(entries, settings({ strategy: 'time' })).deleted();
  expect(deleted).toMatchObject({ place: 0, keepsObject: true });
  expect(deleted?.reasons.map(renderReason).at(-1)).toBe(
    'its object stays, since orders-0-100-199 names it too',
  );
});

it('a plan beyond its budget can be shown, and is refused with the figures', () => {
  const entries = segmentsOfAges([9, 8, 1], { sizeBytes: 2n ** 30n });
  const of = settings({ strategy: 'time' }, { maxDelete: { kind: 'share', millionths: 500_000n } });
  const made = plan(entries, of);
  const summary = summarize(made);
  expect(summary.withinBudget).toBe(false);
  expect(() => assertPlanWithinBudget(made, summary)).toThrow(
    expect.objectContaining({
      code: 'over-budget',
      exit: 'refused',
      message: 'the plan would delete 2 segments with 2 GiB of 3 GiB, beyond the budget of 50%',
      facts: {
        budget: '50%',
        deleteSegments: 2,
        deleteBytes: 2n * 2n ** 30n,
        totalBytes: 3n * 2n ** 30n,
      },
    }),
  );
});
