import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SegctlError } from '../core/segctl-error.ts';

/**
 * Writes a file whole or not at all: to a temporary file beside it, synced, then renamed over it.
 * When `chunks` throws, the file is as it was. What is no regular file (a pipe, /dev/null) is
 * written to directly. Throws `output-failed`; errors of `chunks` pass through.
 */
export async function writeFileWhole(
  path: string,
  chunks: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const isSpecial = await stat(path).then(
    (stats) => !stats.isFile() && !stats.isDirectory(),
    () => false,
  );
  const target = isSpecial
    ? path
    : join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  const file = await attempt(path, () => open(target, isSpecial ? 'w' : 'wx'));
  try {
    await writeAll(path, file, chunks);
    if (!isSpecial) await attempt(path, () => file.sync());
    await file.close();
    if (!isSpecial) await attempt(path, () => rename(target, path));
  } catch (error) {
    await file.close().catch(() => {});
    if (!isSpecial) await unlink(target).catch(() => {});
    throw error;
  }
}

async function writeAll(
  path: string,
  file: FileHandle,
  chunks: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  for await (const chunk of chunks) {
    // writeFile, unlike write, goes on after a short write.
    await attempt(path, () => file.writeFile(chunk));
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new SegctlError(`can't write ${path} (${errno})`, {
      code: 'output-failed',
      facts: { file: path, errno },
      remedy:
        errno === 'ENOSPC'
          ? 'free some space, or name a file on another disk'
          : 'check that the folder exists and may be written to',
      cause,
    });
  }
}
