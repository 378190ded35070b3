import type { PartitionPlan } from './partition-plan.ts';
import { at } from './partition-rows.ts';
import type { PlannerIndex } from './planner-input.ts';
import type { Reason, Verdict } from './reasons.ts';
import { OFFSET, recordAgeProblem, SIZE, TIME } from './rules.ts';

/**
 * The reasons of one row, at least one. Of a row that goes: the limits that condemn it. Of one that
 * stays by itself: those that spare it. Of one that is saved: what condemns it, then what saves it.
 */
export function reasonsOf(
  plan: PartitionPlan,
  row: number,
  index: PlannerIndex,
  maxDeletions: number | null,
): readonly Reason[] {
  const fate = plan.fate(row);
  if (fate === 'spared') {
    return sparingReasons(plan, row);
  }
  const reasons = limitReasons(plan, row).filter(({ verdict }) => verdict === 'delete');
  switch (fate) {
    case 'delete':
      return plan.isLive(row) ? [...reasons, { rule: 'live', verdict: 'delete' }] : reasons;
    case 'live':
      return [...reasons, { rule: 'live', verdict: 'keep' }];
    case 'hold':
      return [...reasons, holdReason(plan, row)];
    case 'prefix-guard':
      return [...reasons, guardReason(plan, index)];
    case 'cap':
      return [...reasons, { rule: 'cap', verdict: 'keep', maxDeletions: maxDeletions ?? 0 }];
  }
}

/** What each limit that is switched on says of the row, in the order time, size, offset. */
export function limitReasons(plan: PartitionPlan, row: number): readonly Reason[] {
  const { rows, rules } = plan;
  const { maxAgeMs, maxSizeBytes, keepOffsets, ageBy } = plan.policy.retention;
  const verdict = (bit: number): Verdict => ((at(rules.bits, row) & bit) === 0 ? 'keep' : 'delete');
  const reasons: Reason[] = [];
  if (maxAgeMs !== null) {
    const stampMs = rules.stampMs(row);
    reasons.push(
      stampMs === undefined
        ? timeUnknown(plan, row)
        : {
            rule: 'time',
            verdict: verdict(TIME),
            ageBy,
            stampMs,
            ageMs: rules.clockMs - stampMs,
            maxAgeMs,
          },
    );
  }
  if (maxSizeBytes !== null && !isChronik(plan)) {
    reasons.push({
      rule: 'size',
      verdict: verdict(SIZE),
      bytesFrom: rules.bytesFrom(row),
      maxSizeBytes,
      newest: row === rows.length - 1,
    });
  }
  if (keepOffsets !== null) {
    const maxOffset = rows.maxOffset(row);
    const { highest } = rules;
    reasons.push({ rule: 'offset', verdict: verdict(OFFSET), maxOffset, highest, keepOffsets });
  }
  return reasons;
}

/** Chronik's hybrid has a size limit of another kind: it spares, and never condemns. */
export function isChronik(plan: PartitionPlan): boolean {
  const { strategy, combine } = plan.policy.retention;
  return strategy === 'hybrid' && combine === 'chronik';
}

function sparingReasons(plan: PartitionPlan, row: number): readonly Reason[] {
  const reasons = limitReasons(plan, row);
  const { maxSizeBytes } = plan.policy.retention;
  if (isChronik(plan) && maxSizeBytes !== null && reasons.some((r) => r.verdict === 'delete')) {
    const { totalBytes } = plan.rules;
    return [...reasons, { rule: 'chronik-spared', verdict: 'keep', totalBytes, maxSizeBytes }];
  }
  const sparing = reasons.filter(({ verdict }) => verdict === 'keep');
  return sparing.length > 0 ? sparing : [{ rule: 'no-limit', verdict: 'keep' }];
}

function timeUnknown(plan: PartitionPlan, row: number): Reason {
  const minTimestampMs = plan.rows.minTimestamp(row);
  const maxTimestampMs = plan.rows.maxTimestamp(row);
  const problem = recordAgeProblem(minTimestampMs, maxTimestampMs) ?? 'lost';
  return { rule: 'time-unknown', verdict: 'keep', problem, minTimestampMs, maxTimestampMs };
}

function holdReason(plan: PartitionPlan, row: number): Reason {
  const hold = plan.hold(row);
  return {
    rule: 'hold',
    verdict: 'keep',
    topicPattern: hold?.topic ?? '',
    untilMs: hold?.untilMs ?? null,
    holdReason: hold?.reason ?? '',
  };
}

function guardReason(plan: PartitionPlan, index: PlannerIndex): Reason {
  const blocker = plan.blocker ?? 0;
  const place = plan.rows.place(blocker);
  return {
    rule: 'prefix-guard',
    verdict: 'keep',
    blockerSegmentId: index.entry(place).segmentId,
    blockerPlace: place,
    blockerCreatedAtMs: plan.rows.createdAtSeconds(blocker) * 1000n,
  };
}
