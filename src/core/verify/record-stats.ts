import type { RecordColumns } from '../record-batch/record-columns.ts';
import type { OffsetRun } from './offset-runs.ts';

/** More runs than this are not listed: an archive with that many holes is told by its numbers. */
export const MAX_RUNS = 4096;

/** What the documents of an archive say about it. */
export interface RecordStats {
  /** Documents. */
  readonly records: number;
  /** Smallest and largest offset; undefined without records. */
  readonly minOffset: bigint | undefined;
  readonly maxOffset: bigint | undefined;
  /** Epoch ms, over all records. */
  readonly minTimestamp: bigint | undefined;
  readonly maxTimestamp: bigint | undefined;
  /** Epoch ms: the smallest timestamp of a batch's first record, which is what the server indexes. */
  readonly minBatchTimestamp: bigint | undefined;
  /** Records whose offset an earlier one has too. */
  readonly duplicates: number;
  readonly firstDuplicate: bigint | undefined;
  /** The offsets that have records, ascending; undefined when there are more than MAX_RUNS runs. */
  readonly runs: readonly OffsetRun[] | undefined;
}

/** Takes records in ascending offset order, piece by piece. */
export class RecordStatsBuilder {
  #records = 0;
  #minTimestamp: bigint | undefined;
  #maxTimestamp: bigint | undefined;
  #minBatchTimestamp: bigint | undefined;
  #lastBase: bigint | undefined;
  #duplicates = 0;
  #firstDuplicate: bigint | undefined;
  #minOffset: bigint | undefined;
  #maxOffset: bigint | undefined;
  #runStart = 0n;
  #runs: OffsetRun[] | undefined = [];

  add(columns: RecordColumns): void {
    const { length, offset, baseOffset, timestamp } = columns;
    if (length === 0) return;
    this.#records += length;
    let previous = this.#maxOffset;
    let [min, max] = [
      this.#minTimestamp ?? timestamp[0] ?? 0n,
      this.#maxTimestamp ?? timestamp[0] ?? 0n,
    ];
    for (let row = 0; row < length; row++) {
      const at = offset[row] ?? 0n;
      const time = timestamp[row] ?? 0n;
      if (time < min) min = time;
      if (time > max) max = time;
      const base = baseOffset[row] ?? 0n;
      if (base !== this.#lastBase) {
        this.#lastBase = base;
        if (this.#minBatchTimestamp === undefined || time < this.#minBatchTimestamp) {
          this.#minBatchTimestamp = time;
        }
      }
      if (previous === undefined) {
        this.#minOffset = at;
        this.#runStart = at;
      } else if (at === previous) {
        this.#duplicates++;
        this.#firstDuplicate ??= at;
      } else if (at !== previous + 1n) {
        this.#endRun(previous);
        this.#runStart = at;
      }
      previous = at;
    }
    this.#maxOffset = previous;
    this.#minTimestamp = min;
    this.#maxTimestamp = max;
  }

  finish(): RecordStats {
    if (this.#maxOffset !== undefined) this.#endRun(this.#maxOffset);
    return {
      records: this.#records,
      minOffset: this.#minOffset,
      maxOffset: this.#maxOffset,
      minTimestamp: this.#minTimestamp,
      maxTimestamp: this.#maxTimestamp,
      minBatchTimestamp: this.#minBatchTimestamp,
      duplicates: this.#duplicates,
      firstDuplicate: this.#firstDuplicate,
      runs: this.#runs,
    };
  }

  #endRun(last: bigint): void {
    if (this.#runs === undefined) return;
    if (this.#runs.length === MAX_RUNS) this.#runs = undefined;
    else this.#runs.push({ first: this.#runStart, last });
  }
}

/** Offsets between the smallest and the largest that have no record. */
export function missingOffsets(stats: RecordStats): bigint {
  const { minOffset, maxOffset, records, duplicates } = stats;
  if (minOffset === undefined || maxOffset === undefined) return 0n;
  return maxOffset - minOffset + 1n - BigInt(records - duplicates);
}
