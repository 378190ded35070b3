import { formatInstant } from '../quantity-text.ts';
import { assertWithinBudget, isWithinBudget } from './budget.ts';
import type { Fate, PartitionPlan } from './partition-plan.ts';
import type { Plan } from './plan.ts';

/** Segments counted, with what they hold. */
export interface Tally {
  readonly segments: number;
  readonly bytes: bigint;
  readonly records: bigint;
  /** The ranges are null where there is no segment. */
  readonly minOffset: bigint | null;
  readonly maxOffset: bigint | null;
  readonly oldestCreatedAtMs: bigint | null;
  readonly newestCreatedAtMs: bigint | null;
}

/** The oldest segment that stays by itself, and what the prefix guard keeps because of it. */
export interface Blocker {
  readonly place: number;
  readonly createdAtMs: bigint;
  readonly fate: Fate;
  /** How many segments stay by themselves before the last that is held back: 1 if it is alone. */
  readonly blockers: number;
  readonly heldBack: Tally;
}

export interface PartitionSummary {
  readonly topic: string;
  readonly partition: number;
  /** The pattern of the policy that judged it, null for the default. */
  readonly policyPattern: string | null;
  readonly live: boolean;
  readonly byFate: Readonly<Record<Fate, Tally>>;
  /** All that stays. */
  readonly keep: Tally;
  readonly ignored: number;
  /** Segments whose age by record isn't known. */
  readonly ageUnknown: number;
  /** Segments whose age counts from a time in the future. */
  readonly inFuture: number;
  readonly blocker: Blocker | null;
}

export interface PlanSummary {
  readonly partitions: readonly PartitionSummary[];
  /** Offset ranges over several partitions say nothing and are null. */
  readonly byFate: Readonly<Record<Fate, Tally>>;
  readonly keep: Tally;
  readonly total: Tally;
  readonly ignored: number;
  readonly ageUnknown: number;
  readonly inFuture: number;
  /** Deleted entries whose object stays. */
  readonly sharedObjects: number;
  readonly withinBudget: boolean;
}

const NO_SEGMENTS: Tally = {
  segments: 0,
  bytes: 0n,
  records: 0n,
  minOffset: null,
  maxOffset: null,
  oldestCreatedAtMs: null,
  newestCreatedAtMs: null,
};

export function summarize(plan: Plan): PlanSummary {
  const partitions = plan.partitions.map(summarizePartition);
  const total = (tallies: Tally[]): Tally => ({
    ...tallies.reduce(joined, NO_SEGMENTS),
    minOffset: null,
    maxOffset: null,
  });
  const byFate = fateRecord((fate) => total(partitions.map((p) => p.byFate[fate])));
  const keep = total(partitions.map((p) => p.keep));
  const all = total([keep, byFate.delete]);
  return {
    partitions,
    byFate,
    keep,
    total: all,
    ignored: Array.from(plan.ignored()).length,
    ageUnknown: partitions.reduce((sum, p) => sum + p.ageUnknown, 0),
    inFuture: partitions.reduce((sum, p) => sum + p.inFuture, 0),
    sharedObjects: plan.sharedObjects,
    withinBudget: isWithinBudget(plan.settings.maxDelete, {
      deleteSegments: byFate.delete.segments,
      deleteBytes: byFate.delete.bytes,
      totalBytes: all.bytes,
    }),
  };
}

/** Throws `over-budget` (exit `refused`) when the plan deletes more than `--max-delete` allows. */
export function assertPlanWithinBudget(plan: Plan, summary: PlanSummary): void {
  assertWithinBudget(plan.settings.maxDelete, {
    deleteSegments: summary.byFate.delete.segments,
    deleteBytes: summary.byFate.delete.bytes,
    totalBytes: summary.total.bytes,
  });
}

/** `1 segment with created_at 2087-01-01T00:00:00.000Z holds back 412`. */
export function renderBlocker({ blockers, createdAtMs, heldBack }: Blocker): string {
  const created = `created_at ${formatInstant(createdAtMs)}`;
  return blockers === 1
    ? `1 segment with ${created} holds back ${heldBack.segments}`
    : `${blockers} segments, the oldest with ${created}, hold back ${heldBack.segments}`;
}

