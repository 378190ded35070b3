import { createHash } from 'node:crypto';
import type { Ledger } from './ledger.ts';
import type { Target } from './verify.ts';

/** A part of the archives, chosen at random. */
export type Sample = { readonly count: number } | { readonly percent: number };

export interface SelectReadsOptions {
  readonly budgetBytes?: bigint | undefined;
  readonly sample?: Sample | undefined;
  /** Archives read since then, unchanged and as a whole, are done. */
  readonly doneSinceMs: number | undefined;
  /** Seeds the sample: runs at other times choose other archives. */
  readonly nowMs: number;
}

/** Which archives to read, and in what order: those that were never read, then the stalest. */
export function selectReads(
  targets: readonly Target[],
  ledger: Ledger,
  options: SelectReadsOptions,
): Target[] {
  const dated = targets.map((target) => ({ target, readAtMs: lastWholeRead(target, ledger) }));
  const { doneSinceMs, budgetBytes } = options;
  const open = dated.filter(({ readAtMs }) => doneSinceMs === undefined || readAtMs < doneSinceMs);
  open.sort((a, b) => a.readAtMs - b.readAtMs);
  const sampled = sampleOf(
    open.map(({ target }) => target),
    options,
  );
  return budgetBytes === undefined ? sampled : withinBudget(sampled, budgetBytes);
}

function lastWholeRead({ stored }: Target, ledger: Ledger): number {
  const row = ledger.find(stored.info);
  return row?.whole === true ? row.readAtMs : -1;
}

function sampleOf(targets: readonly Target[], { sample, nowMs }: SelectReadsOptions): Target[] {
  if (sample === undefined) return [...targets];
  const size =
    'count' in sample ? sample.count : Math.ceil((targets.length * sample.percent) / 100);
  const drawn = targets.map((target) => ({
    target,
    lot: createHash('sha256').update(`${nowMs}\0${target.stored.info.key}`).digest('hex'),
  }));
  drawn.sort((a, b) => (a.lot < b.lot ? -1 : 1));
  const chosen = new Set(drawn.slice(0, size).map(({ target }) => target));
  return targets.filter((target) => chosen.has(target));
}

/** As many from the front as fit, and at least one: a budget below any archive would never verify it. */
function withinBudget(targets: readonly Target[], budgetBytes: bigint): Target[] {
  const chosen: Target[] = [];
  let sum = 0n;
  for (const target of targets) {
    sum += BigInt(target.stored.info.sizeBytes);
    if (sum > budgetBytes && chosen.length > 0) break;
    chosen.push(target);
  }
  return chosen;
}
