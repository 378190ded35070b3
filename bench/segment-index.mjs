/**
 * The segment index at a million entries: time, peak memory of the process, and ratios to what the
 * same bytes cost to read and to hash. Each figure is a process of its own. Run `npm run build`
 * first, then `node bench/segment-index.mjs [ENTRIES]`; needs 1 KB of disk an entry.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rowIdentity } from '../dist/core/segment-index/index-edit.js';
import { formatIndex } from '../dist/core/segment-index/splice-stream.js';
import { loadIndex } from '../dist/storage/index-file.js';
import { saveIndex } from '../dist/storage/index-save.js';

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const PARTITIONS = 100;
const REMOVALS = 1000;
const RUNS = 3;

function* partitions(entries) {
  const each = Math.ceil(entries / PARTITIONS);
  for (let p = 0; p < PARTITIONS; p++) {
    const topic = `payments-topic-${Math.floor(p / 10)}`;
    yield { key: `${topic}-${p % 10}`, entries: entriesOf(topic, p % 10, each) };
  }
}

function* entriesOf(topic, partition, count) {
  const path = `/data/tantivy_indexes/${topic}/partition-${partition}`;
  for (let i = 0; i < count; i++) {
    const minOffset = 1_000_000n + BigInt(i) * 1000n;
    const maxOffset = minOffset + 999n;
    yield {
      segmentId: `${topic}-${partition}-${minOffset}-${maxOffset}`,
      topic,
      partition,
      minOffset,
      maxOffset,
      recordCount: 1000n,
      minTimestamp: 1_763_800_000_000n + BigInt(i) * 1000n,
      maxTimestamp: 1_763_800_000_999n + BigInt(i) * 1000n,
      objectStorePath: `${path}/segment-${minOffset}-${maxOffset}.tar.gz`,
      sizeBytes: 500_000n + BigInt(i % 77_777),
      createdAtSeconds: 1_763_800_000n + BigInt(i),
      compression: 'snappy',
    };
  }
}

async function writeFile(path, entries) {
  const file = createWriteStream(path);
  for (const chunk of formatIndex(partitions(entries))) {
    if (!file.write(Buffer.from(chunk))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return (await stat(path)).size;
}

/** The work of one child process; gives the milliseconds that it took. */
const WORK = {
  async read(path) {
    for await (const _ of createReadStream(path, { highWaterMark: 1 << 20 }));
  },
  async hash(path) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      hash.update(chunk);
    hash.digest('hex');
  },
  load: (path) => loadIndex(path),
  loadUnhashed: (path) => loadIndex(path, { digest: false }),
  onePartition: (path) =>
    loadIndex(path, {
      digest: false,
      filter: (key) => key?.topic === 'payments-topic-4' && key.partition === 3,
    }),
  /** The time of the save alone; which entries go was known before. */
  async remove(path) {
    const { index } = await loadIndex(path);
    const step = Math.floor(index.rowCount / REMOVALS);
    const remove = Array.from({ length: REMOVALS }, (_, i) => rowIdentity(index, i * step));
    const start = performance.now();
    const { plan } = await saveIndex(path, { remove });
    if (plan.removedRows.length !== REMOVALS) throw new Error('not all were removed');
    return performance.now() - start;
  },
};

async function measure(work, path) {
  const start = performance.now();
  const own = await WORK[work](path);
  const ms = typeof own === 'number' ? own : performance.now() - start;
  process.send({ ms, peakMb: process.resourceUsage().maxRSS / 1024 });
}

async function inChild(work, path, runs = RUNS) {
  const results = [];
  for (let run = 0; run < runs; run++) {
    const child = fork(fileURLToPath(import.meta.url), ['--measure', work, path]);
    const [result] = await once(child, 'message');
    results.push(result);
  }
  return results.sort((a, b) => a.ms - b.ms)[0];
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'segctl-bench-'));
  try {
    const path = join(folder, 'segment_index.json');
    const half = join(folder, 'half.json');
    const bytes = await writeFile(path, ENTRIES);
    await writeFile(half, ENTRIES / 2);
    console.log(
      `${ENTRIES} entries, ${(bytes / 1e6).toFixed(0)} MB; the best of ${RUNS} runs each`,
    );
    const floor = await inChild('read', path);
    const row = (what, { ms, peakMb }) =>
      console.log(
        `${what.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms ${(bytes / 1e3 / ms).toFixed(0).padStart(6)} MB/s` +
          ` ${(ms / floor.ms).toFixed(2).padStart(6)} x read ${peakMb.toFixed(0).padStart(5)} MB peak`,
      );
    row('read the bytes', floor);
    row('SHA-256 of the bytes', await inChild('hash', path));
    const load = await inChild('load', path);
    row('load with digest', load);
    row('load without digest', await inChild('loadUnhashed', path));
    row('load one partition of 100', await inChild('onePartition', path));
    const loadHalf = await inChild('load', half);
    console.log(
      `all entries against half of them: ${(load.ms / loadHalf.ms).toFixed(2)} x the time`,
    );
    row(`remove ${REMOVALS} entries, one rewrite`, await inChild('remove', path, 1));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--measure') await measure(process.argv[3], process.argv[4]);
else await main();
