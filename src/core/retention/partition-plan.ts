import { combineRules } from './combine.ts';
import { type Hold, holdCovers, holdsOf } from './hold.ts';
import { at, type PartitionRows } from './partition-rows.ts';
import type { ResolvedPolicy, RetentionSettings } from './policy.ts';
import { RuleBits } from './rules.ts';

/** What becomes of a row. All but `delete` stay. */
export const FATES = ['spared', 'delete', 'live', 'hold', 'prefix-guard', 'cap'] as const;
export type Fate = (typeof FATES)[number];

const SPARED = 0;
const DELETE = 1;
const LIVE = 2;
const HOLD = 3;
const GUARD = 4;
const CAP = 5;

/** The decisions on one partition's loaded entries. */
export class PartitionPlan {
  readonly rows: PartitionRows;
  readonly policy: ResolvedPolicy;
  readonly rules: RuleBits;
  /** Rows that the policy condemns, before any guard, hold or cap. */
  readonly condemned: Uint8Array;
  /** The oldest row that stays by itself; the guard keeps all condemned ones behind it. */
  readonly blocker: number | undefined;
  readonly #includeLive: boolean;
  readonly #fates: Uint8Array;
  readonly #order: Uint32Array;
  readonly #holds: readonly Hold[];

  constructor(
    rows: PartitionRows,
    policy: ResolvedPolicy,
    settings: Pick<RetentionSettings, 'holds' | 'includeLive'>,
    atMs: number,
  ) {
    this.rows = rows;
    this.policy = policy;
    this.rules = new RuleBits(rows, policy.retention, atMs);
    const combined = combineRules(rows, this.rules, policy.retention);
    this.condemned = combined.rows;
    this.#order = combined.order;
    this.#holds = holdsOf(settings.holds, rows.topic, rows.partition, atMs);
    this.#includeLive = settings.includeLive;
    this.#fates = new Uint8Array(rows.length);
    let blocker: number | undefined;
    for (let row = 0; row < rows.length; row++) {
      const own = this.#ownFate(row);
      const guarded = own === DELETE && blocker !== undefined && !policy.retention.allowGaps;
      this.#fates[row] = guarded ? GUARD : own;
      blocker ??= own === DELETE ? undefined : row;
    }
    this.blocker = blocker;
  }

  fate(row: number): Fate {
    return at(FATES, at(this.#fates, row));
  }

  /** Whether it is the segment that a running server would write again. */
  isLive(row: number): boolean {
    return this.rows.live && row === this.rows.length - 1;
  }

  /** A live row that the settings don't include. */
  isLeftAlone(row: number): boolean {
    return this.isLive(row) && !this.#includeLive;
  }

  /** The first hold in force that covers the row. */
  hold(row: number): Hold | undefined {
    return this.#holds.find((hold) =>
      holdCovers(hold, this.rows.minOffset(row), this.rows.maxOffset(row)),
    );
  }

  /** Epoch ms until which holds exempt the row: undefined for no hold, null for ever. */
  heldUntil(row: number): number | null | undefined {
    let latest: number | undefined;
    for (const hold of this.#holds) {
      if (holdCovers(hold, this.rows.minOffset(row), this.rows.maxOffset(row))) {
        if (hold.untilMs === null) {
          return null;
        }
        latest = Math.max(latest ?? hold.untilMs, hold.untilMs);
      }
    }
    return latest;
  }

  /** Rows to delete, in the order in which a cap spends them. */
  deletions(): Uint32Array {
    return this.#order.filter((row) => this.#fates[row] === DELETE);
  }

  /** Keeps a row that the run's cap leaves for another run. */
  leaveForNextRun(row: number): void {
    this.#fates[row] = CAP;
  }

  #ownFate(row: number): number {
    if (this.condemned[row] === 0) {
      return SPARED;
    }
    if (this.isLeftAlone(row)) {
      return LIVE;
    }
    return this.#holds.length > 0 && this.hold(row) !== undefined ? HOLD : DELETE;
  }
}
