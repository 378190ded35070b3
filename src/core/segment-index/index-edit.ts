import {
  type AddedEntry,
  type FormerPlace,
  insertKey,
  type Splice,
  SpliceBuilder,
  spliceArray,
} from './array-splices.ts';
import type { IndexKey } from './index-parser.ts';
import { formatPartitionKey, parsePartitionKey } from './partition-key.ts';
import type { SegmentEntry } from './segment-entry.ts';
import type { SegmentIndex } from './segment-index.ts';

/**
 * Says which entry is meant so that it is found again in a file that changed meanwhile: by its key
 * and all twelve fields. The position only tells equal entries apart. Unknown fields don't count:
 * the server drops them whenever it saves.
 */
export interface RowIdentity {
  readonly key: string;
  readonly position: number;
  readonly entry: SegmentEntry;
}

export interface EntryAddition {
  /** The key of the array; by default the one of the entry's topic and partition. */
  readonly key?: string;
  readonly entry: SegmentEntry;
  /** The entry's former JSON text, to be written as it was; by default in the server's format. */
  readonly rawText?: string;
  /** For putting an entry back: its former position, and the former length of the array. */
  readonly formerPlace?: FormerPlace;
  /**
   * The server loads only the last of several entries with the same min_offset. By default an
   * addition comes after those in the file and wins; one that yields comes before them.
   */
  readonly yields?: boolean;
}

export interface EntryReplacement {
  readonly old: RowIdentity;
  /** Of the same partition. */
  readonly entry: SegmentEntry;
}

/** A change to an index; it can be planned again on newer content. */
export interface IndexEdit {
  readonly remove?: readonly RowIdentity[];
  readonly add?: readonly EntryAddition[];
  readonly replace?: readonly EntryReplacement[];
}

export interface EditPlan {
  /** In file order, not overlapping. Empty where the file already is as wanted. */
  readonly splices: readonly Splice[];
  /** Rows of the index that go, replaced ones included, ascending. */
  readonly removedRows: readonly number[];
  /** What was to be removed or replaced and is not there (any more). */
  readonly absent: readonly RowIdentity[];
  /** What is written anew, replacements included. */
  readonly added: readonly EntryAddition[];
  /** What was to be added and is there already, equal in all fields. */
  readonly present: readonly EntryAddition[];
}

export function rowIdentity(index: SegmentIndex, row: number): RowIdentity {
  const { key, position } = index.location(row);
  return { key, position, entry: index.entry(row) };
}

/** Works out how the bytes of the file that `index` was read from have to change. */
export function planEdit(index: SegmentIndex, edit: IndexEdit): EditPlan {
  if (index.keys.some((key) => key.skipped)) {
    throw new Error('an index that was read with a filter does not know all of its file');
  }
  const replaced = new Map((edit.replace ?? []).map((one) => [one.old, one.entry]));
  const { rows, absent } = matchRows(index, [...replaced.keys(), ...(edit.remove ?? [])]);
  const additions = [...(edit.add ?? []), ...replacements(index, rows, replaced)];
  const removed = new Set(rows.values());
  const perArray = new Map<IndexKey, AddedEntry[]>();
  const newKeys = new Map<string, AddedEntry[]>();
  const present: EntryAddition[] = [];
  const keyFinder = new KeyFinder(index);
  for (const [text, group] of groupByKey(additions)) {
    const key = keyFinder.find(text);
    if (key === undefined) newKeys.set(text, group);
    else perArray.set(key, dropPresent(index, key, removed, group, present));
  }
  for (const row of removed) {
    const key = index.keyOf(row);
    if (!perArray.has(key)) perArray.set(key, []);
  }
  const builder = new SpliceBuilder();
  const touched = [...perArray].sort(([a], [b]) => a.arrayStart - b.arrayStart);
  for (const [key, group] of touched) spliceArray(builder, index, key, removed, group);
  newKeySplices(builder, index, newKeys);
  const added = [...[...perArray.values()].flat(), ...[...newKeys.values()].flat()];
  const removedRows = [...removed].sort((a, b) => a - b);
  return { splices: builder.splices, removedRows, absent, added, present };
}

/** What is written for the replaced rows that were found. */
function replacements(
  index: SegmentIndex,
  rows: ReadonlyMap<RowIdentity, number>,
  replaced: ReadonlyMap<RowIdentity, SegmentEntry>,
): EntryAddition[] {
  const additions: EntryAddition[] = [];
  for (const [identity, row] of rows) {
    const entry = replaced.get(identity);
    if (entry === undefined) continue;
    const key = index.keyOf(row);
    const formerPlace = { position: row - key.firstRow, arrayLength: key.rowCount };
    additions.push({ key: key.text, entry, formerPlace });
  }
  return additions;
}

