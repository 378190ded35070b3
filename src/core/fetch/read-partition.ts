import type { ArchiveSource, OpenedArchive } from '../archive/archive-source.ts';
import type { OffsetRange } from '../archive/open-archive.ts';
import type { RecordColumns } from '../record-batch/record-columns.ts';
import { sameRecord } from '../record-batch/same-record.ts';
import { SegctlError } from '../segctl-error.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import { ArchiveCursor } from './archive-cursor.ts';
import type { FetchEvent } from './fetch-event.ts';

export interface ReadOptions {
  /** Only these offsets; absent reads the archives whole, which keeps batches whole. */
  readonly range?: OffsetRange;
  /** Archives that are opened before they are needed, to keep disk, network and cores busy. */
  readonly readAhead?: number;
}

const READ_AHEAD = 2;

/** An archive on its way: opened ahead, so a failure waits here until its turn comes. */
interface Pending {
  readonly entry: SegmentEntry;
  readonly opened: Promise<OpenedArchive | SegctlError>;
}

/**
 * The records of `entries` (in min_offset order) in ascending offset order, each offset once.
 *
 * Ranges may overlap: a server that seals its WAL anew writes records again, and a topic that was
 * recreated uses offsets again. Archives whose ranges meet are merged. Where two hold the same
 * offset, the record of the archive that was indexed last is given, since that is the log as the
 * server last saw it; when they differ, a `conflict` says so. Memory holds the archives that
 * overlap at one place and those read ahead, however many there are in all.
 *
 * An archive that can't be read is an `unreadable` event and costs no other one. Errors that
 * concern the whole store (denied, unreachable) are thrown.
 */
export async function* readPartition(
  source: ArchiveSource,
  entries: readonly SegmentEntry[],
  options: ReadOptions = {},
): AsyncGenerator<FetchEvent, void, void> {
  const readAhead = options.readAhead ?? READ_AHEAD;
  const waiting: Pending[] = [];
  const active: ArchiveCursor[] = [];
  let nextEntry = 0;
  let last: LastRecord | undefined;
  const openAhead = (): void => {
    while (waiting.length < readAhead && nextEntry < entries.length) {
      const entry = entries[nextEntry++];
      if (entry !== undefined) waiting.push({ entry, opened: openOne(source, entry) });
    }
  };
  try {
    while (true) {
      openAhead();
      // Every archive that may hold the next record has to take part in finding it.
      let next = waiting[0];
      while (next !== undefined && reaches(next.entry, active)) {
        waiting.shift();
        openAhead();
        const outcome = await startCursor(next, options.range);
        if (outcome instanceof ArchiveCursor) active.push(outcome);
        else if (outcome !== undefined) yield outcome;
        next = waiting[0];
      }
      const cursor = lowest(active);
      if (cursor === undefined) {
        if (waiting.length === 0) return;
        continue;
      }
      const columns = cursor.columns;
      if (columns === undefined) throw new Error('a cursor in use stands on a record');
      const { row } = cursor;
      if (last !== undefined && cursor.offset <= last.offset) {
        const conflict = conflictWith(last, cursor, columns);
        if (conflict !== undefined) yield conflict;
        yield* step(active, cursor, 1);
        continue;
      }
      const to = runEnd(cursor, columns, active, waiting[0]?.entry);
      last = { offset: columns.offset[to - 1] ?? 0n, columns, row: to - 1, entry: cursor.entry };
      yield { kind: 'records', columns, from: row, to };
      yield* step(active, cursor, to - row);
    }
  } finally {
    for (const cursor of active) await cursor.close();
    for (const { opened } of waiting) closeWhenOpened(opened);
  }
}

interface LastRecord {
  readonly offset: bigint;
  readonly columns: RecordColumns;
  readonly row: number;
  readonly entry: SegmentEntry;
}

/** Failures of one archive become values; those of the store stay errors, for the awaiting caller. */
function openOne(source: ArchiveSource, entry: SegmentEntry): Promise<OpenedArchive | SegctlError> {
  const opened = source.open(entry.objectStorePath).catch((error: unknown) => {
    if (isOfOneArchive(error)) return error;
    throw error;
  });
  // Read ahead and perhaps never awaited: the rejection must not count as unhandled.
  opened.catch(() => {});
  return opened;
}

