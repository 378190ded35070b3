import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SegmentEntry } from '../../src/core/segment-index/segment-entry.ts';
import { indexText } from '../core/compaction/engine-kit.ts';

/** When the commands of these tests are run, for `--at`. */
export const AT = '2026-06-01T00:00:00Z';
const AT_SECONDS = Date.parse(AT) / 1000;
const SIZE = 64;

/** A node's data dir with a local store. Age in days before AT. */
export interface Node {
  readonly dataDir: string;
  /** Runs of the binary take these. */
  readonly args: readonly string[];
  indexText(): Promise<string>;
  segmentIds(): Promise<string[]>;
  /** Files of the store, from its root. */
  files(): Promise<string[]>;
  remove(): Promise<void>;
}

export function segment(
  topic: string,
  partition: number,
  min: number,
  ageDays: number,
): SegmentEntry {
  const max = min + 99;
  return {
    segmentId: `${topic}-${partition}-${min}-${max}`,
    topic,
    partition,
    minOffset: BigInt(min),
    maxOffset: BigInt(max),
    recordCount: 100n,
    minTimestamp: 1_700_000_000_000n,
    maxTimestamp: -(2n ** 63n),
    objectStorePath: `/data/tantivy_indexes/${topic}/partition-${partition}/segment-${min}-${max}.tar.gz`,
    sizeBytes: BigInt(SIZE),
    createdAtSeconds: BigInt(AT_SECONDS - ageDays * 86_400),
    compression: 'snappy',
  };
}

/** Four partitions: old segments first, young ones last. */
export const SEGMENTS = [
  segment('orders', 0, 0, 30),
  segment('orders', 0, 100, 20),
  segment('orders', 0, 200, 1),
  segment('orders', 1, 0, 30),
  segment('orders', 1, 100, 2),
  segment('clicks', 0, 0, 9),
];
export const OLD = ['clicks-0-0-99', 'orders-0-0-99', 'orders-0-100-199', 'orders-1-0-99'];

export async function makeNode(segments: readonly SegmentEntry[] = SEGMENTS): Promise<Node> {
  const dataDir = await mkdtemp(join(tmpdir(), 'segctl-node-'));
  const root = join(dataDir, 'segments');
  const index = join(dataDir, 'segment_index.json');
  await writeFile(index, indexText(segments));
  for (const { objectStorePath } of segments) {
    const path = join(root, objectStorePath);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.alloc(SIZE, objectStorePath));
  }
  return {
    dataDir,
    args: ['--data-dir', dataDir, '--at', AT],
    indexText: () => readFile(index, 'utf8'),
    segmentIds: async () =>
      [...(await readFile(index, 'utf8')).matchAll(/"segment_id": "([^"]*)"/g)].map(
        ([, id]) => id ?? '',
      ),
    files: async () => {
      const found = await readdir(root, { recursive: true, withFileTypes: true });
      return found
        .filter((one) => one.isFile())
        .map((one) => join(one.parentPath, one.name).slice(root.length + 1))
        .sort();
    },
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}
