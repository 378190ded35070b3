import { at, type PartitionRows } from './partition-rows.ts';
import type { Retention } from './policy.ts';
import { OFFSET, type RuleBits, TIME } from './rules.ts';

/** What the policy as a whole says of each row, before guards, holds and caps. */
export interface Condemned {
  /** 1 where the row is condemned. */
  readonly rows: Uint8Array;
  /** Rows in the order in which a cap would spend them. */
  readonly order: Uint32Array;
}

export function combineRules(
  rows: PartitionRows,
  rules: RuleBits,
  retention: Retention,
): Condemned {
  const condemned =
    retention.combine === 'chronik' && retention.strategy === 'hybrid'
      ? chronikCandidates(rows, rules, retention)
      : rules.bits.map((bits) =>
          Number(retention.combine === 'all' ? bits === rules.active && bits !== 0 : bits !== 0),
        );
  return { rows: condemned, order: spendingOrder(condemned, rules, retention) };
}

/**
 * Chronik's hybrid (segment_compaction.rs): candidates are what is too old or too far behind. Where
 * the partition exceeds the size limit, only as many of them go, oldest first, as bring it down to
 * the limit; where it doesn't, all go. So size alone never deletes, and can spare.
 */
function chronikCandidates(rows: PartitionRows, rules: RuleBits, retention: Retention): Uint8Array {
  const condemned = rules.bits.map((bits) => Number((bits & (TIME | OFFSET)) !== 0));
  const excess = rules.totalBytes - (retention.maxSizeBytes ?? rules.totalBytes);
  if (excess <= 0n) {
    return condemned;
  }
  let toFree = excess;
  for (let row = 0; row < rows.length; row++) {
    if (condemned[row] === 1 && toFree <= 0n) {
      condemned[row] = 0;
    } else if (condemned[row] === 1) {
      toFree -= rows.sizeBytes(row);
    }
  }
  return condemned;
}

/**
 * Offset order, oldest first. Only Chronik's hybrid without a size limit lists what is too old
 * before what is too far behind; that matters to a cap, and can only be had with gaps allowed.
 */
function spendingOrder(condemned: Uint8Array, rules: RuleBits, retention: Retention): Uint32Array {
  const order = Uint32Array.from(condemned.keys()).filter((row) => condemned[row] === 1);
  const tooOldFirst =
    retention.combine === 'chronik' &&
    retention.strategy === 'hybrid' &&
    retention.maxSizeBytes === null &&
    retention.allowGaps;
  const rank = (row: number): number => ((at(rules.bits, row) & TIME) === 0 ? 1 : 0);
  return tooOldFirst ? order.sort((a, b) => rank(a) - rank(b) || a - b) : order;
}
