import type { ArchiveSource } from '../archive/archive-source.ts';
import type { SegctlError } from '../segctl-error.ts';
import type { ArchivedPartition } from './archived-partition.ts';
import { diagnoseMissing, type FindDeletion } from './diagnose.ts';
import type { FetchEvent, RecordRun } from './fetch-event.ts';
import type { OffsetSpec } from './offset-spec.ts';
import { readPartition } from './read-partition.ts';
import type { RecordFilter } from './record-filter.ts';
import { type OffsetWindow, resolveWindow } from './resolve-bounds.ts';
import { Transactions } from './transactions.ts';

export interface FetchRequest {
  readonly partition: ArchivedPartition;
  readonly spec: OffsetSpec;
  /** Whole batches are given, those that hold an offset of the window: for bytes with valid CRCs. */
  readonly wholeBatches: boolean;
  readonly includeControl: boolean;
  readonly readCommitted: boolean;
  readonly filter: RecordFilter | undefined;
  readonly findDeletion: FindDeletion;
  /** Told how many of the window's offsets are behind, also where no record of them is wanted. */
  readonly onProgress?: (done: bigint, total: bigint) => void;
}

/** What a fetch of one partition met besides the records, known at its end. */
export interface FetchReport {
  /** Ranges of the window without a record; both ends inclusive. */
  readonly gaps: { readonly from: bigint; readonly to: bigint }[];
  readonly unreadable: Extract<FetchEvent, { kind: 'unreadable' }>[];
  /** Offsets under which two archives hold different records, and the first of them. */
  conflicts: number;
  firstConflict: Extract<FetchEvent, { kind: 'conflict' }> | undefined;
  /** Records left out under read_committed since their transaction has no end marker. */
  openTransactionRecords: number;
  controlRecordsHidden: number;
  firstHiddenControl: bigint | undefined;
}

/**
 * The records of one partition in a window, as runs of rows in offset order, and a report that fills
 * up as they are read.
 *
 * Throws the diagnosis (SegctlError with exit 20 to 25) before the first record when the very offset
 * that was asked for can't be had, and for a range `a:b` in which there is nothing at all.
 */
export class PartitionFetch {
  readonly report: FetchReport = {
    gaps: [],
    unreadable: [],
    conflicts: 0,
    firstConflict: undefined,
    openTransactionRecords: 0,
    controlRecordsHidden: 0,
    firstHiddenControl: undefined,
  };
  readonly #request: FetchRequest;
  readonly #source: ArchiveSource;

  constructor(source: ArchiveSource, request: FetchRequest) {
    this.#source = source;
    this.#request = request;
  }

  async *runs(): AsyncGenerator<RecordRun, void, void> {
    const { partition, spec, wholeBatches, onProgress } = this.#request;
    const { window, unreadable } = await resolveWindow(partition, spec, this.#source);
    this.report.unreadable.push(...unreadable);
    const transactions = await this.#transactions(window);
    let expected = window.start;
    let any = false;
    for await (const run of this.#archived(window)) {
      const first = run.columns.offset[run.from] ?? 0n;
      const covered = wholeBatches ? coveredFrom(run, window.start) : first;
      if (!any && this.#isDemanded(window) && covered > window.start && spec.exact) {
        throw await this.#diagnosis(window.start, covered);
      }
      any = true;
      if (covered > expected) this.report.gaps.push({ from: expected, to: covered - 1n });
      for (const hole of holesIn(run)) if (hole.to >= window.start) this.report.gaps.push(hole);
      expected = (run.columns.offset[run.to - 1] ?? 0n) + 1n;
      onProgress?.(expected - window.start, window.end - window.start);
      yield* this.#wanted(run, transactions);
    }
    if (!any && this.#isDemanded(window)) throw await this.#diagnosis(window.start, null);
    if (any && expected < window.end)
      this.report.gaps.push({ from: expected, to: window.end - 1n });
  }

  /** Whether the spec names an offset in figures, so that its absence needs an explanation. */
  #isDemanded(window: OffsetWindow): boolean {
    const { start, end } = this.#request.spec;
    const isEmptyByItself = end?.kind === 'offset' && end.offset <= window.start;
    return start.kind === 'offset' && !isEmptyByItself;
  }

  async #diagnosis(offset: bigint, next: bigint | null): Promise<SegctlError> {
    return await diagnoseMissing({
      partition: this.#request.partition,
      offset,
      nextOffset: next ?? (await this.#nextAfter(offset)),
      unreadable: this.report.unreadable,
      findDeletion: this.#request.findDeletion,
    });
  }

  /** The first offset after a window in which there was nothing. */
  async #nextAfter(offset: bigint): Promise<bigint | null> {
    const { partition } = this.#request;
    const end = partition.endOffset ?? 0n;
    if (offset >= end) return null;
    const range = { min: offset, max: end - 1n };
    const events = readPartition(this.#source, partition.entries(range.min, range.max), { range });
    for await (const event of events) {
      if (event.kind === 'records') return event.columns.offset[event.from] ?? null;
    }
    return null;
  }

  /** The runs of the window; all else that happens goes into the report. */
  async *#archived(window: OffsetWindow): AsyncGenerator<RecordRun, void, void> {
    if (window.start >= window.end) return;
    const { partition, wholeBatches } = this.#request;
    const range = { min: window.start, max: window.end - 1n };
    const entries = partition.entries(range.min, range.max);
    const events = readPartition(this.#source, entries, wholeBatches ? {} : { range });
    const runs = this.#reported(events);
    yield* wholeBatches ? batchesOf(coalesced(runs), window) : runs;
  }

  async *#reported(events: AsyncIterable<FetchEvent>): AsyncGenerator<RecordRun, void, void> {
    for await (const event of events) {
      if (event.kind === 'records') {
        yield event;
      } else if (event.kind === 'unreadable') {
        this.report.unreadable.push(event);
      } else {
        this.report.conflicts++;
        this.report.firstConflict ??= event;
      }
    }
  }

