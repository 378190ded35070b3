import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';

/**
 * Uploads the files below `folder` into the store that `env` names. A file's key is its path below
 * the folder, spelled by `keyOf`; with `chronikKey` the archives of a local store get the keys that
 * Chronik would have put them under on S3.
 */
export async function uploadFolder(
  env: Record<string, string>,
  folder: string,
  keyOf: (path: string) => string,
): Promise<string[]> {
  const store = await openStore(storeSettings(env, {}));
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const keys: string[] = [];
    for (const entry of entries.filter((item) => item.isFile())) {
      const place = join(entry.parentPath, entry.name);
      const key = keyOf(relative(folder, place).split(sep).join('/'));
      await store.put(key, await readFile(place));
      keys.push(key);
    }
    return keys;
  } finally {
    await store.close();
  }
}

/** `data/tantivy_indexes/...` becomes `./data/tantivy_indexes/...`; tier-2 keys have no data dir. */
export function chronikKey(dataDir: './data' | '/data'): (path: string) => string {
  return (path) => path.replace(/^data\//, `${dataDir}/`);
}
