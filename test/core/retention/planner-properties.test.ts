import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdCovers, holdsOf } from '../../../src/core/retention/hold.ts';
import type { Decision, Plan } from '../../../src/core/retention/plan.ts';
import { planJson } from '../../../src/core/retention/plan-json.ts';
import { planRetention } from '../../../src/core/retention/planner.ts';
import {
  type Retention,
  type RetentionSettings,
  resolvePolicy,
} from '../../../src/core/retention/policy.ts';
import { renderReason } from '../../../src/core/retention/reasons.ts';
import { recordAgeProblem } from '../../../src/core/retention/rules.ts';
import { assertPlanWithinBudget, summarize } from '../../../src/core/retention/summary.ts';
import type { SegctlError } from '../../../src/core/segctl-error.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { anyIndex, anyRetention, anySettings, monotoneRetention } from './arbitraries.ts';
import { AT_MS, applied, deletedPlaces, settings, type TestIndex } from './planner-fixtures.ts';

const RUNS = { numRuns: 2500 };
const noCap = { maxDeletions: fc.constant(null) };
const noHolds = { holds: fc.constant([]) };

const planned = (index: TestIndex, of: RetentionSettings, atMs = AT_MS): Plan =>
  planRetention(index, of, atMs);

const textOf = (plan: Plan): string =>
  [...planJson(plan, summarize(plan), { createdAtMs: AT_MS, indexDigest: 'sha256:0' })].join('');

/** The entries that a server would load, per partition in offset order, found the slow way. */
function loaded(index: TestIndex): { entry: SegmentEntry; place: number }[][] {
  return index.partitions.map(({ places }) => {
    const byMinOffset = new Map<bigint, number>();
    for (const place of Array.from(places)) {
      byMinOffset.set(index.entry(place).minOffset, place);
    }
    return Array.from(byMinOffset.values(), (place) => ({ place, entry: index.entry(place) })).sort(
      (a, b) => (a.entry.minOffset < b.entry.minOffset ? -1 : 1),
    );
  });
}

/** The limits of docs/retention.md on one partition, written down a second time. */
function condemnedByModel(entries: readonly SegmentEntry[], policy: Retention): boolean[] {
  const uses = (strategy: Retention['strategy']) =>
    policy.strategy === 'hybrid' || policy.strategy === strategy;
  return entries.map((entry, nth) => {
    const verdicts: boolean[] = [];
    if (policy.maxAgeMs !== null && uses('time')) {
      const byRecord = policy.ageBy === 'record';
      const known =
        !byRecord || recordAgeProblem(entry.minTimestamp, entry.maxTimestamp) === undefined;
      const ageMs = byRecord
        ? BigInt(AT_MS) - entry.maxTimestamp
        : BigInt(AT_MS) - entry.createdAtSeconds * 1000n;
      verdicts.push(known && ageMs > BigInt(policy.maxAgeMs));
    }
    if (policy.maxSizeBytes !== null && uses('size')) {
      const rest = entries.slice(nth).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
      verdicts.push(rest > policy.maxSizeBytes && nth < entries.length - 1);
    }
    if (policy.keepOffsets !== null && uses('offset')) {
      const highest = entries.at(-1)?.maxOffset ?? 0n;
      verdicts.push(entry.maxOffset < highest - policy.keepOffsets);
    }
    const all = policy.strategy === 'hybrid' && policy.combine === 'all';
    return verdicts.length > 0 && (all ? verdicts.every(Boolean) : verdicts.some(Boolean));
  });
}

