import { type BytesColumn, isNullAt, type RecordColumns } from '../record-batch/record-columns.ts';

/** Not held: `offset` is the first whose record the keeper lacks or has otherwise, or the candidate's reading failed. */
export type Verdict =
  | { readonly held: true; readonly records: number }
  | { readonly held: false; readonly offset: bigint }
  | { readonly held: false; readonly error: unknown };

interface Cursor {
  readonly pieces: AsyncIterator<RecordColumns>;
  piece: RecordColumns | undefined;
  row: number;
  records: number;
  verdict: Verdict | undefined;
}

/**
 * Whether the keeper holds every record of each candidate, equal in every field. All streams ascend
 * by offset; the keeper's is read once for all of them. Of several records of one offset the first
 * is compared with the first and so on, so an order that differs is a difference: nothing is taken
 * for held that may not be.
 *
 * `onPiece` sees all of the keeper's pieces; without it the reading ends when nothing is open.
 */
export async function compareWithKeeper(
  keeper: AsyncIterable<RecordColumns>,
  candidates: readonly AsyncIterable<RecordColumns>[],
  onPiece?: (piece: RecordColumns) => void,
): Promise<Verdict[]> {
  const cursors = candidates.map((records): Cursor => {
    const pieces = records[Symbol.asyncIterator]();
    return { pieces, piece: undefined, row: 0, records: 0, verdict: undefined };
  });
  try {
    for await (const piece of keeper) {
      onPiece?.(piece);
      for (const cursor of cursors) {
        if (cursor.verdict === undefined) await advance(cursor, piece);
      }
      if (onPiece === undefined && cursors.every(({ verdict }) => verdict !== undefined)) break;
    }
    const verdicts: Verdict[] = [];
    for (const cursor of cursors) verdicts.push(cursor.verdict ?? (await verdictAtEnd(cursor)));
    return verdicts;
  } finally {
    for (const { pieces } of cursors) await pieces.return?.();
  }
}

/** The keeper has ended: what the candidate still has, the keeper has not. */
async function verdictAtEnd(cursor: Cursor): Promise<Verdict> {
  if (!(await hasRow(cursor))) return cursor.verdict ?? { held: true, records: cursor.records };
  return { held: false, offset: cursor.piece?.offset[cursor.row] ?? -1n };
}

/** Compares as many of the candidate's records as lie within the keeper's piece. */
async function advance(cursor: Cursor, keeper: RecordColumns): Promise<void> {
  let keeperRow = 0;
  const lastOffset = keeper.offset[keeper.length - 1] ?? -1n;
  while (true) {
    if (!(await hasRow(cursor))) {
      cursor.verdict ??= { held: true, records: cursor.records };
      return;
    }
    const piece = cursor.piece;
    const offset = piece?.offset[cursor.row];
    if (piece === undefined || offset === undefined || offset > lastOffset) return;
    keeperRow = firstAtLeast(keeper.offset, offset, keeperRow);
    const rows = equalRows(keeper, keeperRow, piece, cursor.row);
    if (rows === 0) {
      cursor.verdict = { held: false, offset };
      return;
    }
    cursor.row += rows;
    cursor.records += rows;
    keeperRow += rows;
  }
}

/**
 * Pulls the candidate's next piece where its last one is used up. False at its end, and where it
 * can't be read: that sets the verdict, and is no failure of the keeper or of other candidates.
 */
async function hasRow(cursor: Cursor): Promise<boolean> {
  while (cursor.piece === undefined || cursor.row >= cursor.piece.length) {
    let next: IteratorResult<RecordColumns>;
    try {
      next = await cursor.pieces.next();
    } catch (error) {
      cursor.verdict = { held: false, error };
      return false;
    }
    if (next.done === true) return false;
    cursor.piece = next.value;
    cursor.row = 0;
  }
  return true;
}

/** The first position from `from` on whose offset is not below `offset`. */
function firstAtLeast(offsets: BigInt64Array, offset: bigint, from: number): number {
  let low = from;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0n) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many rows from `a[i]` and `b[j]` on are equal, offsets included. 0 is a difference at once. */
function equalRows(a: RecordColumns, i: number, b: RecordColumns, j: number): number {
  let rows = commonOffsets(a, i, b, j);
  // Halving finds the first differing row in few steps, and equal runs in one.
  while (rows > 0 && !sameRecords(a, i, b, j, rows)) rows >>= 1;
  return rows;
}

function commonOffsets(a: RecordColumns, i: number, b: RecordColumns, j: number): number {
  const most = Math.min(a.length - i, b.length - j);
  if (sameNumbers(a.offset, i, b.offset, j, most)) return most;
  let rows = 0;
  while (rows < most && a.offset[i + rows] === b.offset[j + rows]) rows++;
  return rows;
}

function sameRecords(
  a: RecordColumns,
  i: number,
  b: RecordColumns,
  j: number,
  rows: number,
): boolean {
  return (
    sameNumbers(a.timestamp, i, b.timestamp, j, rows) &&
    sameNumbers(a.attributes, i, b.attributes, j, rows) &&
    sameNumbers(a.baseOffset, i, b.baseOffset, j, rows) &&
    sameNumbers(a.partitionLeaderEpoch, i, b.partitionLeaderEpoch, j, rows) &&
    sameNumbers(a.producerId, i, b.producerId, j, rows) &&
    sameNumbers(a.producerEpoch, i, b.producerEpoch, j, rows) &&
    sameNumbers(a.baseSequence, i, b.baseSequence, j, rows) &&
    sameNumbers(a.isTransactional, i, b.isTransactional, j, rows) &&
    sameNumbers(a.isControl, i, b.isControl, j, rows) &&
    sameNumbers(a.compression, i, b.compression, j, rows) &&
    sameNumbers(a.timestampType, i, b.timestampType, j, rows) &&
    sameBytes(a.key, i, b.key, j, rows) &&
    sameBytes(a.value, i, b.value, j, rows) &&
    sameBytes(a.headers, i, b.headers, j, rows)
  );
}

type Numbers = BigInt64Array | Int8Array | Int16Array | Int32Array | Uint8Array;

function sameNumbers(a: Numbers, i: number, b: Numbers, j: number, rows: number): boolean {
  return bytesOf(a, i, rows).equals(bytesOf(b, j, rows));
}

function bytesOf(values: Numbers, from: number, count: number): Buffer {
  const width = values.BYTES_PER_ELEMENT;
  return Buffer.from(values.buffer, values.byteOffset + from * width, count * width);
}

function sameBytes(a: BytesColumn, i: number, b: BytesColumn, j: number, rows: number): boolean {
  const startA = a.offsets[i] ?? 0;
  const startB = b.offsets[j] ?? 0;
  for (let row = 1; row <= rows; row++) {
    if ((a.offsets[i + row] ?? 0) - startA !== (b.offsets[j + row] ?? 0) - startB) return false;
  }
  if (a.nulls !== null || b.nulls !== null) {
    for (let row = 0; row < rows; row++) {
      if (isNullAt(a, i + row) !== isNullAt(b, j + row)) return false;
    }
  }
  const length = (a.offsets[i + rows] ?? 0) - startA;
  const bytesA = a.data.subarray(startA, startA + length);
  const bytesB = b.data.subarray(startB, startB + length);
  return Buffer.compare(bytesA, bytesB) === 0;
}
