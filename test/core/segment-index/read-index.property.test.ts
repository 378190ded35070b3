import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegctlError } from '../../../src/core/segctl-error.ts';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import type { SegmentIndex } from '../../../src/core/segment-index/segment-index.ts';
import { chronikText, diceOf, type ModelIndex, modelIndex, oddText } from './index-model.ts';
import { type ReferenceResult, referenceRead } from './reference-reader.ts';

const chunkBytes = fc.oneof(
  fc.integer({ min: 1, max: 7 }),
  fc.integer({ min: 8, max: 3000 }),
  fc.constant(1 << 20),
);

async function read(text: string | Uint8Array, chunk = 1 << 20): Promise<SegmentIndex> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  return await readIndex(bytesSource('index', bytes, chunk));
}

type NamedKeys = [string, { entry: SegmentEntry; unknown: readonly string[] }[]][];

function asModel(index: SegmentIndex): NamedKeys {
  return index.keys.map((key) => [
    key.text,
    Array.from({ length: key.rowCount }, (_, i) => ({
      entry: index.entry(key.firstRow + i),
      unknown: index.unknownFields(key.firstRow + i),
    })),
  ]);
}

function withNames(model: ModelIndex): NamedKeys {
  return model.map(([key, entries]) => [
    key,
    entries.map(({ entry, unknown }) => ({ entry, unknown: unknown.map(([name]) => name) })),
  ]);
}

describe('any index, in any chunks', () => {
  it("comes back equal from the server's formatting", async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, chunkBytes, async (model, chunk) => {
        expect(asModel(await read(chronikText(model), chunk))).toEqual(withNames(model));
      }),
      { numRuns: 300 },
    );
  });

  it('comes back equal from any other valid formatting', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, chunkBytes, fc.integer(), async (model, chunk, seed) => {
        const index = await read(oddText(model, diceOf(seed)), chunk);
        const sorted = (names: readonly string[]) => [...names].sort();
        const rows = (keys: ReturnType<typeof withNames>) =>
          keys.map(([key, entries]) => [
            key,
            entries.map((one) => ({ ...one, unknown: sorted(one.unknown) })),
          ]);
        expect(rows(asModel(index))).toEqual(rows(withNames(model)));
      }),
      { numRuns: 300 },
    );
  });

  it('knows the bytes of every entry', async () => {
    await fc.assert(
      fc.asyncProperty(modelIndex, chunkBytes, async (model, chunk) => {
        const bytes = Buffer.from(chronikText(model));
        const index = await read(bytes, chunk);
        for (let row = 0; row < index.rowCount; row++) {
          const { byteStart, byteEnd } = index.location(row);
          const one = await read(`{"a-0":[${bytes.toString('utf8', byteStart, byteEnd)}]}`);
          expect(one.entry(0)).toEqual(index.entry(row));
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a filter', () => {
  it('gives the same rows of what it keeps, whatever the formatting', async () => {
    await fc.assert(
      fc.asyncProperty(
        modelIndex,
        chunkBytes,
        fc.boolean(),
        fc.integer(),
        async (model, chunk, odd, seed) => {
          const bytes = Buffer.from(odd ? oddText(model, diceOf(seed)) : chronikText(model));
          const whole = await read(bytes, chunk);
          for (const { topic, partition } of whole.partitions) {
            const filtered = await readIndex(bytesSource('index', bytes, chunk), {
              filter: (key) => key?.topic === topic && key.partition === partition,
            });
            const rows = (index: SegmentIndex) =>
              index.partition(topic, partition)?.rows ?? new Int32Array();
            expect([...rows(filtered)].map((row) => filtered.entry(row))).toEqual(
              [...rows(whole)].map((row) => whole.entry(row)),
            );
            expect(filtered.keys.map((key) => [key.text, key.arrayStart, key.arrayEnd])).toEqual(
              whole.keys.map((key) => [key.text, key.arrayStart, key.arrayEnd]),
            );
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** One to three changes of bytes: flips, cuts, repeats and bits of JSON put in. */
const mutations = fc.array(
  fc.record({
    at: fc.nat(),
    cut: fc.integer({ min: 0, max: 40 }),
    put: fc.oneof(
      fc.constantFrom(
        '',
        '"',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '-',
        '0',
        '1.0',
        '1e3',
        'null',
        '\\',
        '\\u',
        '\\ud83d',
        '\n',
        ' ',
        '99999999999999999999',
        '"topic": "x",',
      ),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

function comparable(index: SegmentIndex): ReferenceResult {
  return index.keys.map((key) => [
    key.text,
    Array.from({ length: key.rowCount }, (_, i) => {
      const entry = index.entry(key.firstRow + i);
      return {
        segment_id: entry.segmentId,
        topic: entry.topic,
        partition: BigInt(entry.partition),
        min_offset: entry.minOffset,
        max_offset: entry.maxOffset,
        record_count: entry.recordCount,
        min_timestamp: entry.minTimestamp,
        max_timestamp: entry.maxTimestamp,
        object_store_path: entry.objectStorePath,
        size_bytes: entry.sizeBytes,
        created_at: entry.createdAtSeconds,
        compression: entry.compression,
      };
    }),
  ]);
}

describe('damaged bytes', () => {
  it('give what an independent reader gives, or a typed error where it refuses', async () => {
    let refused = 0;
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(modelIndex, mutations, chunkBytes, async (model, changes, chunk) => {
        let bytes = Buffer.from(chronikText(model), 'utf8');
        for (const { at, cut, put } of changes) {
          const from = at % (bytes.length + 1);
          bytes = Buffer.concat([
            bytes.subarray(0, from),
            Buffer.from(put, 'latin1'),
            bytes.subarray(from + cut),
          ]);
        }
        const expected = referenceRead(bytes);
        if (expected === 'refused') {
          refused++;
          const error = await read(bytes, chunk).catch((thrown: unknown) => thrown);
          expect(error).toBeInstanceOf(SegctlError);
          expect(error).toMatchObject({ code: 'index-malformed', exit: 'failed' });
        } else {
          accepted++;
          expect(comparable(await read(bytes, chunk))).toEqual(expected);
        }
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(refused, accepted)).toBeGreaterThan(20);
  });
});
