import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SegctlError } from '../core/segctl-error.ts';

const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

export interface SpoolOptions {
  /** How much is held in memory before the rest goes to a temporary file. */
  readonly memoryBytes?: number;
  /** Where that file goes; the system's folder for temporary files by default (TMPDIR). */
  readonly directory?: string;
}

/**
 * Holds the chunks of a document back until the last one is there, so that stdout gets it whole or
 * not at all, and then gives them again. When `chunks` throws, nothing has been given. Memory is
 * bounded: what exceeds it waits in a temporary file that only this user can read and that has no
 * name any more while it is used, so that a crash leaves nothing behind.
 */
export async function* wholeDocument(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  options: SpoolOptions = {},
): AsyncGenerator<Uint8Array> {
  const memoryBytes = options.memoryBytes ?? DEFAULT_MEMORY_BYTES;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of chunks) {
      const bytes = Buffer.from(chunk);
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes <= memoryBytes) continue;
      file ??= await openUnnamed(options.directory ?? tmpdir());
      await spill(file, held);
      held = [];
      heldBytes = 0;
    }
    if (file !== undefined) yield* readAll(file);
    yield* held;
  } finally {
    await file?.close();
  }
}

async function openUnnamed(directory: string): Promise<FileHandle> {
  const path = join(directory, `segctl-${randomUUID()}.tmp`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (cause) {
    throw spoolError(cause, directory);
  }
}

async function spill(file: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
  } catch (cause) {
    throw spoolError(cause);
  }
}

async function* readAll(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(
      Buffer.alloc(READ_BYTES),
      0,
      READ_BYTES,
      position,
    );
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function spoolError(cause: unknown, directory?: string): SegctlError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SegctlError('temporary space for the JSON document is not to be had', {
    code: 'no-temporary-space',
    facts: directory === undefined ? { reason } : { reason, directory },
    remedy: 'use --format jsonl, which needs none, or set TMPDIR to a larger disk',
    cause,
  });
}
