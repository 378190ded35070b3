import type { IndexPartition } from '../segment-index/index-partitions.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import type { PlannerIndex, UnreadableKey } from './planner-input.ts';

/**
 * A segment index as the planner takes it: places are its rows. `partitions` are those to judge,
 * `isLive` tells which of them have a non-empty WAL file.
 */
export function plannerIndex(
  index: SegmentIndex,
  isLive: (topic: string, partition: number) => boolean,
  partitions: readonly IndexPartition[] = index.partitions,
): PlannerIndex {
  return {
    partitions: partitions.map(({ topic, partition, rows, shadowed }) => ({
      topic,
      partition,
      live: isLive(topic, partition),
      places: shadowed.length === 0 ? rows : inFileOrder(rows, shadowed),
    })),
    unreadable: unreadableKeys(index),
    entry: (row) => index.entry(row),
    objectStorePath: (row) => index.objectStorePath(row),
  };
}

/** Keys that name no partition, and all but the last of keys with the same text. */
function unreadableKeys(index: SegmentIndex): readonly UnreadableKey[] {
  const lastOfText = new Map(index.keys.map((key) => [key.text, key]));
  return index.keys
    .filter(
      (key) => !key.skipped && (key.partition === undefined || lastOfText.get(key.text) !== key),
    )
    .map((key) => ({
      key: key.text,
      places: Int32Array.from({ length: key.rowCount }, (_, nth) => key.firstRow + nth),
    }));
}

function inFileOrder(rows: Int32Array, shadowed: readonly number[]): Int32Array {
  const all = new Int32Array(rows.length + shadowed.length);
  all.set(rows);
  all.set(shadowed, rows.length);
  return all.sort();
}
