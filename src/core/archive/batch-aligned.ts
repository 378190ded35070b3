import type { RecordColumns } from '../record-batch/record-columns.ts';
import { concatRecordColumns, sliceRecordColumns } from '../record-batch/record-columns.ts';

/**
 * Moves the cuts between pieces so that none parts two records of one base offset: the tail of each
 * piece waits for the next one. A Kafka batch is about 1 MB at most, so little waits.
 */
export async function* batchAligned(
  pieces: AsyncIterable<RecordColumns>,
): AsyncGenerator<RecordColumns, void, void> {
  let waiting: RecordColumns | undefined;
  for await (const piece of pieces) {
    const joined = waiting === undefined ? piece : concatRecordColumns(waiting, piece);
    const cut = lastBatchStart(joined);
    if (cut > 0) yield sliceRecordColumns(joined, 0, cut);
    waiting = cut > 0 ? sliceRecordColumns(joined, cut, joined.length) : joined;
  }
  if (waiting !== undefined && waiting.length > 0) yield waiting;
}

function lastBatchStart(columns: RecordColumns): number {
  const { baseOffset, length } = columns;
  let row = length;
  const last = baseOffset[length - 1];
  while (row > 0 && baseOffset[row - 1] === last) row--;
  return row;
}
