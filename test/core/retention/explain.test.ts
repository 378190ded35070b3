import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/core/retention/explain.ts';
import { renderForesight } from '../../../src/core/retention/foresight.ts';
import { planRetention } from '../../../src/core/retention/planner.ts';
import type { RetentionSettings } from '../../../src/core/retention/policy.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { anyIndex, anySettings, monotoneRetention } from './arbitraries.ts';
import {
  AT_MS,
  AT_SECONDS,
  deletedPlaces,
  entry,
  indexOf,
  NO_LIMITS,
  segmentsOfAges,
  settings,
} from './planner-fixtures.ts';

const goes = (entries: readonly SegmentEntry[], of: RetentionSettings, place: number) =>
  renderForesight(explain(planRetention(indexOf(entries), of, AT_MS), place).goes);

describe('when a segment would go', () => {
  const entries = segmentsOfAges([9, 6, 5, 1], { sizeBytes: 1000n });

  it('by time, is the first instant at which a run takes it', () => {
    const of = settings({ strategy: 'time' });
    expect(goes(entries, of, 0)).toBe('goes with the next run');
    expect(goes(entries, of, 1)).toBe('goes at 2026-02-01T03:00:01.000Z');
    const byRecord = settings({ strategy: 'time', ageBy: 'record', maxAgeMs: 86_400_000 });
    const fresh = [entry({ minTimestamp: BigInt(AT_MS), maxTimestamp: BigInt(AT_MS) + 5n })];
    expect(goes(fresh, byRecord, 0)).toBe('goes at 2026-02-01T03:00:00.006Z');
  });

  it('by size and offset, is how much its partition has to grow', () => {
    const bySize = settings({ strategy: 'size', maxSizeBytes: 3500n });
    expect(goes(entries, bySize, 0)).toBe('goes with the next run');
    expect(goes(entries, bySize, 1)).toBe('goes once its partition has grown by 501 B');
    expect(goes(entries, bySize, 3)).toBe('not foreseeable: it is the newest of its partition');
    const grown = (sizeBytes: bigint) => [...entries, entry({ minOffset: 400n, sizeBytes })];
    expect(deletedPlaces(planRetention(indexOf(grown(500n)), bySize, AT_MS))).toEqual([0]);
    expect(deletedPlaces(planRetention(indexOf(grown(501n)), bySize, AT_MS))).toEqual([0, 1]);

    const byOffset = settings({ strategy: 'offset', keepOffsets: 250n });
    expect(goes(entries, byOffset, 1)).toBe(
      "goes once its partition's highest offset has grown by 51",
    );
    const reaching = (maxOffset: bigint) => [...entries, entry({ minOffset: 400n, maxOffset })];
    expect(deletedPlaces(planRetention(indexOf(reaching(449n)), byOffset, AT_MS))).toEqual([0]);
    expect(deletedPlaces(planRetention(indexOf(reaching(450n)), byOffset, AT_MS))).toEqual([0, 1]);
  });

  it('by any limit, is at the latest when it is too old; by all, depends on the last', () => {
    const limits = { ...NO_LIMITS, maxAgeMs: 7 * 86_400_000, keepOffsets: 5000n };
    expect(goes(entries, settings(limits), 1)).toBe(
      'goes at the latest at 2026-02-01T03:00:01.000Z',
    );
    expect(goes(entries, settings({ ...limits, combine: 'all' }), 1)).toBe(
      'not foreseeable: it depends on how its partition grows',
    );
    expect(goes(entries, settings({ ...limits, combine: 'all' }), 0)).toMatch(/has grown by 4701$/);
    expect(goes(entries, settings({ ...limits, combine: 'all', keepOffsets: 50n }), 1)).toBe(
      'goes at 2026-02-01T03:00:01.000Z',
    );
  });

  it('waits for older segments, holds and the cap', () => {
    const of = settings({ strategy: 'time' });
    expect(goes(segmentsOfAges([1, 9]), of, 1)).toBe('goes at 2026-02-06T03:00:01.000Z');
    const lost = [entry({ maxTimestamp: -1n }), entry({ minOffset: 100n })];
    expect(goes(lost, settings({ strategy: 'time', ageBy: 'record' }), 1)).toBe(
      'not foreseeable: an older segment of its partition, with offsets 0 to 99, stays',
    );
    const hold = { topic: '*', partition: null, fromOffset: null, toOffset: null, reason: 'audit' };
    const until = settings({ strategy: 'time' }, { holds: [{ ...hold, untilMs: AT_MS + 1500 }] });
    expect(goes(entries, until, 0)).toBe('goes at 2026-01-31T03:00:01.500Z');
    const forEver = settings({ strategy: 'time' }, { holds: [{ ...hold, untilMs: null }] });
    expect(goes(entries, forEver, 0)).toBe('never goes: held for ever: audit');
    const capped = settings({ strategy: 'time' }, { maxDeletions: 0 });
    expect(goes(entries, capped, 0)).toBe('goes with a later run: this one is full');
  });

  it('is not foreseeable for a live segment', () => {
    const live = indexOf(entries, () => true);
    const plan = planRetention(live, settings({ strategy: 'time' }), AT_MS);
    expect(renderForesight(explain(plan, 3).goes)).toBe(
      'not foreseeable: it is live, until a newer segment is written',
    );
  });

  it('is to the instant: a run then takes it, and one a moment before does not', () => {
    let foreseen = 0;
    fc.assert(
      fc.property(
        anyIndex,
        anySettings({ retention: monotoneRetention, maxDeletions: fc.constant(null) }),
        (index, of) => {
          const plan = planRetention(index, of, AT_MS);
          for (const { place } of plan.kept()) {
            const { goes } = explain(plan, place);
            if (goes.kind !== 'at' || !Number.isSafeInteger(Number(goes.atMs))) {
              continue;
            }
            foreseen++;
            const then = Number(goes.atMs);
            expect(deletedPlaces(planRetention(index, of, then))).toContain(place);
            expect(deletedPlaces(planRetention(index, of, then - 1))).not.toContain(place);
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(foreseen).toBeGreaterThan(1000);
  });
});

describe('an explanation', () => {
  it('has the verdict of every limit', () => {
    const entries = segmentsOfAges([9, 6, 1]);
    const { limits, decision, policy } = explain(
      planRetention(indexOf(entries), settings(), AT_MS),
      1,
    );
    expect(limits.map(({ reason }) => [reason.rule, reason.verdict])).toEqual([
      ['time', 'keep'],
      ['size', 'keep'],
      ['offset', 'keep'],
    ]);
    expect(decision).toMatchObject({ place: 1, fate: 'spared' });
    expect(policy?.pattern).toBeNull();
  });

  it('is there for entries that take no part, and an error for none', () => {
    const entries = [entry({ createdAtSeconds: AT_SECONDS }), entry({ maxOffset: 500n })];
    const plan = planRetention(indexOf(entries), settings(), AT_MS);
    expect(explain(plan, 0)).toMatchObject({ limits: [], goes: { kind: 'never' } });
    expect(() => explain(plan, 7)).toThrow(expect.objectContaining({ code: 'no-such-segment' }));
  });
});
