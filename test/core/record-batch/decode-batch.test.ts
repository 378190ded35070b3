import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ATTRIBUTES_AT,
  CRC_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
} from '../../../src/core/record-batch/batch-layout.ts';
import { loadCodecs } from '../../../src/core/record-batch/compression/codec.ts';
import { crc32c } from '../../../src/core/record-batch/crc32c.ts';
import { readBatches } from '../../../src/core/record-batch/decode-batch.ts';
import { readRecords, unpackRecords } from '../../../src/core/record-batch/decode-records.ts';
import { COMPRESSION_TYPES } from '../../../src/core/record-batch/record.ts';
import { SegctlError } from '../../../src/core/segctl-error.ts';
import { arbitraryBatch } from './arbitrary-batches.ts';
import { decodeRecords, encodeSample } from './encode-sample.ts';

const codecs = await loadCodecs(COMPRESSION_TYPES);
const MAX_UNPACKED_BYTES = 4 * 1024 * 1024;

const [sample] = fc.sample(arbitraryBatch(['none']), { seed: 42, numRuns: 1 });
if (sample === undefined) throw new Error('no sample');
const one = encodeSample(
  {
    header: { ...sample.header, timestampType: 'CreateTime' },
    records: [1, 2, 3].map((n) => ({
      offset: sample.header.baseOffset + BigInt(n),
      timestamp: 1000n,
      key: Uint8Array.of(n),
      value: Uint8Array.of(n, n),
      headers: [{ key: 'h', value: Uint8Array.of(n) }],
      attributes: 0,
    })),
  },
  codecs,
);

/** Runs something that must either succeed or fail with a typed error, and tells the code. */
function codeOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof SegctlError) return error.code;
    throw error;
  }
}

const readAll = (bytes: Uint8Array): unknown => decodeRecords(bytes, codecs, MAX_UNPACKED_BYTES);

/** A copy with some bytes set, and the CRC made to fit. */
function patched(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(values, at);
  new DataView(copy.buffer).setUint32(CRC_AT, crc32c(copy.subarray(ATTRIBUTES_AT)));
  return copy;
}

