import pMap from 'p-map';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';

/** Heads in flight. */
const CONCURRENCY = 16;
/** From so many keys of one folder on, one listing is cheaper than a head for each. */
const LIST_FROM_KEYS = 200;

/**
 * What is in the store under each key, undefined where nothing is. Of an S3 store, a folder that many
 * keys are asked of is listed (1,000 keys a request); all else is looked up key by key. Throws
 * `key-escapes-root` for a key that leads out of the store, by a link too.
 */
export async function surveyObjects(
  store: ObjectStore,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ObjectInfo | undefined>> {
  const found = new Map<string, ObjectInfo | undefined>();
  if (store.kind === 's3') {
    for (const [folder, wanted] of byFolder(keys)) {
      if (wanted.size >= LIST_FROM_KEYS) await listInto(found, store, folder, wanted, signal);
    }
  }
  // A listing that lacks a key has not proved that it is missing: a server may spell it otherwise.
  const rest = keys.filter((key) => !found.has(key));
  await pMap(
    rest,
    async (key) => {
      found.set(key, await store.head(key, { signal }));
    },
    { concurrency: CONCURRENCY, signal },
  );
  return found;
}

async function listInto(
  found: Map<string, ObjectInfo | undefined>,
  store: ObjectStore,
  folder: string,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  let missing = wanted.size;
  for await (const info of store.list(folder, { signal })) {
    if (!wanted.has(info.key)) continue;
    found.set(info.key, info);
    missing--;
    if (missing === 0) return;
  }
}

function byFolder(keys: readonly string[]): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const key of keys) {
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    const group = folders.get(folder);
    if (group === undefined) folders.set(folder, new Set([key]));
    else group.add(key);
  }
  return folders;
}
