import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { copyFile, lstat, open, realpath, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { resolveRange } from './byte-range.ts';
import { fsError, isAbsent, isErrno } from './fs-errors.ts';
import { listFiles } from './fs-list.ts';
import { type FileStats, fileInfo } from './fs-object.ts';
import { placeForWrite, publishFile, syncPath } from './fs-publish.ts';
import { isBelow, keyToPath } from './key-path.ts';
import { streamedBody } from './object-body.ts';
import type {
  CallOptions,
  DeleteOutcome,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';
import { pooled } from './pooled.ts';
import {
  bodyCutShort,
  keyEscapesRoot,
  objectChanged,
  objectExists,
  objectMissing,
  rangePastEnd,
} from './store-errors.ts';

const CHUNK_BYTES = 256 * 1024;
const DEFAULT_CONCURRENCY = 16;

export interface FsStoreOptions {
  /** How many files are worked on at once in `deleteMany` and in a listing's stats. Default 16. */
  readonly concurrency?: number;
}

/**
 * Chronik's local object store: keys are places below `root` (see `keyToPath`). A root that is not
 * there is the error `store-no-such-root`, not an empty store: a volume that isn't mounted must not
 * look like a thousand deleted archives. Links that lead out of the root are refused; a listing
 * follows no link at all, since a second name for one archive would look like a superseded copy.
 */
export class FsStore implements ObjectStore {
  readonly kind = 'fs';
  readonly url: string;
  readonly root: string;
  private readonly concurrency: number;

  constructor(root: string, options: FsStoreOptions = {}) {
    this.root = resolve(root);
    this.url = pathToFileURL(this.root).href;
    this.concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    options.signal?.throwIfAborted();
    const handle = await this.openForRead(key);
    if (handle === undefined) {
      return undefined;
    }
    try {
      return await this.infoOf(handle, key);
    } finally {
      await handle.close();
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody> {
    options.signal?.throwIfAborted();
    const handle = await this.openForRead(key);
    if (handle === undefined) {
      throw objectMissing(this.url, key);
    }
    try {
      const info = await this.infoOf(handle, key);
      if (info === undefined) {
        throw objectMissing(this.url, key);
      }
      if (options.ifVersion !== undefined && options.ifVersion !== info.version) {
        throw objectChanged(this.url, key, options.ifVersion);
      }
      const range = resolveRange(options.range, info.sizeBytes);
      if (range === undefined && options.range !== undefined) {
        throw rangePastEnd(this.url, key, options.range, info.sizeBytes);
      }
      const { start, end } = range ?? { start: 0, end: info.sizeBytes };
      const chunks = this.readChunks(handle, info, start, end, options.signal);
      return streamedBody(info, chunks, () => handle.close());
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    return listFiles(this.root, this.url, prefix, { ...options, concurrency: this.concurrency });
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    options.signal?.throwIfAborted();
    return this.publish(key, options, async (temp) => {
      const handle = await open(temp, 'wx');
      try {
        await handle.writeFile(body);
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  async copy(from: string, to: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const source = await this.existingPath(from);
    if (source === undefined) {
      throw objectMissing(this.url, from);
    }
    const before = await lstat(source, { bigint: true });
    if (!before.isFile()) {
      throw objectMissing(this.url, from);
    }
    await this.publish(to, {}, async (temp) => {
      // A hard link would be cheaper, but Chronik overwrites archives in place, through every link.
      await copyFile(source, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      await syncPath(temp);
      const version = fileInfo(from, before).version;
      if (fileInfo(from, await lstat(source, { bigint: true })).version !== version) {
        throw objectChanged(this.url, from, version);
      }
    });
  }

  async delete(key: string, options: CallOptions = {}): Promise<'deleted' | 'missing'> {
    options.signal?.throwIfAborted();
    const path = await this.existingPath(key);
    if (path === undefined) {
      return 'missing';
    }
    // The key's own place, not where a link at its end leads to: the link goes, its target stays.
    const parent = await realpath(dirname(keyToPath(this.root, this.url, key)));
    const place = join(parent, basename(keyToPath(this.root, this.url, key)));
    try {
      const stats = await lstat(place);
      if (stats.isDirectory()) {
        return 'missing';
      }
      await unlink(place);
      return 'deleted';
    } catch (error) {
      if (isAbsent(error)) {
        return 'missing';
      }
      throw fsError(error, 'delete', place, this.url, key);
    }
  }

  async *deleteMany(
    keys: Iterable<string>,
    options: CallOptions = {},
  ): AsyncGenerator<DeleteOutcome> {
    await this.realRoot();
    yield* pooled(keys, this.concurrency, async (key): Promise<DeleteOutcome> => {
      options.signal?.throwIfAborted();
      try {
        return { key, outcome: await this.delete(key) };
      } catch (error) {
        return { key, outcome: 'failed', error: asError(error) };
      }
    });
  }

  async close(): Promise<void> {}

  private async realRoot(): Promise<string> {
    try {
      return await realpath(this.root);
    } catch (error) {
      throw fsError(error, 'root', this.root, this.url);
    }
  }

  /** The real path of what is at `key`, or undefined when nothing is; never one out of the root. */
  private async existingPath(key: string): Promise<string | undefined> {
    const path = keyToPath(this.root, this.url, key);
    const root = await this.realRoot();
    try {
      const real = await realpath(path);
      if (!isBelow(root, real)) {
        throw keyEscapesRoot(this.url, key, 'a link on its way leads out of the root');
      }
      return real;
    } catch (error) {
      if (isAbsent(error)) {
        return undefined;
      }
      throw fsError(error, 'read', path, this.url, key);
    }
  }

  private async openForRead(key: string): Promise<FileHandle | undefined> {
    const path = await this.existingPath(key);
    if (path === undefined) {
      return undefined;
    }
    try {
      // Not blocking, so that a FIFO in the store can't hang a scan.
      return await open(
        path,
        constants.O_RDONLY | constants.O_NONBLOCK | (constants.O_NOFOLLOW ?? 0),
      );
    } catch (error) {
      if (isAbsent(error) || isErrno(error, 'EISDIR', 'ENXIO')) {
        return undefined;
      }
      throw fsError(error, 'read', path, this.url, key);
    }
  }

  private async infoOf(handle: FileHandle, key: string): Promise<ObjectInfo | undefined> {
    const stats: FileStats = await handle.stat({ bigint: true });
    return stats.isFile() ? fileInfo(key, stats) : undefined;
  }

  private async *readChunks(
    handle: FileHandle,
    info: ObjectInfo,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    let position = start;
    while (position < end) {
      signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await this.readAt(handle, buffer, position, info.key);
      if (bytesRead === 0) {
        break;
      }
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    // Chronik truncates and rewrites archives in place, under the handle that is open here.
    const now = await this.infoOf(handle, info.key);
    if (now?.version !== info.version) {
      throw objectChanged(this.url, info.key, info.version);
    }
    if (position < end) {
      throw bodyCutShort(this.url, info.key, end - start, position - start);
    }
  }

  private async readAt(handle: FileHandle, buffer: Buffer, position: number, key: string) {
    try {
      return await handle.read(buffer, 0, buffer.length, position);
    } catch (error) {
      throw fsError(error, 'read', keyToPath(this.root, this.url, key), this.url, key);
    }
  }

  private async publish(
    key: string,
    options: PutOptions,
    write: (temp: string) => Promise<void>,
  ): Promise<ObjectInfo> {
    const target = await placeForWrite(this.root, this.url, key);
    try {
      const stats = await publishFile(target, options.ifAbsent === true, async (temp) => {
        await write(temp);
        if (options.ifVersion !== undefined) {
          await this.assertVersion(key, options.ifVersion);
        }
      });
      return fileInfo(key, stats);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) {
        throw objectExists(this.url, key, error);
      }
      throw fsError(error, 'write', target, this.url, key);
    }
  }

  /** Not atomic against a writer that isn't segctl: the file system has no conditional rename. */
  private async assertVersion(key: string, version: string): Promise<void> {
    const now = await this.head(key);
    if (now?.version !== version) {
      throw objectChanged(this.url, key, version);
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
