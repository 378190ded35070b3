import { canonicalKey } from '../../storage/canonical-key.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { planEdit } from '../segment-index/index-edit.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import type { ObjectRecord, RemoveRecord } from './journal-record.ts';

/**
 * Which of the objects an entry of the index still names, as object number -> segment id. Entries
 * that the run itself removes don't count, also where a running server wrote them back.
 *
 * Spellings of one canonical key are one object on a file system and on servers that fold keys, and
 * different ones on AWS S3. Which it is shows in the store: only where both spellings lead to the
 * same version can they be one object, and then it stays.
 */
export async function referencedObjects(
  index: SegmentIndex,
  store: ObjectStore,
  removals: readonly RemoveRecord[],
  objects: readonly ObjectRecord[],
): Promise<Map<number, string>> {
  const own = new Set(planEdit(index, { remove: removals }).removedRows);
  const wanted = new Map<string, ObjectRecord[]>();
  for (const object of objects) {
    const canonical = canonicalKey(object.key);
    const group = wanted.get(canonical);
    if (group === undefined) wanted.set(canonical, [object]);
    else group.push(object);
  }
  const referenced = new Map<number, string>();
  for (let row = 0; row < index.rowCount; row++) {
    const path = index.objectStorePath(row);
    const group = wanted.get(canonicalKey(path));
    if (group === undefined || own.has(row)) continue;
    for (const object of group) {
      if (await mayBeSame(store, path, object)) referenced.set(object.n, index.segmentId(row));
    }
  }
  return referenced;
}

async function mayBeSame(store: ObjectStore, path: string, object: ObjectRecord): Promise<boolean> {
  if (path === object.key || store.kind === 'fs') return true;
  const named = await store.head(path);
  return named !== undefined && named.version === object.version;
}
