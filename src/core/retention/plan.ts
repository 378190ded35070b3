import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import type { RowRef } from './cap.ts';
import type { Fate, PartitionPlan } from './partition-plan.ts';
import type { IgnoredEntry } from './partition-rows.ts';
import type { PlannerIndex } from './planner-input.ts';
import type { RetentionSettings } from './policy.ts';
import type { Reason } from './reasons.ts';
import { reasonsOf } from './row-reasons.ts';
import { sharersOf } from './shared-objects.ts';

/** What becomes of one entry, and why. */
export interface Decision {
  readonly entry: SegmentEntry;
  /** The entry's place in the index that was planned on. */
  readonly place: number;
  /** `ignored` is an entry that takes no part. */
  readonly fate: Fate | 'ignored';
  /** At least one. */
  readonly reasons: readonly Reason[];
  /** The last of its partition in min_offset order. */
  readonly newest: boolean;
  /**
   * Places of entries with the same min_offset, which the server does not load. They have to leave
   * the index together with a deleted entry, or the next load would bring them to life. Their
   * objects stay, as surplus for gc, unless they are this entry's own.
   */
  readonly drops: readonly number[];
  /** The object must stay, since an entry that stays names it too. Only of a deleted entry. */
  readonly keepsObject: boolean;
}

/**
 * The outcome of planning, and the one thing that a dry run shows and a real run carries out.
 * Decisions are made up when asked for: a plan of a million entries holds columns, not objects.
 */
export class Plan {
  /** Epoch ms that everything was judged by. */
  readonly atMs: number;
  readonly settings: RetentionSettings;
  /** By topic (in code unit order), then partition. */
  readonly partitions: readonly PartitionPlan[];
  /** In the order in which they have to be deleted. */
  readonly deletions: readonly RowRef[];
  readonly #index: PlannerIndex;
  readonly #unreadable: readonly IgnoredEntry[];
  /** By the place of a deleted entry: the place of one that stays and names the same object. */
  readonly #sharers: ReadonlyMap<number, number>;

  constructor(
    index: PlannerIndex,
    settings: RetentionSettings,
    atMs: number,
    partitions: readonly PartitionPlan[],
    deletions: readonly RowRef[],
    unreadable: readonly IgnoredEntry[],
  ) {
    this.#index = index;
    this.settings = settings;
    this.atMs = atMs;
    this.partitions = partitions;
    this.deletions = deletions;
    this.#unreadable = unreadable;
    this.#sharers = sharersOf(
      index,
      deletions.map(({ partition: { rows }, row }) => ({
        place: rows.place(row),
        drops: rows.shadowed(row),
      })),
    );
  }

  /** Deleted entries whose object stays. */
  get sharedObjects(): number {
    return this.#sharers.size;
  }

  /** What goes, in the order of deletion. */
  *deleted(): Iterable<Decision> {
    for (const { partition, row } of this.deletions) {
      yield this.decision(partition, row);
    }
  }

  /** What stays, by topic, partition and offset. */
  *kept(): Iterable<Decision> {
    for (const partition of this.partitions) {
      for (let row = 0; row < partition.rows.length; row++) {
        if (partition.fate(row) !== 'delete') {
          yield this.decision(partition, row);
        }
      }
    }
  }

  /** What takes no part: the entries that the server does not load. */
  *ignored(): Iterable<Decision> {
    for (const { place, because } of this.#ignoredEntries()) {
      yield {
        entry: this.#index.entry(place),
        place,
        fate: 'ignored',
        reasons: [{ rule: 'not-loaded', verdict: 'keep', ...because }],
        newest: false,
        drops: [],
        keepsObject: false,
      };
    }
  }

  decision(partition: PartitionPlan, row: number): Decision {
    const { rows } = partition;
    const place = rows.place(row);
    const fate = partition.fate(row);
    const reasons = reasonsOf(partition, row, this.#index, this.settings.maxDeletions);
    const sharer = this.#sharers.get(place);
    return {
      entry: this.#index.entry(place),
      place,
      fate,
      reasons: sharer === undefined ? reasons : [...reasons, this.#sharedObject(sharer)],
      newest: row === rows.length - 1,
      drops: fate === 'delete' ? rows.shadowed(row) : [],
      keepsObject: sharer !== undefined,
    };
  }

  #sharedObject(place: number): Reason {
    return {
      rule: 'shared-object',
      verdict: 'keep',
      otherSegmentId: this.#index.entry(place).segmentId,
      otherPlace: place,
    };
  }

  *#ignoredEntries(): Iterable<IgnoredEntry> {
    for (const { rows } of this.partitions) {
      yield* rows.ignored;
    }
    yield* this.#unreadable;
  }
}
