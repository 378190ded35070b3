import { sameEntry } from './entry-format.ts';
import type { IndexColumns } from './index-columns.ts';
import type { IndexKey, ParsedIndex } from './index-parser.ts';
import {
  buildPartitions,
  type IndexIssue,
  type IndexPartition,
  type PartitionTable,
} from './index-partitions.ts';
import { formatPartitionKey } from './partition-key.ts';
import type { SegmentEntry } from './segment-entry.ts';

/** The file that an index was read from. */
export interface IndexOrigin {
  /** The file's path, for messages. */
  readonly name: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file's bytes in hex; undefined where it was not asked for. */
  readonly digest: string | undefined;
}

/** Where a row stands in the file. */
export interface RowLocation {
  /** The key of the array, as text. */
  readonly key: string;
  /** The entry's position in that array, from 0. */
  readonly position: number;
  /** [byteStart, byteEnd) of the entry's JSON value in the file. */
  readonly byteStart: number;
  readonly byteEnd: number;
}

export interface IndexTotals {
  readonly partitions: number;
  readonly segments: number;
  readonly records: bigint;
  readonly bytes: bigint;
}

/**
 * A segment index as it was read, immutable. A row is the number of an entry in file order; columns
 * are read by row without building objects, `entry` builds one.
 */
export class SegmentIndex {
  readonly origin: IndexOrigin;
  readonly keys: readonly IndexKey[];
  /** Offsets of the document's braces in the file. */
  readonly openingBrace: number;
  readonly closingBrace: number;
  readonly #columns: IndexColumns;
  readonly #table: PartitionTable;
  readonly #byName: ReadonlyMap<string, IndexPartition>;

  constructor(origin: IndexOrigin, parsed: ParsedIndex) {
    this.origin = origin;
    this.keys = parsed.keys;
    this.openingBrace = parsed.openingBrace;
    this.closingBrace = parsed.closingBrace;
    this.#columns = parsed.columns;
    this.#table = buildPartitions(parsed.columns, parsed.keys);
    this.#byName = new Map(
      this.#table.partitions.map((one) => [formatPartitionKey(one.topic, one.partition), one]),
    );
  }

  /** Entries in the file, those that the server would not load included. */
  get rowCount(): number {
    return this.#columns.length;
  }

  /** Sorted by topic, then partition; empty arrays of the file are partitions without rows. */
  get partitions(): readonly IndexPartition[] {
    return this.#table.partitions;
  }

  /** What the server would leave out or take otherwise than written. Empty for its own files. */
  get issues(): readonly IndexIssue[] {
    return this.#table.issues;
  }

  partition(topic: string, partition: number): IndexPartition | undefined {
    return this.#byName.get(formatPartitionKey(topic, partition));
  }

  /** The entry's own values; its topic and partition can differ from its key's (an issue). */
  entry(row: number): SegmentEntry {
    this.#check(row);
    return this.#columns.entry(row);
  }

  /** True where the row's twelve fields equal the entry's. */
  holds(row: number, entry: SegmentEntry): boolean {
    return (
      this.minOffset(row) === entry.minOffset &&
      this.maxOffset(row) === entry.maxOffset &&
      this.sizeBytes(row) === entry.sizeBytes &&
      sameEntry(this.entry(row), entry)
    );
  }

  minOffset(row: number): bigint {
    return this.#columns.minOffset[row] ?? this.#noRow(row);
  }

  maxOffset(row: number): bigint {
    return this.#columns.maxOffset[row] ?? this.#noRow(row);
  }

  recordCount(row: number): bigint {
    return this.#columns.recordCount[row] ?? this.#noRow(row);
  }

  /** Epoch ms. */
  minTimestamp(row: number): bigint {
    return this.#columns.minTimestamp[row] ?? this.#noRow(row);
  }

  /** Epoch ms, or LOST_MAX_TIMESTAMP. */
  maxTimestamp(row: number): bigint {
    return this.#columns.maxTimestamp[row] ?? this.#noRow(row);
  }

  sizeBytes(row: number): bigint {
    return this.#columns.sizeBytes[row] ?? this.#noRow(row);
  }

  /** Epoch seconds. */
  createdAtSeconds(row: number): bigint {
    return this.#columns.createdAt[row] ?? this.#noRow(row);
  }

  segmentId(row: number): string {
    this.#check(row);
    return this.#columns.segmentId(row);
  }

  objectStorePath(row: number): string {
    this.#check(row);
    return this.#columns.objectStorePath(row);
  }

  /** Names of fields that Chronik does not know, in file order. */
  unknownFields(row: number): readonly string[] {
    this.#check(row);
    return this.#columns.unknownFields(row);
  }

  location(row: number): RowLocation {
    this.#check(row);
    const key = this.keyOf(row);
    return {
      key: key.text,
      position: row - key.firstRow,
      byteStart: this.byteStart(row),
      byteEnd: this.byteEnd(row),
    };
  }

  /** Where the entry's JSON value begins in the file. */
  byteStart(row: number): number {
    return this.#columns.byteStart[row] ?? this.#noRow(row);
  }

  /** The offset after the entry's JSON value. */
  byteEnd(row: number): number {
    return this.#columns.byteEnd[row] ?? this.#noRow(row);
  }

  /** The key in whose array the row stands. */
  keyOf(row: number): IndexKey {
    let low = 0;
    let high = this.keys.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.keys[middle]?.firstRow ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    // Keys without rows begin at the same row as the next key, which the search prefers.
    return this.keys[low] ?? this.#noRow(row);
  }

  /** Sums over the rows that the server would load, of one partition or of all. */
  totals(partitions: readonly IndexPartition[] = this.partitions): IndexTotals {
    let segments = 0;
    let records = 0n;
    let bytes = 0n;
    for (const { rows } of partitions) {
      segments += rows.length;
      for (const row of rows) {
        records += this.recordCount(row);
        bytes += this.sizeBytes(row);
      }
    }
    return { partitions: partitions.length, segments, records, bytes };
  }

  #check(row: number): void {
    if (!(row >= 0 && row < this.rowCount)) this.#noRow(row);
  }

  #noRow(row: number): never {
    throw new RangeError(`the index has ${this.rowCount} rows, asked for row ${row}`);
  }
}