/** Finds the row of each identity; no row is found for two. */
function matchRows(
  index: SegmentIndex,
  identities: readonly RowIdentity[],
): { rows: Map<RowIdentity, number>; absent: RowIdentity[] } {
  // With equal keys in the file the last one is the one in use.
  const keys = new Map(index.keys.map((key) => [key.text, key]));
  const rows = new Map<RowIdentity, number>();
  const taken = new Set<number>();
  const moved: RowIdentity[] = [];
  for (const identity of identities) {
    const key = keys.get(identity.key);
    const row = (key?.firstRow ?? 0) + identity.position;
    const isThere = key !== undefined && identity.position < key.rowCount;
    if (!isThere || !index.holds(row, identity.entry)) {
      moved.push(identity);
    } else if (!taken.has(row)) {
      rows.set(identity, row);
      taken.add(row);
    }
  }
  if (moved.length > 0) matchMoved(index, moved, rows, taken);
  return { rows, absent: moved.filter((identity) => !rows.has(identity)) };
}

/** Finds rows by their content, for identities that do not stand where they stood. */
function matchMoved(
  index: SegmentIndex,
  identities: readonly RowIdentity[],
  rows: Map<RowIdentity, number>,
  taken: Set<number>,
): void {
  const wanted = new Map<string, Map<bigint, RowIdentity[]>>();
  for (const identity of identities) {
    const offsets = getOrAdd(wanted, canonicalKeyText(identity.key), () => new Map());
    getOrAdd(offsets, identity.entry.minOffset, () => []).push(identity);
  }
  for (const key of index.keys) {
    const offsets = wanted.get(canonicalKeyText(key.text));
    if (offsets === undefined) continue;
    for (let row = key.firstRow; row < key.firstRow + key.rowCount; row++) {
      const found = offsets
        .get(index.minOffset(row))
        ?.find((one) => !rows.has(one) && !taken.has(row) && index.holds(row, one.entry));
      if (found === undefined) continue;
      rows.set(found, row);
      taken.add(row);
    }
  }
}

/**
 * Leaves out what is in the array already, so that an addition can be repeated; unless the array is
 * shorter than it was, by as many as are to come back: then equal entries were several.
 */
function dropPresent(
  index: SegmentIndex,
  key: IndexKey,
  removed: ReadonlySet<number>,
  additions: readonly EntryAddition[],
  present: EntryAddition[],
): EntryAddition[] {
  const kept = new Map<bigint, number[]>();
  let keptCount = 0;
  const offsets = new Set(additions.map((one) => one.entry.minOffset));
  for (let row = key.firstRow; row < key.firstRow + key.rowCount; row++) {
    if (removed.has(row)) continue;
    keptCount++;
    const offset = index.minOffset(row);
    if (offsets.has(offset)) getOrAdd(kept, offset, () => []).push(row);
  }
  const final = keptCount + additions.length;
  return additions.filter((one) => {
    if (one.formerPlace !== undefined && final <= one.formerPlace.arrayLength) return true;
    const rows = kept.get(one.entry.minOffset) ?? [];
    if (!rows.some((row) => index.holds(row, one.entry))) return true;
    present.push(one);
    return false;
  });
}

function newKeySplices(
  builder: SpliceBuilder,
  index: SegmentIndex,
  newKeys: ReadonlyMap<string, readonly AddedEntry[]>,
): void {
  if (newKeys.size === 0) return;
  const last = index.keys.at(-1);
  builder.copyTo(last?.arrayEnd ?? index.openingBrace + 1);
  let comma = last !== undefined;
  for (const [text, group] of newKeys) {
    insertKey(builder, text, group, comma);
    comma = true;
  }
  if (last === undefined) builder.insert('\n');
  builder.copy(last?.arrayEnd ?? index.closingBrace, index.closingBrace + 1);
}

/** The array that a key means: the last one so spelled, else one that names the same partition. */
class KeyFinder {
  readonly #byText: ReadonlyMap<string, IndexKey>;
  readonly #byPartition: ReadonlyMap<string, IndexKey>;

  constructor(index: SegmentIndex) {
    this.#byText = new Map(index.keys.map((key) => [key.text, key]));
    this.#byPartition = new Map(index.keys.map((key) => [canonicalKeyText(key.text), key]));
  }

  find(text: string): IndexKey | undefined {
    return this.#byText.get(text) ?? this.#byPartition.get(canonicalKeyText(text));
  }
}

function groupByKey(additions: readonly EntryAddition[]): Map<string, EntryAddition[]> {
  const groups = new Map<string, EntryAddition[]>();
  for (const one of additions) {
    const text = one.key ?? formatPartitionKey(one.entry.topic, one.entry.partition);
    getOrAdd(groups, text, () => []).push(one);
  }
  return groups;
}

/** Equal for all spellings that name one partition; keys without a partition stay themselves. */
function canonicalKeyText(key: string): string {
  const partition = parsePartitionKey(key);
  if (partition === undefined) return key;
  return formatPartitionKey(partition.topic, partition.partition);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