describe('a plan', () => {
  it('decides on every entry once, with reasons', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        const plan = planned(index, of);
        const decisions: Decision[] = [...plan.deleted(), ...plan.kept(), ...plan.ignored()];
        const places = decisions.map(({ place }) => place).sort((a, b) => a - b);
        expect(places).toEqual(index.entries.map((_, place) => place));
        for (const decision of decisions) {
          expect(decision.reasons.length).toBeGreaterThan(0);
          const gone = decision.fate === 'delete';
          expect(
            decision.reasons.some(({ verdict }) => verdict === (gone ? 'delete' : 'keep')),
          ).toBe(true);
          for (const reason of decision.reasons) {
            expect(renderReason(reason)).toMatch(/^[^\n]{8,}$/);
            expect(renderReason(reason)).not.toMatch(/undefined|NaN|\[object/);
          }
        }
      }),
      RUNS,
    );
  });

  it('condemns what the model condemns, and nothing else', () => {
    fc.assert(
      fc.property(
        anyIndex,
        anySettings({ retention: monotoneRetention, ...noCap, ...noHolds }),
        (index, of) => {
          const all: RetentionSettings = { ...of, includeLive: true };
          const gone = new Set(deletedPlaces(planned(index, all)));
          for (const rows of loaded(index)) {
            const policy = resolvePolicy(rows[0]?.entry.topic ?? '', all).retention;
            const model = condemnedByModel(
              rows.map(({ entry }) => entry),
              policy,
            );
            const firstKept = model.indexOf(false);
            for (const [nth, { place }] of rows.entries()) {
              const guarded = !policy.allowGaps && firstKept >= 0 && nth > firstKept;
              expect(gone.has(place)).toBe(model[nth] === true && !guarded);
            }
          }
        },
      ),
      RUNS,
    );
  });

  it('is the same when made twice, and whatever order partitions come in', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        const text = textOf(planned(index, of));
        expect(textOf(planned(index, of))).toBe(text);
        const reversed = { ...index, partitions: [...index.partitions].reverse() };
        expect(textOf(planned(reversed, of))).toBe(text);
      }),
      RUNS,
    );
  });

  it('leaves a contiguous end of each partition unless gaps are allowed, also under a cap', () => {
    const retention = anyRetention.map((r) => ({ ...r, allowGaps: false }));
    fc.assert(
      fc.property(anyIndex, anySettings({ retention }), (index, of) => {
        const gone = new Set(deletedPlaces(planned(index, of)));
        for (const rows of loaded(index)) {
          const fates = rows.map(({ place }) => gone.has(place));
          expect(fates.lastIndexOf(true)).toBeLessThanOrEqual(
            fates.indexOf(false) < 0 ? fates.length : fates.indexOf(false),
          );
        }
      }),
      RUNS,
    );
  });

  it('deletes oldest first: whatever part is carried out, a prefix of each partition is', () => {
    const retention = anyRetention.map((r) => ({ ...r, allowGaps: false }));
    fc.assert(
      fc.property(anyIndex, anySettings({ retention, ...noCap }), (index, of) => {
        const next = loaded(index).map((rows) => rows.map(({ place }) => place));
        for (const place of deletedPlaces(planned(index, of))) {
          expect(next.some((places) => places[0] === place && places.shift() === place)).toBe(true);
        }
      }),
      RUNS,
    );
  });
});

