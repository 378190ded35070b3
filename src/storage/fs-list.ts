import type { Dirent } from 'node:fs';
import { lstat, opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalPrefix } from './canonical-key.ts';
import { fsError, isAbsent } from './fs-errors.ts';
import { fileInfo, isTempName } from './fs-object.ts';
import { assertInside, isBelow } from './key-path.ts';
import type { ListOptions, ObjectInfo } from './object-store.ts';
import { keyEscapesRoot } from './store-errors.ts';

const DEFAULT_PAGE = 256;

export interface ListFilesOptions extends ListOptions {
  /** How many files are looked at (lstat) at once. */
  readonly concurrency: number;
}

/**
 * Streams the files below `root` whose keys begin with `prefix`, compared canonically. Folders are
 * read entry by entry and depth first, so memory holds a page of entries a level, whatever the
 * number of files. Files that vanish while the walk goes on are left out.
 */
export async function* listFiles(
  root: string,
  storeUrl: string,
  prefix: string,
  options: ListFilesOptions,
): AsyncGenerator<ObjectInfo> {
  const wanted = canonicalPrefix(prefix);
  const lastSlash = wanted.lastIndexOf('/');
  const folderKey = lastSlash < 0 ? '' : wanted.slice(0, lastSlash);
  assertInside(storeUrl, prefix, folderKey);
  const realRoot = await realpath(root).catch((error: unknown) => {
    throw fsError(error, 'root', root, storeUrl);
  });
  const walk: Walk = { storeUrl, options, pageSize: options.pageSize ?? DEFAULT_PAGE };
  const start = await startFolder(realRoot, folderKey, storeUrl, prefix);
  if (start !== undefined) {
    yield* walkFolder(walk, start, folderKey, wanted.slice(lastSlash + 1));
  }
}

interface Walk {
  readonly storeUrl: string;
  readonly options: ListFilesOptions;
  readonly pageSize: number;
}

async function startFolder(
  realRoot: string,
  folderKey: string,
  storeUrl: string,
  prefix: string,
): Promise<string | undefined> {
  const path = join(realRoot, folderKey);
  try {
    const real = await realpath(path);
    if (!isBelow(realRoot, real)) {
      throw keyEscapesRoot(storeUrl, prefix, 'a link on its way leads out of the root');
    }
    return real;
  } catch (error) {
    if (isAbsent(error)) {
      return undefined;
    }
    throw fsError(error, 'list', path, storeUrl);
  }
}

async function* walkFolder(
  walk: Walk,
  path: string,
  folderKey: string,
  nameStart: string,
): AsyncGenerator<ObjectInfo> {
  let page: Dirent[] = [];
  for await (const entry of entriesOf(walk, path)) {
    walk.options.signal?.throwIfAborted();
    if (entry.name.startsWith(nameStart) && !isTempName(entry.name)) {
      page.push(entry);
    }
    if (page.length >= walk.pageSize) {
      yield* visitPage(walk, path, folderKey, page);
      page = [];
    }
  }
  yield* visitPage(walk, path, folderKey, page);
}

async function* entriesOf(walk: Walk, path: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(path, { bufferSize: Math.min(walk.pageSize, 256) });
  } catch (error) {
    // A folder that can't be read must not look empty: its archives would seem to be gone.
    if (!isAbsent(error)) {
      throw fsError(error, 'list', path, walk.storeUrl);
    }
  }
}

async function* visitPage(
  walk: Walk,
  path: string,
  folderKey: string,
  page: readonly Dirent[],
): AsyncGenerator<ObjectInfo> {
  for (let at = 0; at < page.length; at += walk.options.concurrency) {
    const slice = page.slice(at, at + walk.options.concurrency);
    const found = await Promise.all(slice.map((entry) => look(walk, path, folderKey, entry)));
    for (const item of found) {
      if (item?.info !== undefined) {
        yield item.info;
      } else if (item !== undefined) {
        yield* walkFolder(walk, join(path, item.name), item.key, '');
      }
    }
  }
}

interface Seen {
  readonly key: string;
  readonly name: string;
  /** Absent for a folder. */
  readonly info?: ObjectInfo;
}

async function look(
  walk: Walk,
  path: string,
  folderKey: string,
  entry: Dirent,
): Promise<Seen | undefined> {
  const key = folderKey === '' ? entry.name : `${folderKey}/${entry.name}`;
  if (entry.isDirectory()) {
    return { key, name: entry.name };
  }
  try {
    // lstat also decides for file systems whose directory entries carry no type.
    const stats = await lstat(join(path, entry.name), { bigint: true });
    if (stats.isDirectory()) {
      return { key, name: entry.name };
    }
    return stats.isFile() ? { key, name: entry.name, info: fileInfo(key, stats) } : undefined;
  } catch (error) {
    if (isAbsent(error)) {
      return undefined;
    }
    throw fsError(error, 'list', join(path, entry.name), walk.storeUrl, key);
  }
}
