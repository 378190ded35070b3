import { type BytesColumn, isNullAt, type RecordColumns } from './record-columns.ts';

/** Whether two rows are the same record: equal in every field, those of its batch included. */
export function sameRecord(a: RecordColumns, i: number, b: RecordColumns, j: number): boolean {
  return (
    a.offset[i] === b.offset[j] &&
    a.timestamp[i] === b.timestamp[j] &&
    a.attributes[i] === b.attributes[j] &&
    a.baseOffset[i] === b.baseOffset[j] &&
    a.partitionLeaderEpoch[i] === b.partitionLeaderEpoch[j] &&
    a.producerId[i] === b.producerId[j] &&
    a.producerEpoch[i] === b.producerEpoch[j] &&
    a.baseSequence[i] === b.baseSequence[j] &&
    a.isTransactional[i] === b.isTransactional[j] &&
    a.isControl[i] === b.isControl[j] &&
    a.compression[i] === b.compression[j] &&
    a.timestampType[i] === b.timestampType[j] &&
    sameBytes(a.key, i, b.key, j) &&
    sameBytes(a.value, i, b.value, j) &&
    sameBytes(a.headers, i, b.headers, j)
  );
}

function sameBytes(a: BytesColumn, i: number, b: BytesColumn, j: number): boolean {
  if (isNullAt(a, i) !== isNullAt(b, j)) return false;
  const [startA = 0, endA = 0] = [a.offsets[i], a.offsets[i + 1]];
  const [startB = 0, endB = 0] = [b.offsets[j], b.offsets[j + 1]];
  return (
    endA - startA === endB - startB &&
    Buffer.compare(a.data.subarray(startA, endA), b.data.subarray(startB, endB)) === 0
  );
}
