import { SegctlError } from '../segctl-error.ts';
import { type Foresight, limitForesight, rowForesight } from './foresight.ts';
import type { Decision, Plan } from './plan.ts';
import type { ResolvedPolicy } from './policy.ts';
import type { Reason } from './reasons.ts';
import { limitReasons } from './row-reasons.ts';

/** One segment under the present policy. */
export interface Explanation {
  readonly decision: Decision;
  /** Undefined for an entry that takes no part. */
  readonly policy: ResolvedPolicy | undefined;
  /** Every limit that is switched on, by itself. */
  readonly limits: readonly { readonly reason: Reason; readonly goes: Foresight }[];
  /** With all limits, guards and holds together. */
  readonly goes: Foresight;
}

/** Explains the entry at a place of the index that was planned on; `no-such-segment` otherwise. */
export function explain(plan: Plan, place: number): Explanation {
  for (const partition of plan.partitions) {
    const { rows } = partition;
    for (let row = 0; row < rows.length; row++) {
      if (rows.place(row) === place) {
        return {
          decision: plan.decision(partition, row),
          policy: partition.policy,
          limits: limitReasons(partition, row).map((reason) => ({
            reason,
            goes: limitForesight(reason),
          })),
          goes: rowForesight(partition, row),
        };
      }
    }
  }
  for (const decision of plan.ignored()) {
    if (decision.place === place) {
      const goes = { kind: 'never', because: 'it takes no part in retention' } as const;
      return { decision, policy: undefined, limits: [], goes };
    }
  }
  throw new SegctlError(`there is no entry at place ${place} of the index`, {
    code: 'no-such-segment',
    exit: 'usage',
    facts: { place },
    remedy: 'segctl segments ls lists the segments',
  });
}
