import type { PartitionPlan } from './partition-plan.ts';
import { at, compareBigints } from './partition-rows.ts';

/** A row of one of the plan's partitions. */
export interface RowRef {
  readonly partition: PartitionPlan;
  readonly row: number;
}

/**
 * Puts the deletions of all partitions, which come sorted by topic and partition, in one order,
 * oldest first, and leaves those beyond `maxDeletions` for another run.
 *
 * Oldest is the smallest created_at, then topic, partition and offset. Within a partition no
 * segment overtakes an older one: its turn comes at the largest created_at up to it. So whatever
 * part of the order is carried out, a contiguous prefix of each partition is.
 */
export function spendCap(
  partitions: readonly PartitionPlan[],
  maxDeletions: number | null,
): readonly RowRef[] {
  const refs: RowRef[] = [];
  const turns: bigint[] = [];
  for (const partition of partitions) {
    let turn: bigint | undefined;
    for (const row of partition.deletions()) {
      const created = partition.rows.createdAtSeconds(row);
      turn = turn === undefined || created > turn ? created : turn;
      refs.push({ partition, row });
      turns.push(turn);
    }
  }
  // Refs come by topic, partition and offset, so that equal turns are settled by position.
  const order = Uint32Array.from(refs.keys()).sort(
    (a, b) => compareBigints(at(turns, a), at(turns, b)) || a - b,
  );
  const cap = maxDeletions ?? refs.length;
  for (const left of order.subarray(cap)) {
    const { partition, row } = at(refs, left);
    partition.leaveForNextRun(row);
  }
  return Array.from(order.subarray(0, cap), (position) => at(refs, position));
}
