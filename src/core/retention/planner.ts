import { SegctlError } from '../segctl-error.ts';
import { spendCap } from './cap.ts';
import { PartitionPlan } from './partition-plan.ts';
import { type IgnoredEntry, PartitionRows } from './partition-rows.ts';
import { Plan } from './plan.ts';
import type { PlannerIndex } from './planner-input.ts';
import { policyResolver, type RetentionSettings } from './policy.ts';

/**
 * Judges every entry of an index. Pure: equal entries, settings and clock give an equal plan. The
 * budget isn't looked at, so that a plan beyond it can be shown; see assertPlanWithinBudget.
 */
export function planRetention(
  index: PlannerIndex,
  settings: RetentionSettings,
  atMs: number,
): Plan {
  if (!Number.isSafeInteger(atMs)) {
    throw new RangeError(`not a time in whole ms: ${atMs}`);
  }
  const policyOf = policyResolver(settings);
  const partitions = index.partitions
    .map((partition) => {
      const rows = new PartitionRows(index, partition);
      return new PartitionPlan(rows, policyOf(partition.topic), settings, atMs);
    })
    .sort(byTopicAndPartition);
  refuseRepeatedPartitions(partitions);
  const deletions = spendCap(partitions, settings.maxDeletions);
  return new Plan(index, settings, atMs, partitions, deletions, unreadableEntries(index));
}

function byTopicAndPartition({ rows: a }: PartitionPlan, { rows: b }: PartitionPlan): number {
  if (a.topic !== b.topic) {
    return a.topic < b.topic ? -1 : 1;
  }
  return a.partition - b.partition;
}

/**
 * `x-1` and `x-01` are one partition to the server, which then keeps either list by chance. Nobody
 * can tell which entries count, so nothing is planned.
 */
function refuseRepeatedPartitions(partitions: readonly PartitionPlan[]): void {
  for (const [nth, { rows }] of partitions.entries()) {
    const before = partitions[nth - 1]?.rows;
    if (before?.topic === rows.topic && before.partition === rows.partition) {
      throw new SegctlError(
        `two keys of the index name ${rows.topic}, partition ${rows.partition}`,
        {
          code: 'partition-repeated',
          facts: { topic: rows.topic, partition: rows.partition },
          remedy: 'segctl reindex writes the index anew from the archives',
        },
      );
    }
  }
}

function unreadableEntries(index: PlannerIndex): readonly IgnoredEntry[] {
  return (index.unreadable ?? []).flatMap(({ key, places }) =>
    Array.from(places, (place) => ({
      place,
      because: { problem: 'unreadable-key', key } as const,
    })),
  );
}
