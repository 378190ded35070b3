import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ArchiveError } from '../../src/core/archive/archive-error.ts';
import { openWholeArchive } from '../../src/core/archive/open-archive.ts';
import { unpackArchive } from '../../src/core/archive/unpack-archive.ts';
import { compareWithKeeper } from '../../src/core/gc/compare-records.ts';
import {
  concatRecordColumns,
  type RecordColumns,
} from '../../src/core/record-batch/record-columns.ts';
import { scanArchive } from '../../src/core/verify/scan-archive.ts';
import { buildArchive, packArchive } from '../support/build-archive.ts';
import { mutate, seeded } from '../support/mutate.ts';

const COUNT = Number(process.env.SEGCTL_FUZZ ?? 20_000);
const SEED = Number(process.env.SEGCTL_FUZZ_SEED ?? 20_260_701);
const LIMITS = { maxUnpackedBytes: 4 << 20 };
const PLACE = { topic: 't', partition: 0, base: 0n, last: 7n, root: './data/' };
/** Normal in an archive that nobody touched. */
const NORMAL = new Set(['archive-max-timestamp-lost']);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* pieces(columns: RecordColumns): AsyncGenerator<RecordColumns> {
  yield columns;
}

interface Seen {
  /** What verify would report of it; `undefined` for nothing. */
  readonly reported: string | undefined;
  /** What can be read of it all the same. */
  readonly records: RecordColumns | undefined;
}

async function look(bytes: Uint8Array): Promise<Seen> {
  try {
    const archive = await openWholeArchive(once(bytes), LIMITS);
    try {
      await archive.verifyFiles();
      const { problems, scanned } = await scanArchive(archive, PLACE);
      let records: RecordColumns | undefined;
      for await (const piece of archive.records()) {
        records = records === undefined ? piece : concatRecordColumns(records, piece);
      }
      const wrong = problems.find(({ id }) => !NORMAL.has(id));
      // The index's entry has these, too.
      const { minOffset, maxOffset, records: count } = scanned.stats;
      const entry = minOffset === 0n && maxOffset === 7n && count === 8;
      return { reported: wrong?.id ?? (entry ? undefined : 'offset-range-differs'), records };
    } finally {
      archive.close();
    }
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    return { reported: error.damage, records: undefined };
  }
}

async function sameRecords(a: RecordColumns, b: RecordColumns | undefined): Promise<boolean> {
  if (b === undefined) return false;
  const [verdict] = await compareWithKeeper(pieces(a), [pieces(b)]);
  return a.length === b.length && verdict?.held === true;
}

test(`${COUNT} mutated archives: nothing crashes, and each changed record is reported`, {
  timeout: 3_600_000,
}, async () => {
  const records = Array.from({ length: 8 }, (_, i) => ({
    offset: BigInt(i),
    baseOffset: BigInt(i - (i % 4)),
    key: i % 3 === 0 ? null : Buffer.from(`k${i}`),
    value: Buffer.from(`value ${i}`.repeat(3)),
    headers: i % 2 === 0 ? '[{"key":"h","value":[104,105]}]' : null,
  }));
  const original = await buildArchive({ topic: 't', partition: 0, records, segments: 2 });
  const tar = gunzipSync(original);
  const unpacked = await unpackArchive(once(original), LIMITS);
  const metadata = Buffer.from(
    unpacked.members.find(({ name }) => name === 'metadata.json')?.data ?? [],
  ).toString();
  const names = [...unpacked.files.keys()];
  const whole = (await look(original)).records;
  if (whole === undefined) throw new Error('the original does not read');
  const random = seeded(SEED);
  const counts = new Map<string, number>();
  const missed: string[] = [];
  let changed = 0;
  let peakBytes = 0;
  for (let i = 0; i < COUNT; i++) {
    // The bytes as they lie in the store; the tar within a gzip that is right; one file of the
    // index, its tar and gzip right; and metadata.json.
    const kind = i % 4;
    let bytes: Buffer;
    if (kind === 0) bytes = mutate(original, random);
    else if (kind === 1) bytes = gzipSync(mutate(tar, random), { level: 1 });
    else {
      const files = new Map(unpacked.files);
      const name = names[Math.floor(random() * names.length)] ?? '';
      const data = files.get(name) ?? new Uint8Array(0);
      if (data.length > 0) files.set(name, mutate(data, random));
      else files.delete(name);
      const spoiled = i % 64 === 3 ? mutate(Buffer.from(metadata), random).toString() : metadata;
      bytes = await packArchive(files, spoiled);
    }
    const seen = await look(bytes).catch((error: unknown) => {
      throw new Error(`seed ${SEED}, mutation ${i}`, { cause: error });
    });
    if (i % 256 === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    counts.set(seen.reported ?? 'unreported', (counts.get(seen.reported ?? 'unreported') ?? 0) + 1);
    if (!(await sameRecords(whole, seen.records))) {
      changed++;
      if (seen.reported === undefined) missed.push(`seed ${SEED}, mutation ${i}`);
    }
  }
  const table = [...counts].sort((a, b) => b[1] - a[1]).map(([id, n]) => `  ${n} ${id}`);
  console.log(
    `archives: ${COUNT} mutated, ${changed} with records changed or unreadable, ${changed - missed.length} of these reported\n${table.join('\n')}`,
  );
  expect(missed).toEqual([]);
  // Some MB a mutation that was not freed would be tens of GiB.
  expect(peakBytes).toBeLessThan(2 ** 31);
  expect(changed).toBeGreaterThan(COUNT / 4);
});
