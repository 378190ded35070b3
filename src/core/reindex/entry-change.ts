import { canonicalKey } from '../../storage/canonical-key.ts';
import { sameEntry } from '../segment-index/entry-format.ts';
import type { RowIdentity } from '../segment-index/index-edit.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';

/** One thing that a reindex does to the index. */
export type EntryChange =
  | { readonly action: 'add'; readonly after: SegmentEntry; readonly reason: string }
  | {
      readonly action: 'correct';
      readonly before: RowIdentity;
      readonly after: SegmentEntry;
      readonly reason: string;
    }
  | { readonly action: 'drop'; readonly before: RowIdentity; readonly reason: string };

/**
 * Makes of every drop and addition of one object what it comes to: nothing where the entries are
 * equal, else a correction.
 */
export function paired(changes: readonly EntryChange[]): EntryChange[] {
  const drops = new Map<string, Extract<EntryChange, { action: 'drop' }>>();
  for (const change of changes) {
    if (change.action !== 'drop') continue;
    const path = canonicalKey(change.before.entry.objectStorePath);
    if (!drops.has(path)) drops.set(path, change);
  }
  const gone = new Set<EntryChange>();
  const result: EntryChange[] = [];
  for (const change of changes) {
    if (change.action !== 'add') {
      result.push(change);
      continue;
    }
    const path = canonicalKey(change.after.objectStorePath);
    const drop = drops.get(path);
    if (drop === undefined || gone.has(drop)) {
      result.push(change);
      continue;
    }
    gone.add(drop);
    const { before } = drop;
    const isUnderItsKey = before.key === `${change.after.topic}-${change.after.partition}`;
    if (isUnderItsKey && sameEntry(before.entry, change.after)) continue;
    result.push({ action: 'correct', before, after: change.after, reason: 'as its archive says' });
  }
  return result.filter((change) => !gone.has(change));
}
