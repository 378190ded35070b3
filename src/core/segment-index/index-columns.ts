import type { SegmentEntry } from './segment-entry.ts';
import { Interner, TextTable } from './text-tables.ts';

/** What every row has besides its SegmentEntry. */
export interface RowPlace {
  /** Where the entry's value lies in the file: [byteStart, byteEnd). */
  readonly byteStart: number;
  readonly byteEnd: number;
  /** Names of the entry's unknown fields, in the order of the file. */
  readonly unknownFields: readonly string[];
}

/**
 * `{prefix}{base}-{last}.tar.gz`: digits as a number prints them, so that the text can be rebuilt,
 * and at most 15 of them, so that a double holds them.
 */
const ARCHIVE_PATH = /^(.*\/segment-)(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})\.tar\.gz$/s;

const ID_DERIVED = -1;

/** Int32 index of the low and the high half of an int64 in memory. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
const TWO_32 = 4294967296;

/** The integers of a row in the fast path: all are safe, non-negative doubles but maxTimestamp. */
export interface FastRow {
  readonly byteStart: number;
  readonly byteEnd: number;
  /** minOffset, maxOffset, recordCount, minTimestamp, maxTimestamp, base, last, size, createdAt. */
  readonly numbers: Float64Array;
  readonly topicId: number;
  readonly partition: number;
  readonly compressionId: number;
  readonly pathPrefixId: number;
}

/**
 * All entries of an index as columns, about 110 bytes a row. A row is an entry in file order,
 * counted from 0. Segment ids and paths that follow Chronik's pattern are kept as numbers.
 */
export class IndexColumns {
  length = 0;
  readonly topics = new Interner();
  readonly compressions = new Interner();
  readonly pathPrefixes = new Interner();
  /** Lists of unknown field names, as JSON text. */
  readonly #unknownSets = new Interner();
  readonly #texts = new TextTable();

  minOffset: BigInt64Array;
  maxOffset: BigInt64Array;
  recordCount: BigUint64Array;
  minTimestamp: BigInt64Array;
  maxTimestamp: BigInt64Array;
  sizeBytes: BigUint64Array;
  createdAt: BigInt64Array;
  byteStart: Float64Array;
  byteEnd: Float64Array;
  topicId: Int32Array;
  partition: Int32Array;
  compressionId: Int32Array;
  unknownSet: Int32Array;
  /** -1: derived from the other fields, else a text's number. */
  #idRef: Int32Array;
  /** >= 0: a path prefix's number, base and last follow; below: text -(ref + 1). */
  #pathRef: Int32Array;
  #pathBase: Float64Array;
  #pathLast: Float64Array;
  /** Int32 views of the int64 columns that the fast path writes, in the order of FastRow.numbers. */
  #halves: Int32Array[];

  constructor(capacity = 0) {
    const rows = Math.max(16, Math.ceil(capacity));
    this.minOffset = new BigInt64Array(rows);
    this.maxOffset = new BigInt64Array(rows);
    this.recordCount = new BigUint64Array(rows);
    this.minTimestamp = new BigInt64Array(rows);
    this.maxTimestamp = new BigInt64Array(rows);
    this.sizeBytes = new BigUint64Array(rows);
    this.createdAt = new BigInt64Array(rows);
    this.byteStart = new Float64Array(rows);
    this.byteEnd = new Float64Array(rows);
    this.topicId = new Int32Array(rows);
    this.partition = new Int32Array(rows);
    this.compressionId = new Int32Array(rows);
    this.unknownSet = new Int32Array(rows);
    this.#idRef = new Int32Array(rows);
    this.#pathRef = new Int32Array(rows);
    this.#pathBase = new Float64Array(rows);
    this.#pathLast = new Float64Array(rows);
    this.#halves = this.#halfViews();
    this.#unknownSets.id('[]');
  }

  /** Adds a row from values; strings are interned or kept aside. */
  append(entry: SegmentEntry, place: RowPlace): number {
    const row = this.#nextRow();
    this.minOffset[row] = entry.minOffset;
    this.maxOffset[row] = entry.maxOffset;
    this.recordCount[row] = entry.recordCount;
    this.minTimestamp[row] = entry.minTimestamp;
    this.maxTimestamp[row] = entry.maxTimestamp;
    this.sizeBytes[row] = entry.sizeBytes;
    this.createdAt[row] = entry.createdAtSeconds;
    this.byteStart[row] = place.byteStart;
    this.byteEnd[row] = place.byteEnd;
    this.topicId[row] = this.topics.id(entry.topic);
    this.partition[row] = entry.partition;
    this.compressionId[row] = this.compressions.id(entry.compression);
    this.unknownSet[row] =
      place.unknownFields.length === 0
        ? 0
        : this.#unknownSets.id(JSON.stringify(place.unknownFields));
    const derived = entry.segmentId === derivedSegmentId(entry);
    this.#idRef[row] = derived ? ID_DERIVED : this.#texts.add(entry.segmentId);
    this.#setPath(row, entry.objectStorePath);
    return row;
  }

  /** Adds a row whose id and path follow the pattern; see FastRow for what the values may be. */
  appendFast(fast: FastRow, lostMaxTimestamp: boolean): void {
    const row = this.#nextRow();
    const n = fast.numbers;
    const halves = this.#halves;
    for (let column = 0; column < halves.length; column++) {
      const value = n[FAST_NUMBER_OF_COLUMN[column] ?? 0] ?? 0;
      const half = halves[column];
      if (half === undefined) continue;
      const high = Math.floor(value / TWO_32);
      half[2 * row + LOW] = value - high * TWO_32;
      half[2 * row + HIGH] = high;
    }
    if (lostMaxTimestamp) this.maxTimestamp[row] = -(2n ** 63n);
    this.byteStart[row] = fast.byteStart;
    this.byteEnd[row] = fast.byteEnd;
    this.topicId[row] = fast.topicId;
    this.partition[row] = fast.partition;
    this.compressionId[row] = fast.compressionId;
    this.unknownSet[row] = 0;
    this.#idRef[row] = ID_DERIVED;
    this.#pathRef[row] = fast.pathPrefixId;
    this.#pathBase[row] = n[5] ?? 0;
    this.#pathLast[row] = n[6] ?? 0;
  }

