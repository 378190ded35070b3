import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { planRetention } from '../../../src/core/retention/planner.ts';
import { type RetentionLayer, resolveSettings } from '../../../src/core/retention/policy.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { deletedPlaces, indexOf } from './planner-fixtures.ts';

/**
 * 400 decisions of Chronik 2.10.4's own compactor. `--combine chronik --allow-gaps`, and the single
 * strategies with `--allow-gaps`, must leave the same segments, but for the one difference that
 * docs/retention.md lists: the size strategy never takes a partition's newest segment.
 */
interface VectorEntry {
  segment_id: string;
  topic: string;
  partition: number;
  min_offset: number | string;
  max_offset: number | string;
  record_count: number;
  min_timestamp: number | string;
  max_timestamp: number | string;
  object_store_path: string;
  size_bytes: number | string;
  created_at: number;
  compression: string;
}

interface Vector {
  case: number;
  at: number;
  config: {
    strategy:
      | { TimeBasedRetention: { max_age_secs: number } }
      | { SizeBasedRetention: { max_size_bytes: number | string } }
      | { OffsetBasedRetention: { keep_offsets: number | string } }
      | {
          Hybrid: {
            max_age_secs: number | null;
            max_size_bytes: number | string | null;
            keep_offsets: number | string | null;
          };
        };
    max_deletions_per_run: number;
  };
  index: Record<string, VectorEntry[]>;
  left: string[];
  identified: number;
  deleted: number;
  bytesFreed: number | string;
}

/** Integers beyond 2^53 become strings first: JSON.parse would round them. */
function parseVector(line: string): Vector {
  return JSON.parse(line.replace(/(?<=[:[,])-?\d{16,}(?=[,}\]])/g, '"$&"'));
}

const VECTORS = gunzipSync(
  readFileSync(new URL('../../fixtures/compactor/cases.jsonl.gz', import.meta.url)),
)
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .map(parseVector);

function entryOf(vector: VectorEntry): SegmentEntry {
  return {
    segmentId: vector.segment_id,
    topic: vector.topic,
    partition: vector.partition,
    minOffset: BigInt(vector.min_offset),
    maxOffset: BigInt(vector.max_offset),
    recordCount: BigInt(vector.record_count),
    minTimestamp: BigInt(vector.min_timestamp),
    maxTimestamp: BigInt(vector.max_timestamp),
    objectStorePath: vector.object_store_path,
    sizeBytes: BigInt(vector.size_bytes),
    createdAtSeconds: BigInt(vector.created_at),
    compression: vector.compression,
  };
}

const big = (value: number | string | null): bigint | null =>
  value === null ? null : BigInt(value);
const ms = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1000);

function layerOf({ strategy }: Vector['config']): RetentionLayer {
  if ('TimeBasedRetention' in strategy) {
    return { strategy: 'time', maxAgeMs: ms(strategy.TimeBasedRetention.max_age_secs) };
  }
  if ('SizeBasedRetention' in strategy) {
    return { strategy: 'size', maxSizeBytes: big(strategy.SizeBasedRetention.max_size_bytes) };
  }
  if ('OffsetBasedRetention' in strategy) {
    return { strategy: 'offset', keepOffsets: big(strategy.OffsetBasedRetention.keep_offsets) };
  }
  return {
    strategy: 'hybrid',
    combine: 'chronik',
    maxAgeMs: ms(strategy.Hybrid.max_age_secs),
    maxSizeBytes: big(strategy.Hybrid.max_size_bytes),
    keepOffsets: big(strategy.Hybrid.keep_offsets),
  };
}

function planOf(vector: Vector) {
  const entries = Object.values(vector.index).flat().map(entryOf);
  const index = indexOf(entries);
  const settings = resolveSettings(
    { flags: { ...layerOf(vector.config), allowGaps: true } },
    { maxDeletions: vector.config.max_deletions_per_run },
  );
  const plan = planRetention(index, settings, vector.at * 1000);
  const gone = new Set(deletedPlaces(plan));
  const left = entries.filter((_, place) => !gone.has(place));
  return { entries, plan, left };
}

it('leaves what Chronik left, but for the newest segments that its size strategy takes', () => {
  let equal = 0;
  let newestKept = 0;
  let newestKeptSegments = 0;
  for (const vector of VECTORS) {
    const { entries, plan, left } = planOf(vector);
    const name = `case ${vector.case}`;
    const ours = left.map(({ segmentId }) => segmentId).sort();
    const theirs = [...vector.left].sort();
    expect(new Set(ours).size, name).toBe(ours.length);
    const extra = ours.filter((id) => !vector.left.includes(id));
    if (extra.length === 0) {
      equal++;
      expect(ours, name).toEqual(theirs);
      const freed = Array.from(plan.deleted()).reduce((sum, d) => sum + d.entry.sizeBytes, 0n);
      expect(freed, name).toBe(BigInt(vector.bytesFreed));
      continue;
    }
    newestKept++;
    newestKeptSegments += extra.length;
    const { strategy } = vector.config;
    if (!('SizeBasedRetention' in strategy)) {
      throw new Error(`${name} differs, and is not of the size strategy`);
    }
    const limit = BigInt(strategy.SizeBasedRetention.max_size_bytes);
    // Theirs is ours less the segments that they deleted beyond it, and nothing else.
    expect(
      ours.filter((id) => !extra.includes(id)),
      name,
    ).toEqual(theirs);
    for (const id of extra) {
      const kept = entries.find(({ segmentId }) => segmentId === id);
      const newer = entries.filter(
        (e) =>
          kept !== undefined &&
          e.topic === kept.topic &&
          e.partition === kept.partition &&
          e.minOffset > kept.minOffset,
      );
      expect(newer, `${name}: ${id} is its partition's newest`).toEqual([]);
      expect((kept?.sizeBytes ?? 0n) > limit, `${name}: ${id} alone exceeds the limit`).toBe(true);
    }
  }
  console.log(
    `chronik vectors: ${equal} of ${VECTORS.length} equal; ${newestKept} differ by the rule "size never takes the newest" (${newestKeptSegments} segments kept)`,
  );
  expect(VECTORS).toHaveLength(400);
  expect(equal + newestKept).toBe(400);
  expect(newestKept).toBeGreaterThan(0);
});

it('identifies as many as Chronik did before the cap', () => {
  for (const vector of VECTORS) {
    const { plan } = planOf(vector);
    const fates = Array.from(plan.kept()).filter(({ fate }) => fate === 'cap').length;
    const identified = plan.deletions.length + fates;
    if ('SizeBasedRetention' in vector.config.strategy) {
      expect(identified, `case ${vector.case}`).toBeLessThanOrEqual(vector.identified);
    } else {
      expect(identified, `case ${vector.case}`).toBe(vector.identified);
    }
  }
});