  async #transactions(window: OffsetWindow): Promise<Transactions | undefined> {
    const { partition, readCommitted } = this.#request;
    if (!readCommitted || window.start >= window.end) return undefined;
    const last = (partition.endOffset ?? 0n) - 1n;
    const entries = partition.entries(window.start, last);
    return await Transactions.collect(readPartition(this.#source, entries), window.end);
  }

  /** Parts of the run that isolation, control records and filters leave. */
  *#wanted(run: RecordRun, transactions: Transactions | undefined): Generator<RecordRun> {
    const { columns } = run;
    let from = run.from;
    for (let row = run.from; row < run.to; row++) {
      if (this.#isWanted(columns, row, transactions)) continue;
      if (row > from) yield { columns, from, to: row };
      from = row + 1;
    }
    if (run.to > from) yield { columns, from, to: run.to };
  }

  #isWanted(
    columns: RecordRun['columns'],
    row: number,
    transactions: Transactions | undefined,
  ): boolean {
    const { includeControl, filter } = this.#request;
    if (columns.isControl[row] === 1) {
      if (!includeControl) {
        this.report.controlRecordsHidden++;
        this.report.firstHiddenControl ??= columns.offset[row];
        return false;
      }
    } else if (transactions !== undefined && columns.isTransactional[row] === 1) {
      const outcome = transactions.outcome(
        columns.producerId[row] ?? -1n,
        columns.offset[row] ?? 0n,
      );
      if (outcome === 'open') this.report.openTransactionRecords++;
      if (outcome !== 'committed') return false;
    }
    return filter === undefined || filter(columns, row);
  }
}

/** Offsets between the records of a run, which ascend; both ends inclusive. */
function* holesIn({
  columns: { offset },
  from,
  to,
}: RecordRun): Generator<FetchReport['gaps'][number]> {
  let previous = offset[from] ?? 0n;
  if ((offset[to - 1] ?? 0n) - previous === BigInt(to - 1 - from)) return;
  for (let row = from + 1; row < to; row++) {
    const current = offset[row] ?? 0n;
    if (current > previous + 1n) yield { from: previous + 1n, to: current - 1n };
    previous = current;
  }
}

/** A run that begins before the window covers it from its start. */
function coveredFrom({ columns, from, to }: RecordRun, start: bigint): bigint {
  for (let row = from; row < to; row++) {
    const offset = columns.offset[row] ?? 0n;
    if (offset >= start) return offset;
  }
  return columns.offset[to - 1] ?? 0n;
}

/** Joins runs that follow each other in the same columns, so that no batch is parted by a merge. */
async function* coalesced(runs: AsyncIterable<RecordRun>): AsyncGenerator<RecordRun, void, void> {
  let held: RecordRun | undefined;
  for await (const run of runs) {
    if (held !== undefined && held.columns === run.columns && held.to === run.from) {
      held = { columns: held.columns, from: held.from, to: run.to };
      continue;
    }
    if (held !== undefined) yield held;
    held = run;
  }
  if (held !== undefined) yield held;
}

/** Cuts runs to the batches that hold an offset of the window. */
async function* batchesOf(
  runs: AsyncIterable<RecordRun>,
  window: OffsetWindow,
): AsyncGenerator<RecordRun, void, void> {
  for await (const { columns, from: runFrom, to: runTo } of runs) {
    const { offset, baseOffset } = columns;
    let from = runFrom;
    while (from < runTo && (offset[from] ?? 0n) < window.start) from++;
    let to = from;
    while (to < runTo && (offset[to] ?? 0n) < window.end) to++;
    if (from === to) {
      if (from < runTo) return;
      continue;
    }
    while (from > runFrom && baseOffset[from - 1] === baseOffset[from]) from--;
    while (to < runTo && baseOffset[to] === baseOffset[to - 1]) to++;
    yield { columns, from, to };
  }
}