  topic(row: number): string {
    return this.topics.text(this.topicId[row] ?? 0);
  }

  segmentId(row: number): string {
    const ref = this.#idRef[row] ?? ID_DERIVED;
    if (ref !== ID_DERIVED) return this.#texts.text(ref);
    return `${this.topic(row)}-${this.partition[row]}-${this.minOffset[row]}-${this.maxOffset[row]}`;
  }

  objectStorePath(row: number): string {
    const ref = this.#pathRef[row] ?? 0;
    if (ref < 0) return this.#texts.text(-(ref + 1));
    return `${this.pathPrefixes.text(ref)}${this.#pathBase[row]}-${this.#pathLast[row]}.tar.gz`;
  }

  unknownFields(row: number): readonly string[] {
    const set = this.unknownSet[row] ?? 0;
    return set === 0 ? [] : JSON.parse(this.#unknownSets.text(set));
  }

  entry(row: number): SegmentEntry {
    return {
      segmentId: this.segmentId(row),
      topic: this.topic(row),
      partition: this.partition[row] ?? 0,
      minOffset: this.minOffset[row] ?? 0n,
      maxOffset: this.maxOffset[row] ?? 0n,
      recordCount: this.recordCount[row] ?? 0n,
      minTimestamp: this.minTimestamp[row] ?? 0n,
      maxTimestamp: this.maxTimestamp[row] ?? 0n,
      objectStorePath: this.objectStorePath(row),
      sizeBytes: this.sizeBytes[row] ?? 0n,
      createdAtSeconds: this.createdAt[row] ?? 0n,
      compression: this.compressions.text(this.compressionId[row] ?? 0),
    };
  }

  /** The interned prefix of the row's path, undefined where the path follows no pattern. */
  pathPrefixId(row: number): number | undefined {
    const ref = this.#pathRef[row] ?? -1;
    return ref < 0 ? undefined : ref;
  }

  #setPath(row: number, path: string): void {
    const match = ARCHIVE_PATH.exec(path);
    if (match === null) {
      this.#pathRef[row] = -(this.#texts.add(path) + 1);
      return;
    }
    this.#pathRef[row] = this.pathPrefixes.id(match[1] ?? '');
    this.#pathBase[row] = Number(match[2]);
    this.#pathLast[row] = Number(match[3]);
  }

  #nextRow(): number {
    if (this.length === this.minOffset.length) this.#grow(Math.ceil(this.length * 1.5));
    return this.length++;
  }

  #grow(rows: number): void {
    // One column after the other, so that at most one is there twice.
    this.minOffset = grownBigInt64(this.minOffset, rows);
    this.maxOffset = grownBigInt64(this.maxOffset, rows);
    this.recordCount = grownBigUint64(this.recordCount, rows);
    this.minTimestamp = grownBigInt64(this.minTimestamp, rows);
    this.maxTimestamp = grownBigInt64(this.maxTimestamp, rows);
    this.sizeBytes = grownBigUint64(this.sizeBytes, rows);
    this.createdAt = grownBigInt64(this.createdAt, rows);
    this.byteStart = grownFloat64(this.byteStart, rows);
    this.byteEnd = grownFloat64(this.byteEnd, rows);
    this.topicId = grownInt32(this.topicId, rows);
    this.partition = grownInt32(this.partition, rows);
    this.compressionId = grownInt32(this.compressionId, rows);
    this.unknownSet = grownInt32(this.unknownSet, rows);
    this.#idRef = grownInt32(this.#idRef, rows);
    this.#pathRef = grownInt32(this.#pathRef, rows);
    this.#pathBase = grownFloat64(this.#pathBase, rows);
    this.#pathLast = grownFloat64(this.#pathLast, rows);
    this.#halves = this.#halfViews();
  }

  #halfViews(): Int32Array[] {
    return [
      this.minOffset,
      this.maxOffset,
      this.recordCount,
      this.minTimestamp,
      this.maxTimestamp,
      this.sizeBytes,
      this.createdAt,
    ].map((column) => new Int32Array(column.buffer));
  }
}

/** Where the value of each column of `#halves` stands in FastRow.numbers. */
const FAST_NUMBER_OF_COLUMN = [0, 1, 2, 3, 4, 7, 8];

/** The id that the server gives a segment: `{topic}-{partition}-{min}-{max}`. */
export function derivedSegmentId(
  entry: Pick<SegmentEntry, 'topic' | 'partition' | 'minOffset' | 'maxOffset'>,
): string {
  return `${entry.topic}-${entry.partition}-${entry.minOffset}-${entry.maxOffset}`;
}

function grownBigInt64(old: BigInt64Array, rows: number): BigInt64Array {
  const grown = new BigInt64Array(rows);
  grown.set(old);
  return grown;
}

function grownBigUint64(old: BigUint64Array, rows: number): BigUint64Array {
  const grown = new BigUint64Array(rows);
  grown.set(old);
  return grown;
}

function grownFloat64(old: Float64Array, rows: number): Float64Array {
  const grown = new Float64Array(rows);
  grown.set(old);
  return grown;
}

function grownInt32(old: Int32Array, rows: number): Int32Array {
  const grown = new Int32Array(rows);
  grown.set(old);
  return grown;
}
