import { describe, expect, it } from 'vitest';
import { endMarker, readControlRecord } from '../../../src/core/record-batch/control-record.ts';

const recordOf = (key: Uint8Array | null, value: Uint8Array | null) => ({
  offset: 12n,
  timestamp: 0n,
  key,
  value,
  headers: [],
  attributes: 0,
});

describe('control records', () => {
  it.each(['ABORT', 'COMMIT'] as const)('say %s and whose word it is', (type) => {
    const { key, value } = endMarker(type, 2 ** 31 - 1);
    expect(readControlRecord(recordOf(key, value))).toEqual({
      type,
      typeId: type === 'ABORT' ? 0 : 1,
      keyVersion: 0,
      coordinatorEpoch: 2 ** 31 - 1,
    });
  });

  it('may have more fields in a later version', () => {
    const { value } = endMarker('COMMIT', 3);
    const key = Uint8Array.of(0, 1, 0, 1, 9, 9);
    const longer = Buffer.concat([Buffer.of(0, 1), value.subarray(2), Buffer.of(9)]);
    expect(readControlRecord(recordOf(key, longer))).toMatchObject({
      keyVersion: 1,
      coordinatorEpoch: 3,
    });
  });

  it.each([
    [2, 'LEADER_CHANGE'],
    [6, 'KRAFT_VOTERS'],
    [7, 'UNKNOWN'],
    [0xff, 'UNKNOWN'],
  ])('of type %d are %s, without a coordinator', (id, type) => {
    expect(readControlRecord(recordOf(Uint8Array.of(0, 0, 0, id), null))).toMatchObject({
      type,
      typeId: id,
      coordinatorEpoch: null,
    });
  });

  it.each([
    ['a null key', null, new Uint8Array(6)],
    ['a short key', new Uint8Array(3), new Uint8Array(6)],
    ['a key of version -1', Uint8Array.of(0xff, 0xff, 0, 0), new Uint8Array(6)],
    ['a null value', new Uint8Array(4), null],
    ['a short value', new Uint8Array(4), new Uint8Array(5)],
    ['a value of version -1', new Uint8Array(4), Uint8Array.of(0xff, 0xff, 0, 0, 0, 0)],
  ])('are refused with %s', (_, key, value) => {
    expect(() => readControlRecord(recordOf(key, value))).toThrow(
      expect.objectContaining({ code: 'control-record-malformed' }),
    );
  });
});
