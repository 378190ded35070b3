import { formatBytes, formatInstant } from '../quantity-text.ts';
import type { PartitionPlan } from './partition-plan.ts';
import { at } from './partition-rows.ts';
import type { Reason } from './reasons.ts';
import { isChronik, limitReasons } from './row-reasons.ts';

/** When a segment would go if the settings stay as they are and nothing is deleted by hand. */
export type Foresight =
  | { readonly kind: 'now' }
  /** The first instant, in epoch ms, at which a run would take it; growth may make it sooner. */
  | { readonly kind: 'at'; readonly atMs: bigint; readonly growthMayHasten: boolean }
  /** Once its partition has grown by so much. */
  | { readonly kind: 'after'; readonly amount: bigint; readonly unit: 'bytes' | 'offsets' }
  /** Condemned already, and left by the cap of this run. */
  | { readonly kind: 'next-run' }
  | { readonly kind: 'not-foreseeable'; readonly because: string }
  | { readonly kind: 'never'; readonly because: string };

export function renderForesight(foresight: Foresight): string {
  switch (foresight.kind) {
    case 'now':
      return 'goes with the next run';
    case 'next-run':
      return 'goes with a later run: this one is full';
    case 'at':
      return `goes ${foresight.growthMayHasten ? 'at the latest ' : ''}at ${formatInstant(foresight.atMs)}`;
    case 'after':
      return foresight.unit === 'bytes'
        ? `goes once its partition has grown by ${formatBytes(foresight.amount)}`
        : `goes once its partition's highest offset has grown by ${foresight.amount}`;
    case 'not-foreseeable':
      return `not foreseeable: ${foresight.because}`;
    case 'never':
      return `never goes: ${foresight.because}`;
  }
}

/** When one limit by itself would condemn the segment. */
export function limitForesight(reason: Reason): Foresight {
  if (reason.verdict === 'delete') {
    return { kind: 'now' };
  }
  switch (reason.rule) {
    case 'time': {
      const end = reason.stampMs + BigInt(reason.maxAgeMs);
      // Ages by created_at are compared in whole seconds; see RuleBits.
      const atMs = reason.ageBy === 'record' ? end + 1n : (floorDiv(end, 1000n) + 1n) * 1000n;
      return { kind: 'at', atMs, growthMayHasten: false };
    }
    case 'size':
      return reason.newest
        ? { kind: 'not-foreseeable', because: 'it is the newest of its partition' }
        : { kind: 'after', amount: reason.maxSizeBytes - reason.bytesFrom + 1n, unit: 'bytes' };
    case 'offset': {
      const amount = reason.maxOffset + reason.keepOffsets + 1n - reason.highest;
      return { kind: 'after', amount, unit: 'offsets' };
    }
    case 'time-unknown':
      return { kind: 'not-foreseeable', because: 'its age by record timestamps is not known' };
    default:
      return { kind: 'not-foreseeable', because: 'no limit condemns it' };
  }
}

/** When a run would take the row, with every limit, guard and hold looked at. */
export function rowForesight(plan: PartitionPlan, row: number): Foresight {
  const fate = plan.fate(row);
  if (fate === 'delete') {
    return { kind: 'now' };
  }
  if (fate === 'cap') {
    return { kind: 'next-run' };
  }
  let together = ownForesight(plan, row);
  if (plan.policy.retention.allowGaps) {
    return together;
  }
  for (let older = 0; older < row; older++) {
    const both = laterOf(together, ownForesight(plan, older));
    if (both === undefined) {
      const range = `${plan.rows.minOffset(older)} to ${plan.rows.maxOffset(older)}`;
      const because = `an older segment of its partition, with offsets ${range}, stays`;
      return isOpen(together) ? together : { kind: 'not-foreseeable', because };
    }
    together = both;
  }
  return together;
}

/** As rowForesight, without the prefix guard. */
function ownForesight(plan: PartitionPlan, row: number): Foresight {
  if (plan.isLeftAlone(row)) {
    return { kind: 'not-foreseeable', because: 'it is live, until a newer segment is written' };
  }
  const until = plan.heldUntil(row);
  if (until === null) {
    return { kind: 'never', because: `held for ever: ${plan.hold(row)?.reason ?? ''}` };
  }
  const policy = policyForesight(plan, row);
  if (until === undefined || isOpen(policy)) {
    return policy;
  }
  const released = { kind: 'at', atMs: BigInt(until), growthMayHasten: false } as const;
  return laterOf(policy, released) ?? severalPending();
}

/** When the limits together would condemn the row. */
function policyForesight(plan: PartitionPlan, row: number): Foresight {
  if (at(plan.condemned, row) === 1) {
    return { kind: 'now' };
  }
  const limits = limitReasons(plan, row).map(limitForesight);
  if (isChronik(plan)) {
    return chronikForesight(plan, limits);
  }
  const pending = limits.filter(({ kind }) => kind !== 'now');
  const [only] = pending;
  if (only === undefined) {
    return { kind: 'never', because: 'no limit is switched on' };
  }
  if (pending.length === 1 && (limits.length === 1 || plan.policy.retention.combine === 'all')) {
    return only;
  }
  return plan.policy.retention.combine === 'any' ? soonest(pending) : severalPending();
}

/** With any limit enough, age sets the latest instant, and growth may come before it. */
function soonest(pending: readonly Foresight[]): Foresight {
  for (const foresight of pending) {
    if (foresight.kind === 'at') {
      return { ...foresight, growthMayHasten: true };
    }
  }
  return pending.length === 1 && pending[0] !== undefined ? pending[0] : severalPending();
}

function chronikForesight(plan: PartitionPlan, limits: readonly Foresight[]): Foresight {
  if (limits.length === 0) {
    return { kind: 'never', because: 'size alone never deletes with --combine chronik' };
  }
  const { maxSizeBytes } = plan.policy.retention;
  if (maxSizeBytes !== null && plan.rules.totalBytes > maxSizeBytes) {
    return {
      kind: 'not-foreseeable',
      because: 'over its maximum size, a partition loses only as much as exceeds it',
    };
  }
  return soonest(limits);
}

function severalPending(): Foresight {
  return { kind: 'not-foreseeable', because: 'it depends on how its partition grows' };
}

function isOpen(foresight: Foresight): boolean {
  return foresight.kind === 'not-foreseeable' || foresight.kind === 'never';
}

/** When both have come true, undefined where that can't be told. */
function laterOf(a: Foresight, b: Foresight): Foresight | undefined {
  if (a.kind === 'now') {
    return isOpen(b) ? undefined : b;
  }
  if (b.kind === 'now') {
    return isOpen(a) ? undefined : a;
  }
  if (a.kind === 'at' && b.kind === 'at') {
    return a.atMs >= b.atMs ? a : b;
  }
  if (a.kind === 'after' && b.kind === 'after' && a.unit === b.unit) {
    return a.amount >= b.amount ? a : b;
  }
  return undefined;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
