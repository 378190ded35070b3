import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FetchEvent } from '../../../src/core/fetch/fetch-event.ts';
import { readPartition } from '../../../src/core/fetch/read-partition.ts';
import { bytesAt } from '../../../src/core/record-batch/record-columns.ts';
import type { TestRecord } from '../../support/build-archive.ts';
import { type ArchivedLog, archiveLog } from './archived-log.ts';

interface Read {
  readonly records: { readonly offset: bigint; readonly value: string }[];
  readonly conflicts: bigint[];
  readonly unreadable: string[];
}

async function readAll({ source, partition }: ArchivedLog): Promise<Read> {
  const read: Read = { records: [], conflicts: [], unreadable: [] };
  const note = (event: FetchEvent): void => {
    if (event.kind === 'conflict') read.conflicts.push(event.offset);
    if (event.kind === 'unreadable') read.unreadable.push(event.entry.segmentId);
    if (event.kind !== 'records') return;
    for (let row = event.from; row < event.to; row++) {
      const value = Buffer.from(bytesAt(event.columns.value, row) ?? []).toString();
      read.records.push({ offset: event.columns.offset[row] ?? -1n, value });
    }
  };
  for await (const event of readPartition(source, partition.allEntries())) note(event);
  return read;
}

function records(from: number, to: number, value: string): TestRecord[] {
  return Array.from({ length: to - from }, (_, i) => ({
    offset: BigInt(from + i),
    value: Buffer.from(value),
  }));
}

function offsetsOf(read: Read): number[] {
  return read.records.map(({ offset }) => Number(offset));
}

describe('readPartition', () => {
  test('joins a wider archive with what only a narrower one has', async () => {
    const log = await archiveLog([
      { records: records(0, 30, 'same') },
      { records: [...records(10, 15, 'same'), ...records(25, 50, 'same')] },
    ]);
    const read = await readAll(log);
    expect(offsetsOf(read)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(read.conflicts).toEqual([]);
  });

  test('where two differ, gives those indexed last and tells', async () => {
    const log = await archiveLog([
      { records: records(0, 10, 'old topic'), createdAtSeconds: 100n },
      { records: records(5, 8, 'new topic'), createdAtSeconds: 200n },
    ]);
    const read = await readAll(log);
    expect(read.conflicts).toEqual([5n, 6n, 7n]);
    expect(
      read.records.filter(({ value }) => value === 'new topic').map(({ offset }) => offset),
    ).toEqual([5n, 6n, 7n]);
    expect(offsetsOf(read)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('the archive indexed last wins also when it begins earlier', async () => {
    const log = await archiveLog([
      { records: records(0, 10, 'new topic'), createdAtSeconds: 200n },
      { records: records(5, 12, 'old topic'), createdAtSeconds: 100n },
    ]);
    const read = await readAll(log);
    expect(read.records.map(({ value }) => value)).toEqual([
      ...Array<string>(10).fill('new topic'),
      ...Array<string>(2).fill('old topic'),
    ]);
  });

  test('a document that is there twice is given once', async () => {
    const log = await archiveLog([
      { records: [...records(0, 5, 'x'), ...records(2, 4, 'x')], segments: 2 },
    ]);
    const read = await readAll(log);
    expect(offsetsOf(read)).toEqual([0, 1, 2, 3, 4]);
    expect(read.conflicts).toEqual([]);
  });

  test('damage in one costs that one, and another that has its records takes over', async () => {
    const log = await archiveLog([
      { records: records(0, 10, 'a') },
      { records: records(5, 20, 'a') },
      { records: records(20, 30, 'a') },
    ]);
    const [first = '', , third = ''] = log.keys;
    const { info } = await log.store.get(first);
    await log.store.put(first, new Uint8Array(info.sizeBytes));
    await log.store.delete(third);
    const read = await readAll(log);
    expect(read.unreadable).toEqual(['t-0-0-9', 't-0-20-29']);
    expect(offsetsOf(read)).toEqual(Array.from({ length: 15 }, (_, i) => i + 5));
  });

  test('whatever overlaps, each archived offset comes once, ascending', async () => {
    const segment = fc
      .record({
        from: fc.nat(60),
        holes: fc.array(fc.nat(59), { maxLength: 20 }),
        length: fc.integer({ min: 1, max: 60 }),
        parts: fc.integer({ min: 1, max: 3 }),
        created: fc.nat(3),
        shuffled: fc.boolean(),
      })
      .map(({ from, holes, length, parts, created, shuffled }) => {
        const offsets = Array.from({ length }, (_, i) => from + i).filter(
          (offset, i) => i === 0 || !holes.includes(offset - from),
        );
        const written = shuffled ? [...offsets].reverse() : offsets;
        return {
          from,
          records: written.map((offset) => ({
            offset: BigInt(offset),
            value: Buffer.from(`v${offset}`),
          })),
          segments: parts,
          createdAtSeconds: BigInt(created),
        };
      });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(segment, {
          minLength: 1,
          maxLength: 5,
          selector: ({ from }) => from,
        }),
        async (segments) => {
          const read = await readAll(await archiveLog(segments));
          const expected = new Set(
            segments.flatMap((one) => one.records.map(({ offset }) => Number(offset))),
          );
          expect(offsetsOf(read)).toEqual([...expected].sort((a, b) => a - b));
          expect(read.conflicts).toEqual([]);
          expect(read.records.every(({ offset, value }) => value === `v${offset}`)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
