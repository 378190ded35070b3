import { formatEntry, formatString } from './entry-format.ts';
import type { IndexKey } from './index-parser.ts';
import type { SegmentEntry } from './segment-entry.ts';
import type { SegmentIndex } from './segment-index.ts';

/** An entry to be written, and what decides its place among the entries that stay. */
export interface AddedEntry {
  readonly entry: SegmentEntry;
  readonly rawText?: string;
  readonly formerPlace?: FormerPlace;
  readonly yields?: boolean;
}

export interface FormerPlace {
  readonly position: number;
  /** How many entries the array had with the entry in it. */
  readonly arrayLength: number;
}

/** Replaces the bytes [start, end) of the old file; entries are turned to text when written. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly insert: readonly (string | AddedEntry)[];
}

/** What stands between the elements of an array, in the server's formatting. */
const BEFORE_ELEMENT = '\n    ';
const AFTER_LAST_ELEMENT = '\n  ';

export function insertText(part: string | AddedEntry): string {
  if (typeof part === 'string') return part;
  return part.rawText ?? formatEntry(part.entry);
}

/** Writes a new file as copies from the old one, in ascending order, with inserts between. */
export class SpliceBuilder {
  readonly splices: Splice[] = [];
  #copiedTo = 0;
  #insert: (string | AddedEntry)[] = [];

  insert(...parts: (string | AddedEntry)[]): void {
    this.#insert.push(...parts);
  }

  /** Copies [from, to); what lies between the last copy and `from` is left out. */
  copy(from: number, to: number): void {
    if (from > this.#copiedTo || this.#insert.length > 0) {
      this.splices.push({ start: this.#copiedTo, end: from, insert: this.#insert });
      this.#insert = [];
    }
    this.#copiedTo = to;
  }

  /** Copies all that follows the last copy up to `to`. */
  copyTo(to: number): void {
    this.copy(this.#copiedTo, to);
  }
}

/**
 * Rewrites the array of one key without the removed rows and with the additions. What stays is
 * copied with the comma and the white space before it, so that taking an entry out of a file of the
 * server's and putting it back gives the same bytes.
 */
export function spliceArray(
  builder: SpliceBuilder,
  index: SegmentIndex,
  key: IndexKey,
  removed: ReadonlySet<number>,
  additions: readonly AddedEntry[],
): void {
  const rows: number[] = [];
  for (let row = key.firstRow; row < key.firstRow + key.rowCount; row++) {
    if (!removed.has(row)) rows.push(row);
  }
  const elements = order(index, rows, additions);
  const firstByte = key.arrayStart + 1;
  builder.copyTo(firstByte);
  for (const [position, element] of elements.entries()) {
    if (typeof element !== 'number') {
      builder.insert(position === 0 ? BEFORE_ELEMENT : `,${BEFORE_ELEMENT}`, element);
      continue;
    }
    const end = index.byteEnd(element);
    if (element === key.firstRow) {
      if (position > 0) builder.insert(',');
      builder.copy(firstByte, end);
    } else if (position > 0) {
      builder.copy(index.byteEnd(element - 1), end);
    } else {
      builder.copy(firstByte, index.byteStart(key.firstRow));
      builder.copy(index.byteStart(element), end);
    }
  }
  if (elements.length === 0) builder.copy(key.arrayEnd - 1, key.arrayEnd);
  else if (key.rowCount > 0) {
    builder.copy(index.byteEnd(key.firstRow + key.rowCount - 1), key.arrayEnd);
  } else {
    builder.insert(AFTER_LAST_ELEMENT);
    builder.copy(key.arrayEnd - 1, key.arrayEnd);
  }
}

/** Inserts a key with its array, as the server writes them. */
export function insertKey(
  builder: SpliceBuilder,
  text: string,
  additions: readonly AddedEntry[],
  comma: boolean,
): void {
  builder.insert(`${comma ? ',' : ''}\n  ${formatString('key', text)}: [`);
  for (const [position, added] of byOffset(additions).entries()) {
    builder.insert(position === 0 ? BEFORE_ELEMENT : `,${BEFORE_ELEMENT}`, added);
  }
  builder.insert(`${additions.length === 0 ? '' : AFTER_LAST_ELEMENT}]`);
}

/** The new array: kept rows as numbers, in their old order, and additions among them. */
function order(
  index: SegmentIndex,
  rows: readonly number[],
  additions: readonly AddedEntry[],
): readonly (number | AddedEntry)[] {
  if (additions.length === 0) return rows;
  const restored = restore(rows, additions);
  if (restored !== undefined) return restored;
  const min = (row: number | undefined) => (row === undefined ? 0n : index.minOffset(row));
  const ascending = rows.every((row, i) => i === 0 || min(rows[i - 1]) <= min(row));
  const sorted = byOffset(additions);
  if (!ascending) {
    // The server sorts by itself; all that has to hold is who comes last among equals.
    const yielding = sorted.filter((one) => one.yields === true);
    return [...yielding, ...rows, ...sorted.filter((one) => one.yields !== true)];
  }
  const merged: (number | AddedEntry)[] = [];
  let next = 0;
  for (const added of sorted) {
    const offset = added.entry.minOffset;
    const before = (row: number) =>
      added.yields === true ? min(row) < offset : min(row) <= offset;
    for (let row = rows[next]; row !== undefined && before(row); row = rows[next]) {
      merged.push(row);
      next++;
    }
    merged.push(added);
  }
  for (const row of rows.slice(next)) merged.push(row);
  return merged;
}

/** The array as it was, if nothing else happened to it since; undefined where that can't be. */
function restore(
  rows: readonly number[],
  additions: readonly AddedEntry[],
): readonly (number | AddedEntry)[] | undefined {
  const length = rows.length + additions.length;
  const places = new Map<number, AddedEntry>();
  for (const added of additions) {
    const place = added.formerPlace;
    if (place === undefined || place.arrayLength !== length || place.position >= length) {
      return undefined;
    }
    places.set(place.position, added);
  }
  if (places.size !== additions.length) return undefined;
  let next = 0;
  return Array.from({ length }, (_, position) => places.get(position) ?? rows[next++] ?? 0);
}

/** By min_offset; of equal ones those that yield come first, else in the order given. */
function byOffset(additions: readonly AddedEntry[]): AddedEntry[] {
  return [...additions].sort((a, b) => {
    const [x, y] = [a.entry.minOffset, b.entry.minOffset];
    if (x !== y) return x < y ? -1 : 1;
    return Number(b.yields ?? false) - Number(a.yields ?? false);
  });
}
