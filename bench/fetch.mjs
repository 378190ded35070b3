// All records of an archive, as RecordBatch V2 bytes, against `gzip -dc` of the same archive, and what
// a second core adds. Run after `npm run build`.
import { spawnSync } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { openArchive } from '../dist/core/archive/open-archive.js';
import { loadCodecs } from '../dist/core/record-batch/compression/codec.js';
import { BatchEncoder } from '../dist/core/record-batch/encode-batch.js';
import { groupIntoBatches } from '../dist/core/record-batch/group-batches.js';
import { COMPRESSION_TYPES } from '../dist/core/record-batch/record.js';

const ARCHIVE = fileURLToPath(
  new URL(
    '../test/fixtures/chronik-2.10.4-local/data/segments/data/tantivy_indexes/click-events/partition-0/segment-2000-24999.tar.gz',
    import.meta.url,
  ),
);
const ROUNDS = 25;
const codecs = await loadCodecs(COMPRESSION_TYPES);

const body = () => createReadStream(ARCHIVE, { highWaterMark: 1 << 20 });

async function batches() {
  const archive = await openArchive(body(), { maxUnpackedBytes: 2 ** 30 });
  const encoder = new BatchEncoder(codecs);
  let records = 0;
  for await (const columns of archive.records()) {
    for (const batch of groupIntoBatches(columns).batches) {
      encoder.encode(columns, batch);
      records += batch.to - batch.from;
    }
  }
  archive.close();
  return records;
}

async function gunzip() {
  for await (const _ of body().pipe(createGunzip({ chunkSize: 1 << 18 })));
}

/** The least of many rounds, in ms: what the work costs when nothing else is in its way. */
async function least(work) {
  let min = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await work();
    min = Math.min(min, performance.now() - start);
  }
  return min;
}

const records = await batches();
const gzip = await least(() => spawnSync('gzip', ['-dc', ARCHIVE], { maxBuffer: 2 ** 30 }));
const here = await least(gunzip);
const one = await least(batches);
const four = await least(() => Promise.all([batches(), batches(), batches(), batches()]));
const ratio = (a, b) => (a / b).toFixed(2);
console.log(`archive of ${statSync(ARCHIVE).size} bytes with ${records} records`);
console.log(`gzip -dc, a process    ${gzip.toFixed(1)} ms`);
console.log(`gunzip, in process     ${here.toFixed(1)} ms`);
console.log(
  `records as batches     ${one.toFixed(1)} ms: ${ratio(one, gzip)} x gzip -dc, ${ratio(one, here)} x gunzip`,
);
console.log(
  `four archives at once  ${four.toFixed(1)} ms: ${ratio(4 * one, four)} x as fast as one after the other, ${cpus().length} cores`,
);
