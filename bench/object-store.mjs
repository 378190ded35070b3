/**
 * The S3 store against a high-latency server, as ratios to the one-at-a-time way that Chronik has,
 * and the memory that a listing of a million keys takes. Run `npm run build` first, then
 * `node bench/object-store.mjs`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openStore } from '../dist/storage/open-store.js';
import { pooled } from '../dist/storage/pooled.js';
import { storeSettings } from '../dist/storage/store-settings.js';

const LATENCY_MS = 20;
const CONCURRENCY = 32;
const ARCHIVES = 200;
const DELETIONS = 10_000;
/** One at a time, 10,000 deletions would take minutes: so many are timed, and scaled. */
const DELETIONS_ONE_BY_ONE = 500;
const KEYS = 1_000_000;

async function startStub(latencyMs, keys) {
  const path = fileURLToPath(new URL('./stub-s3-server.mjs', import.meta.url));
  const child = fork(path, [String(latencyMs), String(keys)], { silent: true });
  const [line] = await once(child.stdout, 'data');
  return { endpoint: line.toString().trim(), stop: () => child.disconnect() };
}

function openAt(endpoint) {
  const env = {
    OBJECT_STORE_BACKEND: 's3',
    S3_ENDPOINT: endpoint,
    S3_ACCESS_KEY: 'bench',
    S3_SECRET_KEY: 'bench-secret',
  };
  return openStore(storeSettings(env, {}), { concurrency: CONCURRENCY });
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const namesOf = (count) => Array.from({ length: count }, (_, at) => `/data/segment-${at}.tar.gz`);

async function readAll(store, key) {
  let bytes = 0;
  for await (const chunk of await store.get(key)) {
    bytes += chunk.length;
  }
  return bytes;
}

async function drain(items) {
  let count = 0;
  for await (const _ of items) {
    count += 1;
  }
  return count;
}

async function compareRequests() {
  const stub = await startStub(LATENCY_MS, 0);
  const store = await openAt(stub.endpoint);
  await readAll(store, '/warm-up');
  const archives = namesOf(ARCHIVES);
  const single = await timed(async () => {
    for (const key of archives) {
      await readAll(store, key);
    }
  });
  const many = await timed(() =>
    drain(pooled(archives, CONCURRENCY, (key) => readAll(store, key))),
  );
  console.log(
    `get ${ARCHIVES} archives of 256 KiB at ${LATENCY_MS} ms: one at a time ${seconds(single)}, ${CONCURRENCY} at a time ${seconds(many)}, ratio ${(single / many).toFixed(1)}`,
  );
  const few = namesOf(DELETIONS_ONE_BY_ONE);
  const timedDeletes = await timed(async () => {
    for (const key of few) {
      await store.delete(key);
    }
  });
  const scaled = (timedDeletes * DELETIONS) / DELETIONS_ONE_BY_ONE;
  const bulk = await timed(() => drain(store.deleteMany(namesOf(DELETIONS))));
  console.log(
    `delete ${DELETIONS} objects at ${LATENCY_MS} ms: one at a time ${seconds(scaled)} (scaled from ${DELETIONS_ONE_BY_ONE}), in bulk ${seconds(bulk)}, ratio ${(scaled / bulk).toFixed(0)}`,
  );
  await store.close();
  stub.stop();
}

/** In a process of its own: the peak is the listing's. */
async function list(keys) {
  const stub = await startStub(0, keys);
  const store = await openAt(stub.endpoint);
  let listed = 0;
  const ms = await timed(async () => {
    listed = await drain(store.list('data/tantivy_indexes/'));
  });
  await store.close();
  stub.stop();
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  console.log(
    `list ${listed} keys: ${seconds(ms)}, ${Math.round(listed / (ms / 1000))} keys/s, peak memory of the process ${peakMiB.toFixed(0)} MiB`,
  );
}

const [mode, count] = process.argv.slice(2);
if (mode === 'list') {
  await list(Number(count));
} else {
  await compareRequests();
  for (const keys of [KEYS / 1000, KEYS / 10, KEYS]) {
    const child = fork(fileURLToPath(import.meta.url), ['list', String(keys)]);
    await once(child, 'exit');
  }
}