describe('limits', () => {
  it('size never takes the newest segment of a partition', () => {
    const retention = anyRetention.map((r) => ({
      ...r,
      strategy: 'size' as const,
      maxSizeBytes: r.maxSizeBytes ?? 1n,
    }));
    fc.assert(
      fc.property(anyIndex, anySettings({ retention }), (index, of) => {
        const gone = new Set(deletedPlaces(planned(index, of)));
        for (const rows of loaded(index)) {
          expect(gone.has(rows.at(-1)?.place ?? -1)).toBe(false);
        }
      }),
      RUNS,
    );
  });

  const raised = fc.record({
    maxAgeMs: fc.integer({ min: 0, max: 1_000_000 }),
    maxSizeBytes: fc.bigInt(0n, 4000n),
    keepOffsets: fc.bigInt(0n, 2000n),
  });

  it('raised, never delete more with any or all', () => {
    fc.assert(
      fc.property(
        anyIndex,
        anySettings({ retention: monotoneRetention, ...noCap }),
        raised,
        (index, of, more) => {
          const raise = (r: Retention): Retention => ({
            ...r,
            maxAgeMs: r.maxAgeMs === null ? null : r.maxAgeMs + more.maxAgeMs,
            maxSizeBytes: r.maxSizeBytes === null ? null : r.maxSizeBytes + more.maxSizeBytes,
            keepOffsets: r.keepOffsets === null ? null : r.keepOffsets + more.keepOffsets,
          });
          const before = new Set(deletedPlaces(planned(index, of)));
          const after = deletedPlaces(
            planned(index, {
              ...of,
              default: raise(of.default),
              topics: of.topics.map(({ topic, retention }) => ({
                topic,
                retention: raise(retention),
              })),
            }),
          );
          expect(after.filter((place) => !before.has(place))).toEqual([]);
        },
      ),
      RUNS,
    );
  });

  it('raised, never delete more segments under a cap, though maybe others', () => {
    fc.assert(
      fc.property(
        anyIndex,
        monotoneRetention,
        raised,
        fc.integer({ min: 0, max: 8 }),
        (index, retention, more, maxDeletions) => {
          const count = (r: Retention): number =>
            planned(index, settings(r, { maxDeletions })).deletions.length;
          const after = count({
            ...retention,
            maxAgeMs: retention.maxAgeMs === null ? null : retention.maxAgeMs + more.maxAgeMs,
          });
          expect(after).toBeLessThanOrEqual(count(retention));
          expect(after).toBeLessThanOrEqual(maxDeletions);
        },
      ),
      RUNS,
    );
  });

  it('age never condemns what lies in the future or is not known', () => {
    const retention = anyRetention.map((r) => ({
      ...r,
      strategy: 'time' as const,
      maxAgeMs: r.maxAgeMs ?? 0,
    }));
    fc.assert(
      fc.property(anyIndex, retention, (index, policy) => {
        const plan = planned(index, settings(policy, { includeLive: true }));
        for (const { entry } of plan.deleted()) {
          if (policy.ageBy === 'created') {
            expect(entry.createdAtSeconds * 1000n).toBeLessThan(BigInt(AT_MS));
          } else {
            expect(entry.maxTimestamp).toBeLessThan(BigInt(AT_MS));
            expect(entry.maxTimestamp).toBeGreaterThanOrEqual(0n);
            expect(entry.maxTimestamp).toBeGreaterThanOrEqual(entry.minTimestamp);
          }
        }
      }),
      RUNS,
    );
  });
});

