import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openArchive } from '../../../src/core/archive/open-archive.ts';
import { confirmKeepers } from '../../../src/core/gc/confirm-keepers.ts';
import { gatherMembers } from '../../../src/core/gc/gather-members.ts';
import { type GcRules, planPartition } from '../../../src/core/gc/gc-plan.ts';
import { bytesAt } from '../../../src/core/record-batch/record-columns.ts';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { formatEntry } from '../../../src/core/segment-index/entry-format.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { listArchives } from '../../../src/core/verify/listing.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { buildArchive, type TestRecord } from '../../support/build-archive.ts';

const LIMITS = { maxUnpackedBytes: 1 << 26 };
const FOLDER = './data/tantivy_indexes/t/partition-0';

interface Piece {
  /** Offsets of the archive, from the log that all archives of a case are cut from. */
  readonly from: number;
  readonly length: number;
  /** Offsets left out, and offsets that have another value than in the log. */
  readonly holes: readonly number[];
  readonly altered: readonly number[];
  readonly fate: 'whole' | 'cut short' | 'replaced while read';
  readonly indexed: boolean;
  /** The entry claims this much more at its end than there is, or less. */
  readonly claim: number;
}

const piece: fc.Arbitrary<Piece> = fc.record({
  from: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(12) }),
  length: fc.integer({ min: 1, max: 16 }),
  holes: fc.oneof(fc.constant([]), fc.array(fc.nat(20), { maxLength: 2 })),
  altered: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.nat(20), { maxLength: 1 }) },
  ),
  fate: fc.oneof(
    { weight: 8, arbitrary: fc.constant('whole' as const) },
    { weight: 1, arbitrary: fc.constant('cut short' as const) },
    { weight: 1, arbitrary: fc.constant('replaced while read' as const) },
  ),
  indexed: fc.boolean(),
  claim: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }) },
  ),
});

function recordsOf(one: Piece): TestRecord[] {
  return Array.from({ length: one.length }, (_, i) => one.from + i)
    .filter((offset) => !one.holes.includes(offset))
    .map((offset) => ({
      offset: BigInt(offset),
      baseOffset: BigInt(offset - (offset % 4)),
      value:
        offset % 5 === 0
          ? null
          : Buffer.from(`v${offset}${one.altered.includes(offset) ? '!' : ''}`),
      key: offset % 7 === 0 ? new Uint8Array(0) : null,
    }));
}

/** A store in which some objects become others after the first read of them has begun. */
function withReplacements(store: MemoryStore, later: ReadonlyMap<string, Uint8Array>): ObjectStore {
  const left = new Map(later);
  return new Proxy<ObjectStore>(store, {
    get(target, name) {
      if (name !== 'get') return Reflect.get(target, name).bind?.(target);
      return async (...args: Parameters<ObjectStore['get']>) => {
        const body = await target.get(...args);
        const next = left.get(args[0]);
        left.delete(args[0]);
        if (next !== undefined) await target.put(args[0], next);
        return body;
      };
    },
  });
}

/** Every record that can be read, as text: offset and all bytes. */
async function readable(store: ObjectStore, keys: readonly string[]): Promise<Set<string>> {
  const all = new Set<string>();
  for (const key of keys) {
    const archive = await openArchive(await store.get(key), LIMITS).catch(() => undefined);
    if (archive === undefined) continue;
    for await (const columns of archive.records()) {
      for (let row = 0; row < columns.length; row++) {
        const value = bytesAt(columns.value, row);
        const text = value === null ? 'null' : Buffer.from(value).toString('hex');
        all.add(`${columns.offset[row]} ${columns.baseOffset[row]} ${text}`);
      }
    }
    archive.close();
  }
  return all;
}

test('no record that could be read before can not be read after', {
  timeout: 180_000,
}, async () => {
  let condemned = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (pieces, live) => {
        const memory = new MemoryStore();
        const entries: SegmentEntry[] = [];
        const later = new Map<string, Uint8Array>();
        for (const [i, one] of pieces.entries()) {
          const records = recordsOf(one);
          if (records.length === 0) continue;
          const key = `${FOLDER}/segment-${one.from}-${one.from + one.length - 1}.tar.gz`;
          const bytes = await buildArchive({
            topic: 't',
            partition: 0,
            records,
            segments: 1 + (i % 2),
          });
          const cut = one.fate === 'cut short' ? bytes.subarray(0, bytes.length - 9) : bytes;
          await memory.put(key, cut);
          if (one.fate === 'replaced while read') {
            const other = records.map((record) => ({ ...record, value: Buffer.from('new topic') }));
            later.set(key, await buildArchive({ topic: 't', partition: 0, records: other }));
          } else later.delete(key);
          if (!one.indexed) continue;
          const [min, max] = [
            records[0]?.offset ?? 0n,
            (records.at(-1)?.offset ?? 0n) + BigInt(one.claim),
          ];
          entries.push({
            segmentId: `t-0-${min}-${max}`,
            topic: 't',
            partition: 0,
            minOffset: min,
            maxOffset: max,
            recordCount: BigInt(records.length),
            minTimestamp: 0n,
            maxTimestamp: 0n,
            objectStorePath: key,
            sizeBytes: BigInt(cut.length),
            createdAtSeconds: BigInt(i),
            compression: 'snappy',
          });
        }
        const json = `{"t-0": [${entries.map(formatEntry).join(',')}]}`;
        const index = await readIndex(bytesSource('index', Buffer.from(json)));
        const store = withReplacements(memory, later);
        const listing = await listArchives(store, { prefixes: ['./data/'] });
        const rules: GcRules = {
          nowMs: 1_000_000,
          minAgeMs: 0,
          trustNames: false,
          unreferenced: false,
          includeLive: false,
          isLive: async () => live,
        };
        const deps = {
          store,
          limits: LIMITS,
          signal: new AbortController().signal,
          groupBytes: 3000,
        };
        const gone = new Set<string>();
        for (const group of gatherMembers(index, listing)) {
          const plan = await planPartition(group, rules, deps);
          const confirmed = await confirmKeepers(plan.delete, store, deps.signal);
          for (const { info } of confirmed.delete) {
            // What is another version by now, apply leaves alone.
            if ((await memory.head(info.key))?.version === info.version) gone.add(info.key);
          }
        }
        condemned += gone.size;
        const keys = listing.archives.map(({ info }) => info.key);
        const before = await readable(memory, keys);
        const after = await readable(
          memory,
          keys.filter((key) => !gone.has(key)),
        );
        expect(after).toEqual(before);
        // And what an entry led to, an entry leads to.
        const named = entries.map(({ objectStorePath }) => objectStorePath);
        const led = await readable(memory, named);
        const stillLed = await readable(
          memory,
          named.filter((key) => !gone.has(key)),
        );
        expect(stillLed).toEqual(led);
      },
    ),
    { numRuns: Number(process.env.SEGCTL_GC_RUNS ?? 120) },
  );
  expect(condemned).toBeGreaterThan(10);
});
