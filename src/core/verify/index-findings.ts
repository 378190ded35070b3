import { type Finding, type FindingId, finding, type Subject } from '../findings.ts';
import type { IndexIssueKind } from '../segment-index/index-partitions.ts';
import { parsePartitionKey } from '../segment-index/partition-key.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import { entryFindings, entrySubject } from './entry-findings.ts';

const ISSUE_FINDINGS: Readonly<Record<IndexIssueKind, FindingId>> = {
  'unparsable-key': 'index-key-skipped',
  'duplicate-key': 'index-key-duplicate',
  'ambiguous-partition': 'index-key-duplicate',
  'shadowed-entries': 'entry-skipped',
  'wrong-key': 'entry-wrong-key',
  'unknown-fields': 'entry-unknown-fields',
};

/** Selects entries; undefined takes all. */
export type EntryFilter = (one: { readonly topic: string; readonly partition: number }) => boolean;

/** All that the index shows by itself: the loader's issues, and each entry's own. */
export function indexFindings(
  index: SegmentIndex,
  filter?: EntryFilter,
  without: ReadonlySet<number> = new Set(),
): Finding[] {
  const found: Finding[] = [];
  for (const { kind, key, rowCount, firstRow, detail } of index.issues) {
    const place = parsePartitionKey(key);
    if (filter !== undefined && (place === undefined || !filter(place))) continue;
    const first = firstRow === undefined ? undefined : index.segmentId(firstRow);
    const subject: Subject = {
      ...place,
      ...(first === undefined ? {} : { segmentId: first }),
    };
    found.push(finding(ISSUE_FINDINGS[kind], subject, { key, entries: rowCount, detail }));
  }
  const loaded = loadedRows(index, filter, without);
  const sameId = duplicates(index, loaded, 'segment-id-duplicate', (row) => index.segmentId(row));
  const idsTaken = new Set(sameId.map(({ subject }) => subject.segmentId));
  for (const row of loaded) {
    const own = entryFindings(index.entry(row));
    // That two entries share an id says more than that it fits but one of them.
    const isShared = idsTaken.has(index.segmentId(row));
    found.push(...own.filter(({ id }) => !(isShared && id === 'segment-id-differs')));
  }
  found.push(...sameId);
  found.push(
    ...duplicates(index, loaded, 'object-named-twice', (row) => index.objectStorePath(row)),
  );
  return found;
}

/** Rows that a server would load, partition by partition. */
export function loadedRows(
  index: SegmentIndex,
  filter?: EntryFilter,
  without: ReadonlySet<number> = new Set(),
): number[] {
  return index.partitions
    .filter((one) => filter === undefined || filter(one))
    .flatMap(({ rows }) => [...rows].filter((row) => !without.has(row)));
}

function duplicates(
  index: SegmentIndex,
  rows: readonly number[],
  id: FindingId,
  textOf: (row: number) => string,
): Finding[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const text = textOf(row);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const found: Finding[] = [];
  for (const row of rows) {
    const text = textOf(row);
    const entries = counts.get(text) ?? 0;
    if (entries < 2) continue;
    counts.set(text, 0);
    found.push(finding(id, entrySubject(index.entry(row)), { entries }));
  }
  return found;
}