describe('planning again after the plan is carried out', () => {
  it('finds nothing to do, without a cap', () => {
    const retention = monotoneRetention.map((r) => ({ ...r, allowGaps: false }));
    fc.assert(
      fc.property(anyIndex, anySettings({ retention, ...noCap }), (index, of) => {
        const next = applied(index, planned(index, of));
        expect(deletedPlaces(planned(next, of))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('finds nothing to do with gaps allowed, as long as each partition keeps its newest', () => {
    const retention = monotoneRetention.map((r) => ({ ...r, allowGaps: true }));
    fc.assert(
      fc.property(anyIndex, anySettings({ retention, ...noCap }), (index, of) => {
        const plan = planned(index, of);
        fc.pre(![...plan.deleted()].some(({ newest }) => newest));
        expect(deletedPlaces(planned(applied(index, plan), of))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('under a cap, run after run ends where one run without it does', () => {
    const retention = monotoneRetention.map((r) => ({ ...r, allowGaps: false }));
    fc.assert(
      fc.property(
        anyIndex,
        anySettings({ retention, ...noCap }),
        fc.integer({ min: 1, max: 5 }),
        (index, of, maxDeletions) => {
          const atOnce = applied(index, planned(index, of));
          let step = index;
          for (let runs = 0; runs <= index.entries.length; runs++) {
            step = applied(step, planned(step, { ...of, maxDeletions }));
          }
          expect(step.entries).toEqual(atOnce.entries);
        },
      ),
      RUNS,
    );
  });
});

describe('guards', () => {
  it('holds are respected', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        for (const { entry } of planned(index, of).deleted()) {
          const holds = holdsOf(of.holds, entry.topic, entry.partition, AT_MS);
          expect(holds.some((hold) => holdCovers(hold, entry.minOffset, entry.maxOffset))).toBe(
            false,
          );
        }
      }),
      RUNS,
    );
  });

  it('live segments stay unless they are included', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        for (const { entry, newest } of planned(index, of).deleted()) {
          const partition = index.partitions.find(
            (p) => p.topic === entry.topic && p.partition === entry.partition,
          );
          expect(newest && partition?.live === true && !of.includeLive).toBe(false);
        }
      }),
      RUNS,
    );
  });

  it('blockers that are named are real', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        const plan = planned(index, of);
        const fateOf = new Map(Array.from(plan.kept(), ({ place, fate }) => [place, fate]));
        for (const { entry, reasons } of plan.kept()) {
          for (const reason of reasons) {
            if (reason.rule === 'prefix-guard') {
              const blocker = index.entry(reason.blockerPlace);
              expect(['spared', 'hold', 'live']).toContain(fateOf.get(reason.blockerPlace));
              expect(blocker.segmentId).toBe(reason.blockerSegmentId);
              expect([blocker.topic, blocker.partition]).toEqual([entry.topic, entry.partition]);
              expect(blocker.minOffset).toBeLessThan(entry.minOffset);
            }
          }
        }
        const held = summarize(plan).partitions.reduce(
          (sum, { blocker }) => sum + (blocker?.heldBack.segments ?? 0),
          0,
        );
        expect(held).toBe([...fateOf.values()].filter((fate) => fate === 'prefix-guard').length);
      }),
      RUNS,
    );
  });

  it('a budget is never exceeded', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        const plan = planned(index, of);
        const summary = summarize(plan);
        const bytes = [...plan.deleted()].reduce((sum, d) => sum + d.entry.sizeBytes, 0n);
        const total = loaded(index)
          .flat()
          .reduce((sum, { entry }) => sum + entry.sizeBytes, 0n);
        const { maxDelete } = of;
        const within =
          maxDelete === null ||
          (maxDelete.kind === 'segments' && BigInt(plan.deletions.length) <= maxDelete.segments) ||
          (maxDelete.kind === 'bytes' && bytes <= maxDelete.bytes) ||
          (maxDelete.kind === 'share' && bytes * 1_000_000n <= total * maxDelete.millionths);
        expect(summary.withinBudget).toBe(within);
        if (within) {
          assertPlanWithinBudget(plan, summary);
        } else {
          expect(() => assertPlanWithinBudget(plan, summary)).toThrow(
            expect.objectContaining<Partial<SegctlError>>({ code: 'over-budget', exit: 'refused' }),
          );
        }
      }),
      RUNS,
    );
  });

  it('objects that a staying entry names stay', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index, of) => {
        const plan = planned(index, of);
        const left = new Set(applied(index, plan).entries.map((e) => e.objectStorePath));
        for (const { entry, keepsObject } of plan.deleted()) {
          expect(keepsObject).toBe(left.has(entry.objectStorePath));
        }
      }),
      RUNS,
    );
  });
});

it('the summary adds up', () => {
  fc.assert(
    fc.property(anyIndex, anySettings(), (index, of) => {
      const plan = planned(index, of);
      const summary = summarize(plan);
      const deleted = [...plan.deleted()];
      const kept = [...plan.kept()];
      expect(summary.byFate.delete.segments).toBe(deleted.length);
      expect(summary.keep.segments).toBe(kept.length);
      expect(summary.total.segments).toBe(deleted.length + kept.length);
      expect(summary.total.segments + summary.ignored).toBe(index.entries.length);
      expect(summary.byFate.delete.bytes).toBe(deleted.reduce((s, d) => s + d.entry.sizeBytes, 0n));
      expect(summary.total.bytes).toBe(summary.keep.bytes + summary.byFate.delete.bytes);
      for (const partition of summary.partitions) {
        const { delete: gone, ...staying } = partition.byFate;
        const sum = Object.values(staying).reduce((s, { records }) => s + records, 0n);
        expect(partition.keep.records).toBe(sum);
        expect(gone.segments + partition.keep.segments + partition.ignored).toBe(
          index.entries.filter(
            (e) => e.topic === partition.topic && e.partition === partition.partition,
          ).length,
        );
      }
    }),
    RUNS,
  );
});
