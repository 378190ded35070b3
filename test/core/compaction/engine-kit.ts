import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplyRequest } from '../../../src/core/compaction/apply-request.ts';
import type { Engine, IndexFile } from '../../../src/core/compaction/engine.ts';
import type { RunFiles } from '../../../src/core/compaction/run-files.ts';
import { rowIdentity } from '../../../src/core/segment-index/index-edit.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import type { SegmentIndex } from '../../../src/core/segment-index/segment-index.ts';
import { formatIndex } from '../../../src/core/segment-index/splice-stream.ts';
import { fsIndexFile } from '../../../src/storage/fs-index-file.ts';
import { loadIndex } from '../../../src/storage/index-file.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { FsRunFiles } from '../../../src/storage/run-files.ts';

export const DAY_S = 86_400n;
/** In memory where there is such a place: thousands of fsyncs are not what these tests are about. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const made: string[] = [];

/** Removes the data dirs that makeWorld made; for afterAll. */
export function disposeWorlds(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export const NOW_MS = 1_790_000_000_000;

/** An entry as Chronik would have written it, `ageDays` before NOW_MS. */
export function entry(
  topic: string,
  partition: number,
  min: number,
  max: number,
  ageDays: number,
): SegmentEntry {
  return {
    segmentId: `${topic}-${partition}-${min}-${max}`,
    topic,
    partition,
    minOffset: BigInt(min),
    maxOffset: BigInt(max),
    recordCount: BigInt(max - min + 1),
    minTimestamp: 1_700_000_000_000n,
    maxTimestamp: 1_700_000_001_000n,
    objectStorePath: `./data/tantivy_indexes/${topic}/partition-${partition}/segment-${min}-${max}.tar.gz`,
    sizeBytes: BigInt(bytesOf(topic, min).length),
    createdAtSeconds: BigInt(NOW_MS / 1000) - BigInt(ageDays) * DAY_S,
    compression: 'snappy',
  };
}

export function bytesOf(topic: string, min: number): Uint8Array {
  return Buffer.from(`archive of ${topic} from ${min}`.padEnd(100 + (min % 7), '.'));
}

/** A data dir with an index of these entries and a store that holds their objects. */
export interface World {
  readonly dataDir: string;
  readonly indexPath: string;
  readonly store: ObjectStore;
  readonly runs: RunFiles;
  readonly engine: Engine;
  index(): Promise<SegmentIndex>;
  text(): Promise<string>;
  keys(): Promise<string[]>;
  request(segmentIds: readonly string[], overrides?: Partial<ApplyRequest>): Promise<ApplyRequest>;
}

export interface WorldOptions {
  /** An existing folder; by default a new one. */
  readonly dataDir?: string;
  readonly store?: ObjectStore;
  readonly runs?: (dataDir: string) => RunFiles;
  readonly index?: (path: string) => IndexFile;
  readonly signal?: AbortSignal;
}

export async function makeWorld(
  entries: readonly SegmentEntry[],
  options: WorldOptions = {},
): Promise<World> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(SCRATCH, 'segctl-compaction-')));
  if (options.dataDir === undefined) {
    made.push(dataDir);
  }
  const indexPath = join(dataDir, 'segment_index.json');
  const store = options.store ?? new MemoryStore();
  await writeFile(indexPath, indexText(entries));
  for (const { objectStorePath, topic, minOffset } of entries) {
    await store.put(objectStorePath, bytesOf(topic, Number(minOffset)));
  }
  return openWorld(dataDir, store, options);
}

export function openWorld(dataDir: string, store: ObjectStore, options: WorldOptions = {}): World {
  const indexPath = join(dataDir, 'segment_index.json');
  const runs = options.runs?.(dataDir) ?? new FsRunFiles(dataDir);
  const signal = options.signal ?? new AbortController().signal;
  let ticks = NOW_MS;
  const quiet = (): void => {};
  const engine: Engine = {
    runs,
    index: options.index?.(indexPath) ?? fsIndexFile(indexPath, { signal }),
    store,
    log: { debug: quiet, info: quiet, warn: quiet },
    now: () => ticks++,
    random: () => randomBytes(4),
    signal,
    self: { host: 'test', pid: process.pid, tool: 'segctl test' },
  };
  const index = async (): Promise<SegmentIndex> => (await loadIndex(indexPath)).index;
  return {
    dataDir,
    indexPath,
    store,
    runs,
    engine,
    index,
    text: () => readFile(indexPath, 'utf8'),
    keys: async () => {
      const keys: string[] = [];
      for await (const { key } of store.list('')) keys.push(key);
      return keys.sort();
    },
    request: async (segmentIds, overrides = {}) => {
      const loaded = await index();
      const rows = Array.from({ length: loaded.rowCount }, (_, row) => row).filter((row) =>
        segmentIds.includes(loaded.segmentId(row)),
      );
      return {
        command: 'compact',
        request: 'a test',
        remove: rows.map((row) => ({ identity: rowIdentity(loaded, row), reason: 'old' })),
        objects: rows.map((row, n) => ({
          key: loaded.objectStorePath(row),
          segmentId: loaded.segmentId(row),
          needs: [n],
        })),
        entriesMode: 'remove',
        objectsMode: 'delete',
        graceUntilMs: null,
        indexDigest: loaded.origin.digest ?? null,
        ...overrides,
      };
    },
  };
}

/** As the server writes it. */
export function indexText(entries: readonly SegmentEntry[]): string {
  const keys = new Map<string, SegmentEntry[]>();
  for (const one of entries) {
    const key = `${one.topic}-${one.partition}`;
    keys.set(key, [...(keys.get(key) ?? []), one]);
  }
  const chunks: Buffer[] = [];
  const groups = [...keys].map(([key, group]) => ({ key, entries: group }));
  for (const chunk of formatIndex(groups)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
