import type { PlannerIndex, PlannerPartition } from './planner-input.ts';

/** Why an entry takes no part: the server does not load it, or it lies under another's key. */
export type IgnoredBecause =
  /** A later entry of the partition has the same min_offset, and wins. */
  | { readonly problem: 'shadowed'; readonly byPlace: number; readonly bySegmentId: string }
  /** Its own topic and partition are not those of the key it is filed under. */
  | { readonly problem: 'misfiled'; readonly topic: string; readonly partition: number }
  /** The server skips the key. */
  | { readonly problem: 'unreadable-key'; readonly key: string };

export interface IgnoredEntry {
  readonly place: number;
  readonly because: IgnoredBecause;
}

/**
 * The loaded entries of one partition in min_offset order, as columns: a row is an entry, 0 the
 * oldest. Columns and not objects, so that a million entries cost 60 MB.
 */
export class PartitionRows {
  readonly topic: string;
  readonly partition: number;
  readonly live: boolean;
  readonly length: number;
  readonly ignored: readonly IgnoredEntry[];
  readonly #columns: Columns;
  /** Where in the columns each row is. */
  readonly #positions: Uint32Array;
  readonly #shadowed: ReadonlyMap<number, readonly number[]>;

  constructor(index: PlannerIndex, partition: PlannerPartition) {
    this.topic = partition.topic;
    this.partition = partition.partition;
    this.live = partition.live;
    this.#columns = readColumns(index, partition);
    const loaded = loadedPositions(index, this.#columns);
    this.#positions = loaded.positions;
    this.length = loaded.positions.length;
    this.ignored = loaded.ignored;
    this.#shadowed = loaded.shadowed;
  }

  place(row: number): number {
    return at(this.#columns.places, at(this.#positions, row));
  }

  minOffset(row: number): bigint {
    return at(this.#columns.minOffset, at(this.#positions, row));
  }

  maxOffset(row: number): bigint {
    return at(this.#columns.maxOffset, at(this.#positions, row));
  }

  recordCount(row: number): bigint {
    return at(this.#columns.recordCount, at(this.#positions, row));
  }

  sizeBytes(row: number): bigint {
    return at(this.#columns.sizeBytes, at(this.#positions, row));
  }

  createdAtSeconds(row: number): bigint {
    return at(this.#columns.createdAt, at(this.#positions, row));
  }

  minTimestamp(row: number): bigint {
    return at(this.#columns.minTimestamp, at(this.#positions, row));
  }

  maxTimestamp(row: number): bigint {
    return at(this.#columns.maxTimestamp, at(this.#positions, row));
  }

  /** Places of the entries that this row keeps from being loaded. */
  shadowed(row: number): readonly number[] {
    return this.#shadowed.get(at(this.#positions, row)) ?? [];
  }
}

/** All entries of a partition, in the order of the file. */
interface Columns {
  readonly places: Uint32Array;
  readonly minOffset: BigInt64Array;
  readonly maxOffset: BigInt64Array;
  readonly recordCount: BigUint64Array;
  readonly sizeBytes: BigUint64Array;
  readonly createdAt: BigInt64Array;
  readonly minTimestamp: BigInt64Array;
  readonly maxTimestamp: BigInt64Array;
  /** Positions whose entry names another topic or partition. */
  readonly misfiled: ReadonlySet<number>;
}

function readColumns(index: PlannerIndex, partition: PlannerPartition): Columns {
  const count = partition.places.length;
  const misfiled = new Set<number>();
  const columns = {
    places: Uint32Array.from(partition.places),
    minOffset: new BigInt64Array(count),
    maxOffset: new BigInt64Array(count),
    recordCount: new BigUint64Array(count),
    sizeBytes: new BigUint64Array(count),
    createdAt: new BigInt64Array(count),
    minTimestamp: new BigInt64Array(count),
    maxTimestamp: new BigInt64Array(count),
    misfiled,
  };
  for (let position = 0; position < count; position++) {
    const entry = index.entry(at(columns.places, position));
    columns.minOffset[position] = entry.minOffset;
    columns.maxOffset[position] = entry.maxOffset;
    columns.recordCount[position] = entry.recordCount;
    columns.sizeBytes[position] = entry.sizeBytes;
    columns.createdAt[position] = entry.createdAtSeconds;
    columns.minTimestamp[position] = entry.minTimestamp;
    columns.maxTimestamp[position] = entry.maxTimestamp;
    if (entry.topic !== partition.topic || entry.partition !== partition.partition) {
      misfiled.add(position);
    }
  }
  return columns;
}

interface LoadedPositions {
  /** In min_offset order, no two alike. */
  readonly positions: Uint32Array;
  readonly ignored: readonly IgnoredEntry[];
  /** By position: the places of the entries that lost against it. */
  readonly shadowed: ReadonlyMap<number, readonly number[]>;
}

/** What the server's load leaves of a partition: for each min_offset the last entry in the file. */
function loadedPositions(index: PlannerIndex, columns: Columns): LoadedPositions {
  const order = inOffsetOrder(columns.minOffset);
  const positions: number[] = [];
  const ignored: IgnoredEntry[] = [];
  const shadowed = new Map<number, readonly number[]>();
  let losers: number[] = [];
  for (const [nth, position] of order.entries()) {
    const place = at(columns.places, position);
    const next = order[nth + 1];
    if (next !== undefined && at(columns.minOffset, next) === at(columns.minOffset, position)) {
      losers.push(place);
      continue;
    }
    if (columns.misfiled.has(position)) {
      const { topic, partition } = index.entry(place);
      ignored.push({ place, because: { problem: 'misfiled', topic, partition } });
    } else {
      positions.push(position);
    }
    if (losers.length > 0) {
      const bySegmentId = index.entry(place).segmentId;
      for (const loser of losers) {
        ignored.push({
          place: loser,
          because: { problem: 'shadowed', byPlace: place, bySegmentId },
        });
      }
      shadowed.set(position, losers);
      losers = [];
    }
  }
  ignored.sort((a, b) => a.place - b.place);
  return { positions: Uint32Array.from(positions), ignored, shadowed };
}

/** Positions by min_offset, equal ones in the order of the file. */
function inOffsetOrder(minOffsets: BigInt64Array): Uint32Array {
  const order = Uint32Array.from(minOffsets.keys());
  const ascending = order.every(
    (position) => position === 0 || at(minOffsets, position - 1) <= at(minOffsets, position),
  );
  return ascending
    ? order
    : order.sort((a, b) => compareBigints(at(minOffsets, a), at(minOffsets, b)) || a - b);
}

export function compareBigints(a: bigint, b: bigint): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}

/** An element that has to be there. */
export function at<T>(column: ArrayLike<T>, index: number): T {
  const value = column[index];
  if (value === undefined) {
    throw new RangeError(`index ${index} of ${column.length}`);
  }
  return value;
}
