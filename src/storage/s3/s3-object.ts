import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { SegctlError } from '../../core/segctl-error.ts';
import { streamedBody } from '../object-body.ts';
import type { ByteRange, GetOptions, ObjectBody, ObjectInfo } from '../object-store.ts';
import { bodyCutShort } from '../store-errors.ts';
import { callOf, type S3Context } from './s3-context.ts';
import { s3Error } from './s3-errors.ts';

interface Described {
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
}

/** An object's identity: its ETag without quotes, or size and time where a server gives none. */
export function versionOf(described: Described, sizeBytes: number): string {
  const etag = described.ETag?.replaceAll('"', '');
  return etag || `${sizeBytes}-${described.LastModified?.getTime() ?? 0}`;
}

/** A version as If-Match wants it. */
export function etagOf(version: string): string {
  return `"${version}"`;
}

export function headInfo(key: string, answer: HeadObjectCommandOutput): ObjectInfo {
  const sizeBytes = sizeOf(answer);
  return {
    key,
    sizeBytes,
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    version: versionOf(answer, sizeBytes),
  };
}

interface Sized {
  readonly ContentRange?: string | undefined;
  readonly ContentLength?: number | undefined;
}

/** The whole object's size: from `bytes 0-9/700` for a range, else the length of the body. */
function sizeOf(answer: Sized): number {
  const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
  return total === undefined ? (answer.ContentLength ?? 0) : Number(total);
}

/**
 * The body of a GetObject answer, whose length is held against the announced one. Throws when the
 * server gave another range than was asked for.
 */
export function objectBody(
  context: S3Context,
  key: string,
  s3Key: string,
  answer: GetObjectCommandOutput,
  { range, signal }: GetOptions,
): ObjectBody {
  const stream = answer.Body;
  if (stream === undefined || !(Symbol.asyncIterator in stream)) {
    throw new TypeError('the S3 client gave no readable body');
  }
  const destroy = (): void => {
    if ('destroy' in stream && typeof stream.destroy === 'function') {
      stream.destroy();
    }
  };
  // The SDK watches the signal only until the answer begins; a body may stall after that.
  signal?.addEventListener('abort', destroy, { once: true });
  const release = async (): Promise<void> => {
    signal?.removeEventListener('abort', destroy);
    destroy();
  };
  const info = headInfo(key, answer);
  if (range !== undefined && !isRange(answer.ContentRange, range)) {
    void release();
    throw new SegctlError('the store answered with another range than was asked for', {
      code: 'store-answer-malformed',
      facts: { store: context.storeUrl, key, start: range.start, got: answer.ContentRange ?? null },
      remedy: 'the store, or a proxy before it, does not support ranged reads (RFC 9110, 14)',
    });
  }
  const chunks = checkedChunks(context, key, s3Key, stream, answer.ContentLength, signal);
  return streamedBody(info, chunks, release);
}

function isRange(contentRange: string | undefined, range: ByteRange): boolean {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '') ?? [];
  if (first === undefined || last === undefined || total === undefined) {
    return false;
  }
  const end = Math.min(range.end ?? Number(total), Number(total));
  return Number(first) === range.start && Number(last) === end - 1;
}

async function* checkedChunks(
  context: S3Context,
  key: string,
  s3Key: string,
  stream: AsyncIterable<unknown>,
  announced: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  try {
    for await (const chunk of stream) {
      signal?.throwIfAborted();
      if (!(chunk instanceof Uint8Array)) {
        throw new TypeError('the S3 client gave a body that is no bytes');
      }
      received += chunk.length;
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    // Node reports a body that ends early as a socket error.
    if (announced !== undefined && received < announced && isCut(error)) {
      throw bodyCutShort(context.storeUrl, key, announced, received, new Error('socket closed'));
    }
    throw s3Error(error, callOf(context, { action: 's3:GetObject', key, s3Key }), context.scrub);
  }
  signal?.throwIfAborted();
  if (announced !== undefined && received !== announced) {
    throw bodyCutShort(context.storeUrl, key, announced, received);
  }
}

function isCut(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.message === 'aborted' ||
      ('code' in error &&
        (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')))
  );
}
