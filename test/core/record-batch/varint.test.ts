import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isFastVarlong,
  sizeOfBigVarlong,
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeBigVarlong,
  writeVarint,
  writeVarlong,
} from '../../../src/core/record-batch/varint.ts';

const MAX_INT32 = 2 ** 31 - 1;
const MAX_INT64 = 2n ** 63n - 1n;
const room = new Uint8Array(16);

const written = (end: number): number[] => [...room.subarray(0, end)];
const readerOf = (...bytes: number[]): VarintReader =>
  new VarintReader(Uint8Array.from(bytes), 0, bytes.length);

/** Values next to each power of two, where the number of bytes changes. */
const edges = Array.from({ length: 63 }, (_, bit) => 2n ** BigInt(bit)).flatMap((power) =>
  [power - 1n, power, power + 1n].flatMap((value) => [value, -value]),
);

describe('varints', () => {
  // From the encoding of sint32 in the Protocol Buffers documentation.
  it.each([
    [0, [0]],
    [-1, [1]],
    [1, [2]],
    [-2, [3]],
    [63, [0x7e]],
    [64, [0x80, 0x01]],
    [MAX_INT32, [0xfe, 0xff, 0xff, 0xff, 0x0f]],
    [-(2 ** 31), [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('writes %d', (value, bytes) => {
    expect(written(writeVarint(room, 0, value))).toEqual(bytes);
    expect(readerOf(...bytes).varint()).toBe(value);
  });

  it('come back, and take the bytes that were told, for any int32', () => {
    const int32 = fc.oneof(
      fc.integer(),
      fc.constantFrom(...edges.map(Number).filter((edge) => Math.abs(edge) <= MAX_INT32)),
    );
    fc.assert(
      fc.property(int32, (value) => {
        const end = writeVarint(room, 0, value);
        expect(end).toBe(sizeOfVarint(value));
        const reader = new VarintReader(room, 0, end);
        expect(reader.varint()).toBe(value);
        expect(reader.position).toBe(end);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['none', []],
    ['a cut one', [0x80, 0x80]],
    ['one of six bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['one of 33 bits', [0xff, 0xff, 0xff, 0xff, 0x1f]],
  ])('are refused where there is %s', (_, bytes) => {
    const reader = readerOf(...bytes);
    expect(reader.varint()).toBeNull();
    expect(reader.position).toBe(0);
  });
});

describe('varlongs', () => {
  it('come back for any int64, and are the same written as number and as bigint', () => {
    const int64 = fc.oneof(
      fc.bigInt(-MAX_INT64 - 1n, MAX_INT64),
      fc.bigInt(-(2n ** 53n), 2n ** 53n),
      fc.constantFrom(...edges, MAX_INT64, -MAX_INT64 - 1n),
    );
    fc.assert(
      fc.property(int64, (value) => {
        const end = writeBigVarlong(room, 0, value);
        const bytes = written(end);
        expect(end).toBe(sizeOfBigVarlong(value));
        const reader = new VarintReader(room, 0, end);
        expect(reader.varlong()).toBe(value);
        expect(reader.position).toBe(end);
        if (!isFastVarlong(Number(value))) return;
        expect(written(writeVarlong(room, 0, Number(value)))).toEqual(bytes);
        expect(sizeOfVarlong(Number(value))).toBe(end);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['none', []],
    ['a cut one', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]],
    ['one of eleven bytes', [...new Array<number>(10).fill(0x80), 0x00]],
    ['one of 65 bits', [...new Array<number>(9).fill(0xff), 0x02]],
  ])('are refused where there is %s', (_, bytes) => {
    const reader = readerOf(...bytes);
    expect(reader.varlong()).toBeNull();
    expect(reader.position).toBe(0);
  });
});
