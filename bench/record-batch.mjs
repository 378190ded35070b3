/**
 * RecordBatch V2 encoding and decoding, as ratios to a floor that any codec has to pay: one copy of
 * the batch's bytes and one CRC-32C over them. Run `npm run build` first, then
 * `node bench/record-batch.mjs`.
 */
import { columnsFromRecords } from '../dist/core/record-batch/columns-from-records.js';
import { loadCodecs } from '../dist/core/record-batch/compression/codec.js';
import { crc32c } from '../dist/core/record-batch/crc32c.js';
import { readBatches } from '../dist/core/record-batch/decode-batch.js';
import { readRecords, unpackRecords } from '../dist/core/record-batch/decode-records.js';
import { BatchEncoder } from '../dist/core/record-batch/encode-batch.js';
import { groupIntoBatches } from '../dist/core/record-batch/group-batches.js';
import { COMPRESSION_TYPES } from '../dist/core/record-batch/record.js';

const RECORDS = 200_000;
const RECORDS_A_BATCH = 2_000;
const ROUNDS = 9;

const codecs = await loadCodecs(COMPRESSION_TYPES);

/**
 * The best time of each of several works, in ms. They take turns, so that what else the machine does
 * hits them alike; the best is what it takes when nothing does.
 */
function timed(...works) {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      work();
      best[i] = Math.min(best[i], performance.now() - start);
    }
  }
  return best;
}

function sample({ headers, valueBytes }) {
  const text = new TextEncoder();
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    offset: BigInt(i),
    timestamp: 1_763_800_000_000n + BigInt(i),
    key: text.encode(`user-${i % 977}`),
    value: text.encode(`{"n":${i},"page":"/p/${i % 31}"}`.padEnd(valueBytes, 'x')),
    headers,
    attributes: 0,
  }));
  const header = {
    baseOffset: 0n,
    partitionLeaderEpoch: 0,
    compressionType: 'none',
    timestampType: 'CreateTime',
    isTransactional: false,
    isControl: false,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
  };
  const columns = columnsFromRecords(records, header);
  for (let i = 0; i < RECORDS; i++) columns.baseOffset[i] = BigInt(i - (i % RECORDS_A_BATCH));
  return columns;
}

function measure(name, columns, compression) {
  columns.compression.fill(COMPRESSION_TYPES.indexOf(compression));
  const encoder = new BatchEncoder(codecs);
  const encode = () =>
    groupIntoBatches(columns).batches.map((batch) => encoder.encode(columns, batch));
  const bytes = Buffer.concat(encode());
  const unpackedBytes = [...readBatches(bytes)].reduce(
    (sum, batch) => sum + unpackRecords(batch, codecs).length,
    0,
  );
  const plain = Buffer.alloc(unpackedBytes, 1);
  const copy = new Uint8Array(unpackedBytes);
  const [floor, encodeMs, decodeMs] = timed(
    () => {
      copy.set(plain);
      crc32c(copy);
    },
    encode,
    () => {
      for (const batch of readBatches(bytes)) {
        for (const record of readRecords(batch.info, unpackRecords(batch, codecs))) record.offset;
      }
    },
  );
  const rate = (ms) => `${(RECORDS / ms / 1000).toFixed(2)} M records/s`;
  console.log(
    `${name} ${compression}: ${(unpackedBytes / 1e6).toFixed(1)} MB; ` +
      `encode ${rate(encodeMs)}, ${(encodeMs / floor).toFixed(1)} times the floor; ` +
      `decode ${rate(decodeMs)}, ${(decodeMs / floor).toFixed(1)} times the floor`,
  );
}

const small = sample({ headers: [], valueBytes: 40 });
for (const compression of COMPRESSION_TYPES) measure('small records', small, compression);
measure('1 KB records', sample({ headers: [], valueBytes: 1000 }), 'none');
const headers = [
  { key: 'trace', value: new TextEncoder().encode('4bf92f3577b34da6') },
  { key: 'src', value: new TextEncoder().encode('web') },
];
measure('with two headers', sample({ headers, valueBytes: 40 }), 'none');
