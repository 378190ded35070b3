import type { IndexColumns } from './index-columns.ts';
import type { IndexKey } from './index-parser.ts';
import { formatPartitionKey } from './partition-key.ts';

/** One partition as a server that loads the file would hold it. */
export interface IndexPartition {
  readonly topic: string;
  /** i32 */
  readonly partition: number;
  /** Rows that the server loads, in its order: min_offset ascending, no two alike. */
  readonly rows: Int32Array;
  /** Rows that the server drops because a later one has the same min_offset, in file order. */
  readonly shadowed: readonly number[];
}

/** What in a readable file the server would leave out or take otherwise than written. */
export type IndexIssueKind =
  | 'unparsable-key'
  | 'duplicate-key'
  | 'ambiguous-partition'
  | 'shadowed-entries'
  | 'wrong-key'
  | 'unknown-fields';

export interface IndexIssue {
  readonly kind: IndexIssueKind;
  /** The key of the file that it is about. */
  readonly key: string;
  /** How many entries it touches, and the first of them. */
  readonly rowCount: number;
  readonly firstRow: number | undefined;
  readonly detail: string;
}

export interface PartitionTable {
  /** By topic (code unit order), then partition. */
  readonly partitions: readonly IndexPartition[];
  readonly issues: readonly IndexIssue[];
}

/**
 * Puts the rows of a file into partitions as the server's load does: keys that name no partition are
 * skipped, of equal keys the last one counts, of equal min_offsets the last one.
 * Where several spellings name one partition (`a-1`, `a-01`), the server keeps one of them by
 * chance; here they count together, since any of them may be in use, and an issue says so.
 */
export function buildPartitions(columns: IndexColumns, keys: readonly IndexKey[]): PartitionTable {
  const issues: IndexIssue[] = [];
  const lastOfText = new Map(keys.map((key) => [key.text, key]));
  const groups = new Map<string, IndexKey[]>();
  for (const key of keys) {
    if (key.skipped) continue;
    if (key.partition === undefined) {
      issues.push(
        keyIssue(
          'unparsable-key',
          key,
          'the server skips this key: no partition after its last "-"',
        ),
      );
    } else if (lastOfText.get(key.text) !== key) {
      issues.push(
        keyIssue(
          'duplicate-key',
          key,
          'the server takes the last array under this key, not this one',
        ),
      );
    } else {
      const name = formatPartitionKey(key.partition.topic, key.partition.partition);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [key]);
      else group.push(key);
    }
    noteForeignRows(columns, key, issues);
  }
  noteUnknownFields(columns, keys, issues);
  const partitions: IndexPartition[] = [];
  for (const group of groups.values()) partitions.push(buildPartition(columns, group, issues));
  partitions.sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
  return { partitions, issues };
}

function buildPartition(
  columns: IndexColumns,
  group: readonly IndexKey[],
  issues: IndexIssue[],
): IndexPartition {
  const key = group[0];
  if (key?.partition === undefined) throw new Error('a group of keys names a partition');
  if (group.length > 1) {
    const spellings = group.map(({ text }) => JSON.stringify(text)).join(', ');
    for (const one of group) {
      issues.push(
        keyIssue(
          'ambiguous-partition',
          one,
          `${spellings} name one partition; the server keeps one of them by chance`,
        ),
      );
    }
  }
  const { rows, shadowed } = serverOrder(columns.minOffset, fileOrder(group));
  if (shadowed.length > 0) {
    issues.push({
      kind: 'shadowed-entries',
      key: key.text,
      rowCount: shadowed.length,
      firstRow: shadowed[0],
      detail: 'the server does not load these: a later entry has the same min_offset',
    });
  }
  return { ...key.partition, rows, shadowed };
}

function fileOrder(group: readonly IndexKey[]): Int32Array {
  const rows = new Int32Array(group.reduce((sum, key) => sum + key.rowCount, 0));
  let at = 0;
  for (const key of group) {
    for (let i = 0; i < key.rowCount; i++) rows[at++] = key.firstRow + i;
  }
  return rows;
}

/** Sorts by min_offset, and leaves out all but the last in file order of equal ones. */
function serverOrder(
  minOffset: BigInt64Array,
  fileRows: Int32Array,
): { rows: Int32Array; shadowed: readonly number[] } {
  const min = (row: number) => minOffset[row] ?? 0n;
  let ascending = true;
  for (let i = 1; i < fileRows.length && ascending; i++) {
    ascending = min(fileRows[i - 1] ?? 0) < min(fileRows[i] ?? 0);
  }
  if (ascending) return { rows: fileRows, shadowed: [] };
  const sorted = fileRows.slice().sort((a, b) => {
    const [x, y] = [min(a), min(b)];
    return x === y ? a - b : x < y ? -1 : 1;
  });
  const shadowed: number[] = [];
  let kept = 0;
  for (let i = 0; i < sorted.length; i++) {
    const row = sorted[i] ?? 0;
    const next = sorted[i + 1];
    if (next !== undefined && min(next) === min(row)) shadowed.push(row);
    else sorted[kept++] = row;
  }
  return { rows: sorted.slice(0, kept), shadowed: shadowed.sort((a, b) => a - b) };
}

/** Entries whose own topic and partition differ from their key's: the server goes by the key. */
function noteForeignRows(columns: IndexColumns, key: IndexKey, issues: IndexIssue[]): void {
  if (key.partition === undefined) return;
  const { topic, partition } = key.partition;
  let rowCount = 0;
  let firstRow: number | undefined;
  for (let row = key.firstRow; row < key.firstRow + key.rowCount; row++) {
    if (columns.partition[row] === partition && columns.topic(row) === topic) continue;
    rowCount++;
    firstRow ??= row;
  }
  if (rowCount === 0) return;
  const detail =
    'topic or partition of these differ from their key; the server files them by the key';
  issues.push({ kind: 'wrong-key', key: key.text, rowCount, firstRow, detail });
}

function noteUnknownFields(
  columns: IndexColumns,
  keys: readonly IndexKey[],
  issues: IndexIssue[],
): void {
  for (const key of keys) {
    const names = new Set<string>();
    let rowCount = 0;
    let firstRow: number | undefined;
    for (let row = key.firstRow; row < key.firstRow + key.rowCount; row++) {
      if (columns.unknownSet[row] === 0) continue;
      rowCount++;
      firstRow ??= row;
      for (const name of columns.unknownFields(row)) names.add(name);
    }
    if (rowCount === 0) continue;
    const list = [...names].map((name) => JSON.stringify(name)).join(', ');
    const detail = `the server drops these fields at its next save: ${list}`;
    issues.push({ kind: 'unknown-fields', key: key.text, rowCount, firstRow, detail });
  }
}

function keyIssue(kind: IndexIssueKind, key: IndexKey, detail: string): IndexIssue {
  const firstRow = key.rowCount === 0 ? undefined : key.firstRow;
  return { kind, key: key.text, rowCount: key.rowCount, firstRow, detail };
}
