import { describe, expect, it } from 'vitest';
import { columnsFromRecords } from '../../../src/core/record-batch/columns-from-records.ts';
import { groupIntoBatches } from '../../../src/core/record-batch/group-batches.ts';
import type { RecordColumns } from '../../../src/core/record-batch/record-columns.ts';

/** Rows of one idempotent producer with these [base offset, offset]s; base sequence 100. */
function columnsOf(rows: readonly (readonly [number, number])[]): RecordColumns {
  const records = rows.map(([, offset]) => ({
    offset: BigInt(offset),
    timestamp: 0n,
    key: null,
    value: null,
    headers: [],
    attributes: 0,
  }));
  const columns = columnsFromRecords(records, {
    baseOffset: 0n,
    partitionLeaderEpoch: 3,
    compressionType: 'zstd',
    timestampType: 'CreateTime',
    isTransactional: true,
    isControl: false,
    producerId: 2n ** 40n,
    producerEpoch: 7,
    baseSequence: 100,
  });
  for (const [i, [base]] of rows.entries()) columns.baseOffset[i] = BigInt(base);
  return columns;
}

const shape = (columns: RecordColumns) =>
  groupIntoBatches(columns).batches.map(({ from, to, header }) => [
    from,
    to,
    Number(header.baseOffset),
    header.baseSequence,
  ]);

describe('grouping rows into batches', () => {
  it('makes a batch of consecutive rows with one base offset, gaps included', () => {
    const columns = columnsOf([
      [0, 0],
      [0, 4],
      [10, 11],
      [20, 20],
      [20, 21],
    ]);
    const { batches, anomalies } = groupIntoBatches(columns);
    expect(anomalies).toEqual([]);
    expect(batches.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [2, 3],
      [3, 5],
    ]);
    expect(batches[1]?.header).toEqual({
      baseOffset: 10n,
      partitionLeaderEpoch: 3,
      compressionType: 'zstd',
      timestampType: 'CreateTime',
      isTransactional: true,
      isControl: false,
      producerId: 2n ** 40n,
      producerEpoch: 7,
      baseSequence: 100,
    });
  });

  it('makes none of no rows', () => {
    expect(groupIntoBatches(columnsOf([]))).toEqual({ batches: [], anomalies: [] });
  });

  it.each([
    'partitionLeaderEpoch',
    'producerEpoch',
    'isTransactional',
    'isControl',
    'compression',
    'timestampType',
  ] as const)('splits where %s changes inside one base offset, and says so', (field) => {
    const columns = columnsOf([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    columns[field][2] = columns[field][2] === 1 ? 0 : 1;
    expect(shape(columns)).toEqual([
      [0, 2, 0, 100],
      [2, 3, 2, 102],
    ]);
    expect(groupIntoBatches(columns).anomalies).toEqual([
      { reason: 'field-change', row: 2, offset: 2n, baseOffset: 0n },
    ]);
  });

  it('splits where the producer id changes in its upper half alone', () => {
    const columns = columnsOf([
      [0, 0],
      [0, 1],
    ]);
    columns.producerId[1] = 2n ** 41n;
    expect(groupIntoBatches(columns).anomalies).toHaveLength(1);
  });

  it('splits before an offset that does not ascend, so that no batch holds one twice', () => {
    const columns = columnsOf([
      [0, 0],
      [0, 1],
      [0, 1],
      [0, 2],
    ]);
    expect(shape(columns)).toEqual([
      [0, 2, 0, 100],
      [2, 4, 1, 101],
    ]);
    expect(groupIntoBatches(columns).anomalies).toEqual([
      { reason: 'offset-order', row: 2, offset: 1n, baseOffset: 0n },
    ]);
  });

  it('moves a base offset above its own first record down, and says so', () => {
    const columns = columnsOf([
      [5, 3],
      [5, 6],
    ]);
    expect(shape(columns)).toEqual([[0, 2, 3, 98]]);
    expect(groupIntoBatches(columns).anomalies).toEqual([
      { reason: 'offset-below-base', row: 0, offset: 3n, baseOffset: 5n },
    ]);
  });

  it('wraps the sequence of a split batch as producers do', () => {
    const columns = columnsOf([
      [0, 0],
      [0, 2],
    ]);
    columns.baseSequence.fill(2 ** 31 - 1);
    columns.isControl[1] = 1;
    expect(shape(columns)[1]).toEqual([1, 2, 2, 1]);
  });

  it.each(['compression', 'timestampType'] as const)('refuses a %s that Kafka lacks', (field) => {
    const columns = columnsOf([[0, 0]]);
    columns[field][0] = 5;
    expect(() => groupIntoBatches(columns)).toThrow(
      expect.objectContaining({ code: 'batch-field-unknown' }),
    );
  });
});
