import { SegctlError } from '../core/segctl-error.ts';
import type { ByteSource } from '../core/segment-index/byte-source.ts';
import { type ReadIndexOptions, readIndex } from '../core/segment-index/read-index.ts';
import type { SegmentIndex } from '../core/segment-index/segment-index.ts';
import {
  errnoOf,
  type FileFacts,
  type IndexFilePort,
  nodeIndexFilePort,
  type ReadHandle,
} from './index-file-port.ts';

const CHUNK_BYTES = 1 << 20;
/** How often a file that changes while it is read is read again. */
const MAX_TRIES = 5;

export interface LoadIndexOptions extends ReadIndexOptions {
  readonly port?: IndexFilePort;
}

export interface LoadedIndex {
  readonly index: SegmentIndex;
  /** Device, inode, size and mtime of the file that was read. */
  readonly facts: FileFacts;
}

/**
 * Reads `segment_index.json` from disk. Throws `index-not-found`, `index-unreadable`,
 * `index-malformed`, or `index-changing` where somebody writes the file in place all the time.
 */
export async function loadIndex(
  path: string,
  options: LoadIndexOptions = {},
): Promise<LoadedIndex> {
  return await withOpenIndex(path, options, async ({ index, facts }) => ({ index, facts }));
}

export interface OpenIndex extends LoadedIndex {
  /** The very bytes that the index was read from, also after the path was given to another file. */
  readonly source: ByteSource;
}

/** Reads the index and keeps its file open while `use` works on it. */
export async function withOpenIndex<T>(
  path: string,
  options: LoadIndexOptions,
  use: (open: OpenIndex) => Promise<T>,
): Promise<T> {
  const handle = await openIndex(path, options.port ?? nodeIndexFilePort);
  try {
    for (let attempt = 1; ; attempt++) {
      const facts = await handle.facts();
      if (!facts.isFile) throw notAFile(path);
      const source = handleSource(path, handle, facts.sizeBytes);
      const index = await readWhole(source, options, async () => (await handle.facts()).identity);
      if (index !== undefined) return await use({ index, facts, source });
      if (attempt === MAX_TRIES) throw changing(path);
    }
  } catch (error) {
    throw error instanceof SegctlError || errnoOf(error) === undefined
      ? error
      : unreadable(path, error);
  } finally {
    await handle.close();
  }
}

/** Undefined where the file was written to meanwhile, so that what was read may be a mixture. */
async function readWhole(
  source: ByteSource,
  options: ReadIndexOptions,
  identity: () => Promise<string>,
): Promise<SegmentIndex | undefined> {
  const before = await identity();
  try {
    const index = await readIndex(source, options);
    return (await identity()) === before ? index : undefined;
  } catch (error) {
    if (error instanceof SegctlError && (await identity()) !== before) return undefined;
    throw error;
  }
}

/**
 * Chunks of an open file, the next one read while the one before it is worked on. Reads the size
 * that the file had, so that one that grows all the time comes to an end.
 */
function handleSource(name: string, handle: ReadHandle, sizeBytes: number): ByteSource {
  const readAt = async (buffer: Uint8Array, position: number) => {
    const wanted = Math.min(CHUNK_BYTES, sizeBytes - position);
    return wanted <= 0 ? 0 : await handle.read(buffer.subarray(0, wanted), position);
  };
  return {
    name,
    sizeHintBytes: sizeBytes,
    async *chunks() {
      let [current, next] = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)];
      let position = 0;
      let pending = readAt(current, position);
      try {
        for (;;) {
          const length = await pending;
          if (length === 0) return;
          position += length;
          pending = readAt(next, position);
          yield current.subarray(0, length);
          [current, next] = [next, current];
        }
      } finally {
        // A read that is under way must not outlive the handle; its outcome no longer matters.
        await pending.catch(() => undefined);
      }
    },
  };
}

async function openIndex(path: string, port: IndexFilePort): Promise<ReadHandle> {
  try {
    return await port.openRead(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw notFound(path, error);
    throw unreadable(path, error);
  }
}

function notFound(path: string, cause: unknown): SegctlError {
  return new SegctlError(`there is no segment index at ${path}`, {
    code: 'index-not-found',
    exit: 'failed',
    facts: { file: path },
    remedy:
      "name the server's data folder with --data-dir, or the file with --index; if the file is lost, rebuild it with: segctl reindex",
    cause,
  });
}

function notAFile(path: string): SegctlError {
  return new SegctlError(`${path} is not a regular file`, {
    code: 'index-unreadable',
    exit: 'failed',
    facts: { file: path },
    remedy: 'name the file segment_index.json itself with --index, or its folder with --data-dir',
  });
}

function unreadable(path: string, cause: unknown): SegctlError {
  const errno = errnoOf(cause);
  const denied = errno === 'EACCES' || errno === 'EPERM';
  return new SegctlError(`can't read ${path}${errno === undefined ? '' : ` (${errno})`}`, {
    code: 'index-unreadable',
    exit: 'failed',
    facts: { file: path, errno: errno ?? null },
    remedy: denied
      ? 'run segctl as the user that the Chronik server runs as, or give this user the right to read the file'
      : 'check the path and the disk, then run the command again',
    cause,
  });
}

function changing(path: string): SegctlError {
  return new SegctlError(`${path} changed each time while it was read`, {
    code: 'index-changing',
    exit: 'failed',
    facts: { file: path, tries: MAX_TRIES },
    remedy: 'find out what writes the file in place (a Chronik server replaces it), then run again',
  });
}