describe('reading batches', () => {
  it('tells where each batch of several begins, as it gets there', () => {
    const batches = readBatches(Buffer.concat([one, one, Buffer.from('junk')]));
    expect(batches.next().value).toMatchObject({ info: { position: 0, sizeBytes: one.length } });
    expect(batches.next().value).toMatchObject({ info: { position: one.length } });
    expect(() => batches.next()).toThrow(
      expect.objectContaining({
        code: 'batch-truncated',
        facts: { position: 2 * one.length, availableBytes: 4, sizeBytes: null },
      }),
    );
  });

  it('tells a batch that is cut anywhere', () => {
    for (let length = 1; length < one.length; length++) {
      expect(codeOf(() => readAll(one.subarray(0, length)))).toBe('batch-truncated');
    }
  });

  it('finds any flipped bit that the CRC covers, or flags it and goes on', () => {
    for (let at = ATTRIBUTES_AT; at < one.length; at++) {
      const bytes = Uint8Array.from(one);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      expect(codeOf(() => readAll(bytes))).toMatch(/^batch-(crc-mismatch|malformed)$/);
    }
    const bytes = Uint8Array.from(one);
    bytes[one.length - 1] = 0xff;
    const [batch] = readBatches(bytes, { onCrcMismatch: 'flag' });
    expect(batch?.info.crcValid).toBe(false);
  });

  it.each([
    [0, /message set of magic 0/],
    [1, /message set of magic 1/],
    [3, /unknown magic 3/],
    [0xff, /unknown magic -1/],
  ])('refuses magic %d where it stands', (magic, message) => {
    const second = Uint8Array.from(one);
    second[16] = magic;
    const work = () => readAll(Buffer.concat([one, second]));
    expect(codeOf(work)).toBe('batch-magic-unsupported');
    expect(work).toThrow(message);
    expect(work).toThrow(
      expect.objectContaining({ facts: expect.objectContaining({ position: one.length }) }),
    );
  });

  it.each([
    [
      'a negative length',
      patched(one, 8, 0xff, 0xff, 0xff, 0xff),
      'batch-malformed',
      'length is -1',
    ],
    ['a length of 48', patched(one, 8, 0, 0, 0, 48), 'batch-malformed', 'length is 48'],
    ['a length beyond the end', patched(one, 8, 0x7f, 0, 0, 0), 'batch-truncated', 'cut short'],
    ['an unknown codec', patched(one, 22, 5), 'batch-malformed', 'compression type'],
    ['a negative last offset delta', patched(one, 23, 0xff), 'batch-malformed', 'offset delta -'],
    ['a negative record count', patched(one, RECORD_COUNT_AT, 0xff), 'batch-malformed', 'count -'],
    ['more records than fit', patched(one, RECORD_COUNT_AT, 0x7f), 'batch-malformed', "can't hold"],
    [
      'one record too many',
      patched(one, RECORD_COUNT_AT + 3, 4),
      'batch-malformed',
      'its record 3',
    ],
    ['one record too few', patched(one, RECORD_COUNT_AT + 3, 2), 'batch-malformed', 'bytes follow'],
    ['a record length of 0', patched(one, RECORDS_AT, 0), 'batch-malformed', 'the length'],
    ['a negative record length', patched(one, RECORDS_AT, 1), 'batch-malformed', 'the length'],
    ['a record too long', patched(one, RECORDS_AT, 0xfe, 0x7f), 'batch-malformed', 'the length'],
    ['a key too long', patched(one, RECORDS_AT + 4, 0x7e), 'batch-malformed', 'the key length'],
    ['a key of length -2', patched(one, RECORDS_AT + 4, 3), 'batch-malformed', 'the key length'],
    ['a value too long', patched(one, RECORDS_AT + 6, 0x7e), 'batch-malformed', 'the value length'],
    ['too many headers', patched(one, RECORDS_AT + 9, 0x7e), 'batch-malformed', 'header count'],
    ['-1 headers', patched(one, RECORDS_AT + 9, 1), 'batch-malformed', 'header count'],
    ['a null header key', patched(one, RECORDS_AT + 10, 1), 'batch-malformed', 'header key'],
    [
      'a header key not UTF-8',
      patched(one, RECORDS_AT + 11, 0xff),
      'batch-malformed',
      'header key',
    ],
    [
      'a byte behind its headers',
      patched(one, RECORDS_AT + 12, 0),
      'batch-malformed',
      'the length',
    ],
  ])('refuses %s although the CRC fits', (_, bytes, code, reason) => {
    expect(codeOf(() => readAll(bytes))).toBe(code);
    expect(() => readAll(bytes)).toThrow(reason);
  });

  it('gives a typed error or records for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        codeOf(() => readAll(bytes));
        // Also past the header checks.
        const framed = new Uint8Array(RECORDS_AT + bytes.length);
        framed.set(one.subarray(0, RECORDS_AT));
        framed.set(bytes, RECORDS_AT);
        new DataView(framed.buffer).setInt32(8, framed.length - 12);
        codeOf(() => readAll(patched(framed, 22, bytes.length % 5)));
      }),
      { numRuns: 1000 },
    );
  });

  it('gives a typed error or records for any batch with bytes changed, through every codec', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(
        arbitraryBatch(),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        (good, changes) => {
          const bytes = encodeSample(good, codecs);
          for (const [at, byte] of changes) {
            bytes[RECORDS_AT + (at % (bytes.length - RECORDS_AT))] = byte;
          }
          codeOf(() => readAll(patched(bytes, 0)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('takes the max timestamp for every record under LogAppendTime', () => {
    const [batch] = readBatches(patched(one, 22, 0x08));
    if (batch === undefined) throw new Error('no batch');
    const info = { ...batch.info, maxTimestamp: 7n };
    const times = [...readRecords(info, unpackRecords(batch, codecs))].map((r) => r.timestamp);
    expect(times).toEqual([7n, 7n, 7n]);
  });

  it('reads the delete horizon', () => {
    const [batch] = readBatches(patched(one, 22, 0x40));
    expect(batch?.info).toMatchObject({ deleteHorizonMs: 1000n, baseTimestamp: 1000n });
  });
});
