import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SegctlError } from '../../src/core/segctl-error.ts';
import { bytesSource } from '../../src/core/segment-index/byte-source.ts';
import { formatEntry } from '../../src/core/segment-index/entry-format.ts';
import { readIndex } from '../../src/core/segment-index/read-index.ts';
import type { SegmentEntry } from '../../src/core/segment-index/segment-entry.ts';
import type { SegmentIndex } from '../../src/core/segment-index/segment-index.ts';
import { indexFindings, loadedRows } from '../../src/core/verify/index-findings.ts';
import { partitionFindings } from '../../src/core/verify/partition-findings.ts';
import { canonicalKey } from '../../src/storage/canonical-key.ts';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { mutate, seeded } from '../support/mutate.ts';

const COUNT = Number(process.env.SEGCTL_FUZZ ?? 20_000);
const SEED = Number(process.env.SEGCTL_FUZZ_SEED ?? 20_260_702);

/** Entries by the offsets and the object that they lead to, with all of their fields. */
function entriesOf(index: SegmentIndex): Set<string> {
  return new Set(loadedRows(index).map((row) => formatEntry(index.entry(row))));
}

/** What a comparison with the archive has to say about an entry, as text. */
function comparable({
  segmentId,
  createdAtSeconds,
  compression,
  objectStorePath,
  ...rest
}: SegmentEntry): string {
  return Object.entries(rest)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** What a comparison with the store shows, where the true entry of each object is known. */
function differsFromStore(index: SegmentIndex, truth: ReadonlyMap<string, string>): boolean {
  const rows = loadedRows(index);
  if (rows.length !== truth.size) return true;
  return rows.some((row) => {
    const entry = index.entry(row);
    return truth.get(canonicalKey(entry.objectStorePath)) !== comparable(entry);
  });
}

test(`${COUNT} mutated indexes: refused, reported, or the same`, {
  timeout: 3_600_000,
}, async () => {
  const original = readFileSync(`${FIXTURE_DATA}/segment_index.json`);
  const sound = await readIndex(bytesSource('index', original));
  const whole = entriesOf(sound);
  const truth = new Map(
    loadedRows(sound).map((row) => {
      const entry = sound.entry(row);
      return [canonicalKey(entry.objectStorePath), comparable(entry)] as const;
    }),
  );
  const random = seeded(SEED);
  const counts = { refused: 0, reported: 0, byTheStore: 0, harmless: 0, same: 0 };
  const missed: string[] = [];
  for (let i = 0; i < COUNT; i++) {
    const bytes = mutate(original, random);
    let index: SegmentIndex;
    try {
      index = await readIndex(bytesSource('index', bytes), { digest: false });
    } catch (error) {
      if (!(error instanceof SegctlError))
        throw new Error(`seed ${SEED}, mutation ${i}`, { cause: error });
      counts.refused++;
      continue;
    }
    const found = indexFindings(index);
    for (const { rows } of index.partitions) {
      found.push(
        ...partitionFindings(
          [...rows].map((row) => ({ entry: index.entry(row) })),
          [],
        ),
      );
    }
    const entries = entriesOf(index);
    const isSame = entries.size === whole.size && [...entries].every((one) => whole.has(one));
    if (isSame) counts.same++;
    else if (found.length > 0) counts.reported++;
    else if (differsFromStore(index, truth)) counts.byTheStore++;
    else if (onlyTimeOrCodec(index, sound)) counts.harmless++;
    else missed.push(`seed ${SEED}, mutation ${i}`);
  }
  console.log(`indexes: ${COUNT} mutated, ${JSON.stringify(counts)}, ${missed.length} missed`);
  expect(missed).toEqual([]);
  expect(counts.refused + counts.reported + counts.byTheStore).toBeGreaterThan(COUNT / 2);
});

/** `created_at` and `compression` have no counterpart that could contradict them. */
function onlyTimeOrCodec(index: SegmentIndex, sound: SegmentIndex): boolean {
  const strip = (one: SegmentIndex): string[] =>
    loadedRows(one)
      .map((row) =>
        formatEntry({
          ...one.entry(row),
          createdAtSeconds: 0n,
          compression: '',
          objectStorePath: canonicalKey(one.objectStorePath(row)),
        }),
      )
      .sort();
  return JSON.stringify(strip(index)) === JSON.stringify(strip(sound));
}
