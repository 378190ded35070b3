import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { SegctlError } from '../core/segctl-error.ts';
import { type EditPlan, type IndexEdit, planEdit } from '../core/segment-index/index-edit.ts';
import { IndexParser } from '../core/segment-index/index-parser.ts';
import { JsonFault } from '../core/segment-index/json-fault.ts';
import type { SegmentIndex } from '../core/segment-index/segment-index.ts';
import { applySplices, formatIndex, type KeyEntries } from '../core/segment-index/splice-stream.ts';
import { withOpenIndex } from './index-file.ts';
import {
  errnoOf,
  type FileFacts,
  type IndexFilePort,
  nodeIndexFilePort,
} from './index-file-port.ts';

/** How often an edit is applied anew because the server replaced the file meanwhile. */
const MAX_TRIES = 5;
const EDIT_REFUSED = 'edit-refused';

export interface SaveIndexOptions {
  readonly port?: IndexFilePort;
  readonly signal?: AbortSignal;
  /**
   * Called with what is about to be written, each time the edit is planned on newer content. What it
   * throws stops the save with the file untouched: the place for guards.
   */
  readonly beforeWrite?: (index: SegmentIndex, plan: EditPlan) => void;
}

export interface SavedIndex {
  /** SHA-256 and size of the file as it is now. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly rowCount: number;
}

export interface SaveOutcome extends SavedIndex {
  /** What the edit came to on the content that it was applied to. */
  readonly plan: EditPlan;
  /** False where the file already was as wanted and was left alone. */
  readonly written: boolean;
  /** SHA-256 of the content that the edit was applied to. */
  readonly digestBefore: string;
}

/**
 * Applies an edit to the newest content of the index file: temp file in the same folder, fsync,
 * rename, fsync of the folder, so that a crash at any point leaves the old file or the new one. When
 * the file was replaced between reading and renaming, the edit is planned and written again.
 * The caller holds the lock against other segctl runs; a server takes none, and what it writes in
 * the instant between the last look and the rename is lost to this file.
 */
export async function saveIndex(
  path: string,
  edit: IndexEdit,
  options: SaveIndexOptions = {},
): Promise<SaveOutcome> {
  const port = options.port ?? nodeIndexFilePort;
  const target = await port.resolve(path);
  await removeStaleTemps(target, port);
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const outcome = await withOpenIndex(target, { port, ...signalOf(options) }, async (open) => {
      const plan = planEdit(open.index, edit);
      const digestBefore = open.index.origin.digest ?? '';
      const common = { plan, digestBefore };
      if (plan.splices.length === 0) {
        const { sizeBytes } = open.index.origin;
        const same = { digest: digestBefore, sizeBytes, rowCount: open.index.rowCount };
        return { ...common, ...same, written: false };
      }
      options.beforeWrite?.(open.index, plan);
      const rowCount = open.index.rowCount - plan.removedRows.length + plan.added.length;
      const chunks = applySplices(open.source, plan.splices);
      const saved = await replaceFile(target, chunks, rowCount, open.facts, options);
      return saved === undefined ? undefined : { ...common, ...saved, written: true };
    });
    if (outcome !== undefined) return outcome;
  }
  throw new SegctlError(`${path} was replaced each time before the edit could be saved`, {
    code: 'index-changing',
    exit: 'failed',
    facts: { file: path, tries: MAX_TRIES },
    remedy: 'run the command again when the server writes less often, or stop the server first',
  });
}

export interface WriteIndexOptions {
  readonly port?: IndexFilePort;
  readonly signal?: AbortSignal;
  /**
   * The file that the new content was made in view of, `undefined` for none. When another one is
   * there by now, nothing is written and the error is `index-changing`.
   */
  readonly replaces: FileFacts | undefined;
}

/** Writes a whole index from scratch, as safely as `saveIndex` does. */
export async function writeIndex(
  path: string,
  keys: Iterable<KeyEntries>,
  options: WriteIndexOptions,
): Promise<SavedIndex> {
  const port = options.port ?? nodeIndexFilePort;
  const target = await port.resolve(path);
  await removeStaleTemps(target, port);
  const chunks = formatIndex(keys);
  const saved = await replaceFile(target, chunks, undefined, options.replaces, options);
  if (saved !== undefined) return saved;
  throw new SegctlError(`${path} was replaced while its new content was prepared`, {
    code: 'index-changing',
    exit: 'failed',
    facts: { file: path },
    remedy: 'run the command again, so that it sees what was written meanwhile',
  });
}

