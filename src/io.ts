import type { Readable, Writable } from 'node:stream';

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

/**
 * Writes to `stream` and waits while its buffer is full, so that memory stays bounded whatever the
 * reader's pace. Throws ClosedPipeError when the reader has gone, and stream errors as they are.
 */
export async function writeOut(stream: OutputStream, chunk: string | Uint8Array): Promise<void> {
  if (chunk.length === 0) return;
  if (stream.destroyed || stream.errored !== null) throw pipeError(stream.errored);
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
  if (stream.destroyed || stream.errored !== null) throw pipeError(stream.errored);
}

/** Waits until all that was written has left the process. */
export async function flushOut(stream: OutputStream): Promise<void> {
  if (stream.destroyed || stream.errored !== null) return;
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}

function pipeError(error: unknown): unknown {
  if (error === null || error === undefined) return new ClosedPipeError();
  const isClosed = error instanceof Error && 'code' in error && error.code === 'EPIPE';
  return isClosed ? new ClosedPipeError() : error;
}
