import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyDeletions } from '../dist/core/compaction/apply.js';
import { rowIdentity } from '../dist/core/segment-index/index-edit.js';
import { formatIndex } from '../dist/core/segment-index/splice-stream.js';
import { fsIndexFile } from '../dist/storage/fs-index-file.js';
import { FsStore } from '../dist/storage/fs-store.js';
import { loadIndex } from '../dist/storage/index-file.js';
import { FsRunFiles } from '../dist/storage/run-files.js';

/**
 * Deletes 1,000 of 10,000 segments from a local store, and says which part of the time the index took;
 * then removes 20 entries with one rewrite each, as Chronik does, to have the cost of a rewrite. All
 * figures are of one run on one machine: the ratios are what counts. Run `npm run build` first.
 */
const SEGMENTS = 10_000;
const DELETIONS = 1000;
const SINGLE_REWRITES = 20;
const dataDir = await mkdtemp(join(tmpdir(), 'segctl-bench-'));
const indexPath = join(dataDir, 'segment_index.json');
const { signal } = new AbortController();
const entries = Array.from({ length: SEGMENTS }, (_, n) => {
  const [topic, partition, min] = ['orders', n % 10, Math.floor(n / 10) * 1000];
  return {
    segmentId: `${topic}-${partition}-${min}-${min + 999}`,
    topic,
    partition,
    minOffset: BigInt(min),
    maxOffset: BigInt(min + 999),
    recordCount: 1000n,
    minTimestamp: 1700000000000n,
    maxTimestamp: 1700000000999n,
    objectStorePath: `/data/tantivy_indexes/${topic}/partition-${partition}/segment-${min}-${min + 999}.tar.gz`,
    sizeBytes: 4096n,
    createdAtSeconds: 1700000000n + BigInt(n),
    compression: 'snappy',
  };
});
async function prepare() {
  const body = Buffer.alloc(4096, 'archive');
  for (const { objectStorePath } of entries) {
    const path = join(dataDir, 'segments', objectStorePath);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, body);
  }
  const groups = Array.from({ length: 10 }, (_, partition) => ({
    key: `orders-${partition}`,
    entries: entries.filter((one) => one.partition === partition),
  }));
  const chunks = [];
  for (const chunk of formatIndex(groups)) chunks.push(Buffer.from(chunk));
  await writeFile(indexPath, Buffer.concat(chunks));
}
try {
  await prepare();
  let indexWriteMs = 0;
  const file = fsIndexFile(indexPath, { signal });
  const quiet = () => {};
  const engine = {
    runs: new FsRunFiles(dataDir),
    index: {
      ...file,
      save: async (edit) => {
        const before = performance.now();
        const saved = await file.save(edit);
        indexWriteMs += performance.now() - before;
        return saved;
      },
    },
    store: new FsStore(join(dataDir, 'segments')),
    log: { debug: quiet, info: quiet, warn: quiet },
    now: Date.now,
    random: () => Uint8Array.of(1, 2, 3, 4),
    signal,
    self: { host: 'bench', pid: process.pid, tool: 'bench' },
  };
  const { index } = await loadIndex(indexPath);
  const rows = Array.from({ length: index.rowCount }, (_, row) => row);
  const oldest = rows.filter((row) => index.maxOffset(row) < (DELETIONS / 10) * 1000);
  const started = performance.now();
  const report = await applyDeletions(engine, {
    command: 'compact',
    request: 'bench',
    remove: oldest.map((row) => ({ identity: rowIdentity(index, row), reason: null })),
    objects: oldest.map((row, n) => ({
      key: index.objectStorePath(row),
      segmentId: index.segmentId(row),
      needs: [n],
    })),
    entriesMode: 'remove',
    objectsMode: 'delete',
    graceUntilMs: null,
    indexDigest: index.origin.digest ?? null,
  });
  const totalMs = performance.now() - started;
  if (report.deleted !== DELETIONS) throw new Error(`deleted ${report.deleted}`);
  const oneWrite = indexWriteMs;
  indexWriteMs = 0;
  for (let n = 0; n < SINGLE_REWRITES; n++) {
    const after = (await loadIndex(indexPath)).index;
    await engine.index.save({ remove: [rowIdentity(after, 0)] });
  }
  const perRewrite = indexWriteMs / SINGLE_REWRITES;
  const asChronik = perRewrite * DELETIONS;
  const ms = (value) => `${value.toFixed(0)} ms`;
  console.log(`deleting ${DELETIONS} of ${SEGMENTS} local segments: ${ms(totalMs)}`);
  console.log(
    `  index, one rewrite: ${ms(oneWrite)}, ${((oneWrite / totalMs) * 100).toFixed(1)}% of the run`,
  );
  console.log(
    `  index, one rewrite a deletion: ${ms(asChronik)} (${perRewrite.toFixed(1)} ms each, from ${SINGLE_REWRITES})`,
  );
  console.log(
    `ratio of time in index writes, one rewrite a deletion to one a run: ${(asChronik / oneWrite).toFixed(0)}`,
  );
  console.log(
    `ratio of the whole run to its index writes alone: ${(totalMs / oneWrite).toFixed(1)}`,
  );
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
