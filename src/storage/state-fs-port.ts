import { type FileHandle, link, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { errnoOf } from './index-file-port.ts';

/**
 * What journals and the lock need of a file system, one step a method, so that a test can make each
 * step fail or kill the process there. Errors are the system's.
 */
export interface StateFsPort {
  /** Creates the folder and those above it; existing is fine. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder, none where it doesn't exist. */
  list(path: string): Promise<readonly string[]>;
  /** Creates a file that must not exist yet. */
  create(path: string): Promise<StateFile>;
  openRead(path: string): Promise<StateFile>;
  /** Opens an existing file for reading and writing. */
  openWrite(path: string): Promise<StateFile>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name; fails with EEXIST when the name is taken. */
  link(existing: string, name: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes a folder with all that is in it; missing is fine. */
  removeFolder(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder survive a power failure. */
  syncFolder(path: string): Promise<void>;
}

export interface StateFile {
  sizeBytes(): Promise<number>;
  /** Gives the count of bytes read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The real file system. */
export const nodeStateFsPort: StateFsPort = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  },
  create: async (path) => stateFile(await open(path, 'wx+', 0o600)),
  openRead: async (path) => stateFile(await open(path, 'r')),
  openWrite: async (path) => stateFile(await open(path, 'r+')),
  rename,
  link,
  unlink,
  async removeFolder(path) {
    await rm(path, { recursive: true, force: true });
  },
  async syncFolder(path) {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } catch (error) {
      // Some file systems can't sync a folder; then there is nothing that could be done better.
      if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes(errnoOf(error) ?? '')) throw error;
    } finally {
      await folder.close();
    }
  },
};

function stateFile(handle: FileHandle): StateFile {
  return {
    sizeBytes: async () => (await handle.stat()).size,
    read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
    async write(bytes, position) {
      let written = 0;
      while (written < bytes.length) {
        const rest = bytes.length - written;
        written += (await handle.write(bytes, written, rest, position + written)).bytesWritten;
      }
    },
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
