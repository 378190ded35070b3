import type { Readable, Writable } from 'node:stream';
import { SegctlError } from './core/segctl-error.ts';

/** A stream that may be a terminal, as process.stdout and process.stderr are. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Everything of the process that segctl touches, so that tests can pass their own. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** Unix time in ms. Only here is the real clock read. */
  readonly now: () => number;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** The reader of our stdout has gone (`| head`): a quiet, successful end. */
export class ClosedPipeError extends Error {
  constructor() {
    super('stdout was closed by its reader');
    this.name = 'ClosedPipeError';
  }
}

/** Whether colours may be used on `stream`: see no-color.org for NO_COLOR. */
export function hasColor(stream: OutputStream, env: Io['env']): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/**
 * Writes to `stream` and waits while its buffer is full, so that memory stays bounded whatever the
 * reader's pace. Throws ClosedPipeError when the reader has gone, and `output-failed` where the
 * bytes have no room.
 */
export async function writeOut(stream: OutputStream, chunk: string | Uint8Array): Promise<void> {
  if (chunk.length === 0) return;
  assertOpen(stream);
  if (stream.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      stream.off('drain', go);
      stream.off('close', go);
      stream.off('error', go);
      resolve();
    };
    stream.on('drain', go).on('close', go).on('error', go);
  });
  assertOpen(stream);
}

/** Waits until all that was written has left the process. Throws as writeOut does. */
export async function flushOut(stream: OutputStream): Promise<void> {
  assertOpen(stream);
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
  assertOpen(stream);
}

/** The first error of each stream: the process's own forget theirs after the event. */
const failures = new WeakMap<OutputStream, Error>();

/** Keeps what goes wrong with `stream` for writeOut to tell; else the event would end the process. */
export function watchOutput(stream: OutputStream): void {
  stream.on('error', (error) => {
    if (!failures.has(stream)) failures.set(stream, error);
  });
}

function assertOpen(stream: OutputStream): void {
  const error = failures.get(stream) ?? stream.errored;
  if (error === null && !stream.destroyed) return;
  const errno = error !== null && 'code' in error ? String(error.code) : 'EPIPE';
  if (errno === 'EPIPE') throw new ClosedPipeError();
  throw new SegctlError(`can't write the output (${errno})`, {
    code: 'output-failed',
    facts: { errno },
    remedy:
      errno === 'ENOSPC' ? 'free some space, or send it elsewhere' : 'check where stdout leads to',
    cause: error,
  });
}