function isOfOneArchive(error: unknown): error is SegctlError {
  return (
    error instanceof SegctlError &&
    (error.exit === 'archiveDamaged' ||
      error.exit === 'objectMissing' ||
      error.code === 'key-escapes-root')
  );
}

async function startCursor(
  { entry, opened }: Pending,
  range: OffsetRange | undefined,
): Promise<ArchiveCursor | FetchEvent | undefined> {
  const archive = await opened;
  if (archive instanceof SegctlError) return { kind: 'unreadable', entry, error: archive };
  const cursor = new ArchiveCursor(entry, archive, range);
  const failure = await advance(cursor, 0);
  if (failure === undefined && cursor.columns !== undefined) return cursor;
  await cursor.close();
  return failure;
}

/** Moves the cursor, and takes it out of `active` at its end. */
async function* step(
  active: ArchiveCursor[],
  cursor: ArchiveCursor,
  rows: number,
): AsyncGenerator<FetchEvent, void, void> {
  const failure = await advance(cursor, rows);
  if (failure !== undefined) yield failure;
  if (failure === undefined && cursor.columns !== undefined) return;
  active.splice(active.indexOf(cursor), 1);
  await cursor.close();
}

async function advance(cursor: ArchiveCursor, rows: number): Promise<FetchEvent | undefined> {
  try {
    await cursor.advance(rows);
    return undefined;
  } catch (error) {
    if (!isOfOneArchive(error)) throw error;
    return { kind: 'unreadable', entry: cursor.entry, error };
  }
}

/** Whether the entry may hold a record at or before the lowest one that is known. */
function reaches(entry: SegmentEntry, active: readonly ArchiveCursor[]): boolean {
  const cursor = lowest(active);
  return cursor === undefined || entry.minOffset <= cursor.offset;
}

/** The cursor on the lowest offset; of several on the same, the one indexed last. */
function lowest(active: readonly ArchiveCursor[]): ArchiveCursor | undefined {
  let best: ArchiveCursor | undefined;
  for (const cursor of active) {
    if (
      best === undefined ||
      cursor.offset < best.offset ||
      (cursor.offset === best.offset && isNewer(cursor.entry, best.entry))
    ) {
      best = cursor;
    }
  }
  return best;
}

function isNewer(a: SegmentEntry, b: SegmentEntry): boolean {
  return a.createdAtSeconds === b.createdAtSeconds
    ? a.maxOffset > b.maxOffset
    : a.createdAtSeconds > b.createdAtSeconds;
}

/** The row before which the cursor can go on alone, in strictly ascending offsets. */
function runEnd(
  cursor: ArchiveCursor,
  columns: RecordColumns,
  active: readonly ArchiveCursor[],
  next: SegmentEntry | undefined,
): number {
  let limit = next?.minOffset;
  for (const other of active) {
    if (other !== cursor && (limit === undefined || other.offset < limit)) limit = other.offset;
  }
  const { offset } = columns;
  let row = cursor.row + 1;
  let previous = cursor.offset;
  for (; row < columns.length; row++) {
    const current = offset[row] ?? 0n;
    if (current <= previous || (limit !== undefined && current >= limit)) break;
    previous = current;
  }
  return row;
}

function conflictWith(
  last: LastRecord,
  cursor: ArchiveCursor,
  columns: RecordColumns,
): FetchEvent | undefined {
  // Below the last offset: the archive holds records outside of its index range. They were passed
  // over where another archive has them, and can't be compared any more.
  const { offset } = cursor;
  if (offset === last.offset && sameRecord(last.columns, last.row, columns, cursor.row)) {
    return undefined;
  }
  return { kind: 'conflict', offset, served: last.entry, other: cursor.entry };
}

function closeWhenOpened(opened: Promise<OpenedArchive | SegctlError>): void {
  opened.then(
    (archive) => {
      if (!(archive instanceof SegctlError)) archive.archive.close();
    },
    () => {},
  );
}
