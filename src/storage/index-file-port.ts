import { type FileHandle, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What saving an index needs of a file system, one step a method, so that each can fail in a test. */
export interface IndexFilePort {
  openRead(path: string): Promise<ReadHandle>;
  /** Creates a file that must not exist yet, readable by its owner alone. */
  create(path: string): Promise<WriteHandle>;
  /** Undefined where there is no such file. */
  stat(path: string): Promise<FileFacts | undefined>;
  /** The path with its links followed: a rename would replace a link instead of its file. */
  resolve(path: string): Promise<string>;
  /** Names of the files in a folder. */
  list(folder: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes a rename in the folder of `path` durable. */
  syncFolderOf(path: string): Promise<void>;
}

export interface ReadHandle {
  facts(): Promise<FileFacts>;
  /** Gives the count of bytes read, 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface WriteHandle {
  write(bytes: Uint8Array): Promise<void>;
  /** Gives the file the mode and, where permitted, the owner of another one. */
  takeOver(facts: FileFacts): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileFacts {
  /** Device, inode, size and mtime in ns: another value means other bytes may be there. */
  readonly identity: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly isFile: boolean;
}

/** The real file system. */
export const nodeIndexFilePort: IndexFilePort = {
  async openRead(path) {
    return readHandle(await open(path, 'r'));
  },
  async create(path) {
    return writeHandle(await open(path, 'wx', 0o600));
  },
  async stat(path) {
    try {
      return factsOf(await stat(path, { bigint: true }));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  async resolve(path) {
    try {
      return await realpath(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return path;
      throw error;
    }
  },
  list: readdir,
  rename,
  unlink,
  async syncFolderOf(path) {
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } catch (error) {
      // Some network file systems have no such thing as a folder's own sync.
      if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') throw error;
    } finally {
      await folder.close();
    }
  },
};

/** The errno name of a system error, e.g. `ENOSPC`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function readHandle(handle: FileHandle): ReadHandle {
  return {
    facts: async () => factsOf(await handle.stat({ bigint: true })),
    async read(into, position) {
      return (await handle.read(into, 0, into.length, position)).bytesRead;
    },
    close: () => handle.close(),
  };
}

function writeHandle(handle: FileHandle): WriteHandle {
  return {
    async write(bytes) {
      let written = 0;
      while (written < bytes.length) {
        written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
      }
    },
    async takeOver(facts) {
      const own = factsOf(await handle.stat({ bigint: true }));
      if (own.uid !== facts.uid || own.gid !== facts.gid) {
        try {
          await handle.chown(facts.uid, facts.gid);
        } catch (error) {
          // Only root may give files away; the writer's own file is still right for the writer.
          if (errnoOf(error) !== 'EPERM') throw error;
        }
      }
      await handle.chmod(facts.mode & 0o7777);
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

interface BigStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  isFile(): boolean;
}

function factsOf(stats: BigStats): FileFacts {
  return {
    identity: `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`,
    sizeBytes: Number(stats.size),
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    isFile: stats.isFile(),
  };
}