function summarizePartition(plan: PartitionPlan): PartitionSummary {
  const { rows, rules, policy } = plan;
  const tallies = fateRecord(() => new MutableTally());
  const keep = new MutableTally();
  let ageUnknown = 0;
  let inFuture = 0;
  for (let row = 0; row < rows.length; row++) {
    const fate = plan.fate(row);
    tallies[fate].add(plan, row);
    if (fate !== 'delete') {
      keep.add(plan, row);
    }
    const stamp = policy.retention.maxAgeMs === null ? rules.clockMs : rules.stampMs(row);
    ageUnknown += stamp === undefined ? 1 : 0;
    inFuture += stamp !== undefined && stamp > rules.clockMs ? 1 : 0;
  }
  const byFate = fateRecord((fate) => tallies[fate].tally());
  return {
    topic: rows.topic,
    partition: rows.partition,
    policyPattern: policy.pattern,
    live: rows.live,
    byFate,
    keep: keep.tally(),
    ignored: rows.ignored.length,
    ageUnknown,
    inFuture,
    blocker: blockerOf(plan, byFate['prefix-guard']),
  };
}

function blockerOf(plan: PartitionPlan, heldBack: Tally): Blocker | null {
  if (heldBack.segments === 0 || plan.blocker === undefined) {
    return null;
  }
  let blockers = 0;
  let unconfirmed = 0;
  for (let row = plan.blocker; row < plan.rows.length; row++) {
    if (plan.fate(row) === 'prefix-guard') {
      blockers += unconfirmed;
      unconfirmed = 0;
    } else {
      unconfirmed++;
    }
  }
  return {
    place: plan.rows.place(plan.blocker),
    createdAtMs: plan.rows.createdAtSeconds(plan.blocker) * 1000n,
    fate: plan.fate(plan.blocker),
    blockers,
    heldBack,
  };
}

class MutableTally {
  #segments = 0;
  #bytes = 0n;
  #records = 0n;
  #minOffset: bigint | null = null;
  #maxOffset: bigint | null = null;
  #oldest: bigint | null = null;
  #newest: bigint | null = null;

  add({ rows }: PartitionPlan, row: number): void {
    this.#segments++;
    this.#bytes += rows.sizeBytes(row);
    this.#records += rows.recordCount(row);
    this.#minOffset = least(this.#minOffset, rows.minOffset(row));
    this.#maxOffset = greatest(this.#maxOffset, rows.maxOffset(row));
    const createdAtMs = rows.createdAtSeconds(row) * 1000n;
    this.#oldest = least(this.#oldest, createdAtMs);
    this.#newest = greatest(this.#newest, createdAtMs);
  }

  tally(): Tally {
    return {
      segments: this.#segments,
      bytes: this.#bytes,
      records: this.#records,
      minOffset: this.#minOffset,
      maxOffset: this.#maxOffset,
      oldestCreatedAtMs: this.#oldest,
      newestCreatedAtMs: this.#newest,
    };
  }
}

function joined(a: Tally, b: Tally): Tally {
  return {
    segments: a.segments + b.segments,
    bytes: a.bytes + b.bytes,
    records: a.records + b.records,
    minOffset: least(a.minOffset, b.minOffset),
    maxOffset: greatest(a.maxOffset, b.maxOffset),
    oldestCreatedAtMs: least(a.oldestCreatedAtMs, b.oldestCreatedAtMs),
    newestCreatedAtMs: greatest(a.newestCreatedAtMs, b.newestCreatedAtMs),
  };
}

function least(a: bigint | null, b: bigint | null): bigint | null {
  return a === null || (b !== null && b < a) ? b : a;
}

function greatest(a: bigint | null, b: bigint | null): bigint | null {
  return a === null || (b !== null && b > a) ? b : a;
}

function fateRecord<T>(of: (fate: Fate) => T): Record<Fate, T> {
  return {
    spared: of('spared'),
    delete: of('delete'),
    live: of('live'),
    hold: of('hold'),
    'prefix-guard': of('prefix-guard'),
    cap: of('cap'),
  };
}
