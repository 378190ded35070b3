import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, realpath, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsError, isErrno } from './fs-errors.ts';
import { type FileStats, TEMP_PREFIX, TEMP_SUFFIX } from './fs-object.ts';
import { isBelow, keyParts } from './key-path.ts';
import { keyEscapesRoot } from './store-errors.ts';

/**
 * Makes the file `target` whole or not at all: `write` fills (and syncs) a temp file beside it, which
 * then gets its name. Gives the file's stats. With `ifAbsent`, EEXIST when the name is taken.
 */
export async function publishFile(
  target: string,
  ifAbsent: boolean,
  write: (temp: string) => Promise<void>,
): Promise<FileStats> {
  const temp = join(dirname(target), `${TEMP_PREFIX}${randomUUID()}${TEMP_SUFFIX}`);
  try {
    await write(temp);
    const stats = await lstat(temp, { bigint: true });
    await (ifAbsent ? renameIfAbsent(temp, target) : rename(temp, target));
    await syncPath(dirname(target));
    return stats;
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

/**
 * The path that `key` is written to, as `keyToPath` has it. Its folders are created one by one, so
 * that no link among them leads out of the root.
 */
export async function placeForWrite(root: string, storeUrl: string, key: string): Promise<string> {
  const parts = keyParts(storeUrl, key);
  let folder = root;
  try {
    await mkdir(folder, { recursive: true });
    const realRoot = await realpath(folder);
    folder = realRoot;
    for (const part of parts.slice(0, -1)) {
      const child = join(folder, part);
      const created = await mkdir(child, { recursive: true });
      folder = await realpath(child);
      if (!isBelow(realRoot, folder)) {
        throw keyEscapesRoot(storeUrl, key, 'a link on its way leads out of the root');
      }
      if (created !== undefined) {
        await syncPath(dirname(folder));
      }
    }
  } catch (error) {
    throw fsError(error, 'write', folder, storeUrl, key);
  }
  return join(folder, parts.at(-1) ?? '');
}

/** link fails when the name is taken; rename would replace what is there, silently. */
async function renameIfAbsent(temp: string, target: string): Promise<void> {
  try {
    await link(temp, target);
    await unlink(temp);
  } catch (error) {
    if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) {
      throw error;
    }
    // No hard links here (FAT, some network file systems): an exclusive create takes the name first.
    await (await open(target, 'wx')).close();
    await rename(temp, target);
  }
}

/** fsync of a file or folder by path. Some file systems can't sync a folder: then nothing is lost. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } catch (error) {
    if (!isErrno(error, 'EINVAL', 'EPERM', 'ENOTSUP')) {
      throw error;
    }
  } finally {
    await handle.close();
  }
}
