import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { PartitionLookup } from '../../../src/core/segment-index/lookup.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import { LOST_MAX_TIMESTAMP } from '../../../src/core/segment-index/segment-entry.ts';
import { formatIndex } from '../../../src/core/segment-index/splice-stream.ts';

const small = fc.bigInt({ min: 0n, max: 40n });
/** Ranges that overlap, nest, leave gaps, and some that end before they begin. */
const ranges = fc.array(
  fc.record({
    minOffset: small,
    maxOffset: small,
    minTimestamp: small,
    maxTimestamp: fc.oneof(small, fc.constant(LOST_MAX_TIMESTAMP)),
  }),
  { maxLength: 12 },
);

async function lookupOf(
  model: readonly (typeof ranges extends fc.Arbitrary<infer T> ? T : never)[number][],
) {
  const entries = model.map((range, i) => ({
    ...range,
    segmentId: `s${i}`,
    topic: 'a',
    partition: 0,
    recordCount: 1n,
    objectStorePath: `p${i}`,
    sizeBytes: 1n,
    createdAtSeconds: 0n,
    compression: 'snappy',
  }));
  const bytes = Buffer.concat(
    [...formatIndex([{ key: 'a-0', entries }])].map((one) => Buffer.from(one)),
  );
  const index = await readIndex(bytesSource('x', bytes));
  const partition = index.partition('a', 0);
  if (partition === undefined) throw new Error('the partition is not there');
  return { index, rows: [...partition.rows], lookup: new PartitionLookup(index, partition) };
}

describe('looking up', () => {
  it('an offset finds every row that covers it, and the rows around a gap', async () => {
    await fc.assert(
      fc.asyncProperty(ranges, async (model) => {
        const { index, rows, lookup } = await lookupOf(model);
        for (let offset = -1n; offset <= 41n; offset++) {
          const covering = rows.filter(
            (row) => index.minOffset(row) <= offset && offset <= index.maxOffset(row),
          );
          expect(lookup.byOffset(offset)).toEqual(covering);
          if (covering.length > 0) continue;
          const { before, after } = lookup.neighbours(offset);
          expect(after).toBe(rows.find((row) => index.minOffset(row) > offset));
          const below = rows.filter((row) => index.minOffset(row) <= offset);
          const reach = below.map((row) => index.maxOffset(row));
          expect(before === undefined).toBe(below.length === 0);
          if (before !== undefined) {
            expect(below).toContain(before);
            expect(reach.every((end) => end <= index.maxOffset(before))).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a range of offsets or of time finds every row that meets it', async () => {
    await fc.assert(
      fc.asyncProperty(ranges, small, small, async (model, from, to) => {
        const { index, rows, lookup } = await lookupOf(model);
        expect(lookup.overlapping(from, to)).toEqual(
          rows.filter((row) => index.minOffset(row) <= to && index.maxOffset(row) >= from),
        );
        expect(lookup.byTime(from, to)).toEqual(
          rows.filter(
            (row) =>
              index.minTimestamp(row) <= to &&
              (index.maxTimestamp(row) === LOST_MAX_TIMESTAMP || index.maxTimestamp(row) >= from),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });
});
