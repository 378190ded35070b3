import type { OpenedArchive } from '../archive/archive-source.ts';
import type { OffsetRange } from '../archive/open-archive.ts';
import type { RecordColumns } from '../record-batch/record-columns.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';

/** A place in the records of one archive. */
export class ArchiveCursor {
  readonly entry: SegmentEntry;
  readonly #archive: OpenedArchive;
  readonly #pieces: AsyncGenerator<RecordColumns, void, void>;
  #columns: RecordColumns | undefined;
  #row = 0;

  constructor(entry: SegmentEntry, archive: OpenedArchive, range: OffsetRange | undefined) {
    this.entry = entry;
    this.#archive = archive;
    this.#pieces = archive.archive.records(range);
  }

  /** The columns that the cursor stands in; undefined past the last record. */
  get columns(): RecordColumns | undefined {
    return this.#columns;
  }

  get row(): number {
    return this.#row;
  }

  /** The offset of the record under the cursor. */
  get offset(): bigint {
    return this.#columns?.offset[this.#row] ?? 0n;
  }

  /** Goes on by `rows`, and to the next piece at the end of one. Throws ArchiveError. */
  async advance(rows: number): Promise<void> {
    this.#row += rows;
    while (this.#columns === undefined || this.#row >= this.#columns.length) {
      const { value, done } = await this.#pieces.next();
      this.#row = 0;
      this.#columns = done === true ? undefined : value;
      if (done === true) return;
    }
  }

  async close(): Promise<void> {
    this.#columns = undefined;
    await this.#pieces.return();
    this.#archive.archive.close();
  }
}