/** Undefined, and nothing done, where the target is not the `expected` file any more. */
async function replaceFile(
  target: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  rowCount: number | undefined,
  expected: FileFacts | undefined,
  options: { readonly port?: IndexFilePort; readonly signal?: AbortSignal },
): Promise<SavedIndex | undefined> {
  const port = options.port ?? nodeIndexFilePort;
  const temp = join(dirname(target), tempName(target));
  let renamed = false;
  try {
    const saved = await writeTemp(temp, chunks, rowCount, expected, port, options.signal);
    if ((await port.stat(target))?.identity !== expected?.identity) return undefined;
    await port.rename(temp, target);
    renamed = true;
    await port.syncFolderOf(target);
    return saved;
  } catch (error) {
    // Bytes that were changed in place while they were copied are no fault of the edit.
    const refusal = error instanceof SegctlError && error.code === EDIT_REFUSED;
    if (refusal && (await port.stat(target))?.identity !== expected?.identity) return undefined;
    throw errnoOf(error) === undefined || error instanceof SegctlError
      ? error
      : writeFailed(target, error, renamed);
  } finally {
    // Best effort: a temp file that stays is removed by the next save.
    if (!renamed) await port.unlink(temp).catch(() => undefined);
  }
}

/**
 * Writes and reads at once: what goes to disk is parsed with the same strictness as any index, so
 * that nothing can be renamed into place that a server would refuse.
 */
async function writeTemp(
  temp: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  rowCount: number | undefined,
  like: FileFacts | undefined,
  port: IndexFilePort,
  signal: AbortSignal | undefined,
): Promise<SavedIndex> {
  const handle = await port.create(temp);
  try {
    const hash = createHash('sha256');
    const parser = new IndexParser({ rowsHint: rowCount ?? 0 });
    let sizeBytes = 0;
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      const writing = handle.write(chunk);
      try {
        parser.push(chunk);
        hash.update(chunk);
      } finally {
        await writing;
      }
      sizeBytes += chunk.length;
    }
    const written = parser.finish().columns.length;
    if (rowCount !== undefined && written !== rowCount) {
      throw refused(`it would have ${written} entries instead of ${rowCount}`);
    }
    if (like !== undefined) await handle.takeOver(like);
    await handle.sync();
    return { digest: hash.digest('hex'), sizeBytes, rowCount: written };
  } catch (error) {
    throw error instanceof JsonFault ? refused(error.message, error) : error;
  } finally {
    await handle.close();
  }
}

const TEMP_INFIX = '.segctl-';
const TEMP_SUFFIX = '.tmp';

/** Never the same twice: two runs that both missed the lock must not write into one file. */
function tempName(target: string): string {
  return `${basename(target)}${TEMP_INFIX}${process.pid}-${randomBytes(4).toString('hex')}${TEMP_SUFFIX}`;
}

/** Removes what crashed runs left; under the lock no other run has a temp file. */
async function removeStaleTemps(target: string, port: IndexFilePort): Promise<void> {
  const folder = dirname(target);
  const prefix = basename(target) + TEMP_INFIX;
  // A folder that can't be listed fails more tellingly when the file is read or written.
  const names = await port.list(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !name.endsWith(TEMP_SUFFIX)) continue;
    await port.unlink(join(folder, name)).catch(() => undefined);
  }
}

function signalOf(options: SaveIndexOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}

function refused(reason: string, cause?: unknown): SegctlError {
  return new SegctlError(`the new segment index would not be readable: ${reason}`, {
    code: EDIT_REFUSED,
    exit: 'failed',
    facts: { reason },
    remedy: 'the old file is untouched; report this with the command that led to it',
    cause,
  });
}

function writeFailed(target: string, cause: unknown, renamed: boolean): SegctlError {
  const errno = errnoOf(cause) ?? 'unknown';
  const state = renamed
    ? 'the new file is in place, but may not survive a power failure yet'
    : 'the old file is untouched';
  return new SegctlError(`can't write ${target} (${errno}): ${state}`, {
    code: 'index-write-failed',
    exit: 'failed',
    facts: { file: target, folder: dirname(target), errno, replaced: renamed },
    remedy: WRITE_REMEDIES[errno] ?? 'check the disk, then run the command again',
    cause,
  });
}

const WRITE_REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "free space in the index's folder, which needs room for a second copy of the index",
  EDQUOT: "raise the quota of the index's folder, which needs room for a second copy of the index",
  EACCES: "run segctl as the server's user, or give this user the right to write in the folder",
  EPERM: "run segctl as the server's user, or give this user the right to write in the folder",
  EROFS: 'mount the folder for writing, then run the command again',
  ENOENT: "create the server's data folder, or name it with --data-dir",
};
