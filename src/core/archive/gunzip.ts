import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ArchiveError } from './archive-error.ts';

/** Output is asked for in pieces of this size: fewer, larger trips to the thread pool. */
const CHUNK_SIZE = 256 * 1024;

/** ID1 and ID2 of RFC 1952, in hex. */
const GZIP_MAGIC = '1f8b';

/**
 * Unpacks one gzip file (RFC 1952) into one buffer and checks its CRC-32 and length, off the event
 * loop. `maxBytes` bounds the unpacked size: what passes it is refused when it is met, so memory
 * stays below the limit plus one piece however small the file is. Throws ArchiveError for damage;
 * errors of `body` itself pass through unchanged.
 */
export async function gunzip(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const unzip = createGunzip({ chunkSize: CHUNK_SIZE });
  const pieces: Buffer[] = [];
  let unpackedBytes = 0;
  let packedBytes = 0;
  let magic = '';
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      packedBytes += chunk.length;
      if (magic.length < 4) magic += Buffer.from(chunk.subarray(0, 2)).toString('hex');
      yield chunk;
    }
  }
  try {
    await pipeline(counted, unzip, async (output: AsyncIterable<Buffer>) => {
      for await (const piece of output) {
        unpackedBytes += piece.length;
        if (unpackedBytes > maxBytes) throw tooLarge(maxBytes);
        pieces.push(piece);
      }
    });
  } catch (error) {
    throw toArchiveError(error, packedBytes, magic.startsWith(GZIP_MAGIC));
  }
  // zlib stops silently at bytes after the last member that are not gzip themselves.
  if (unzip.bytesWritten < packedBytes) {
    throw new ArchiveError('archive-trailing-bytes', {
      byte: unzip.bytesWritten,
      trailingBytes: packedBytes - unzip.bytesWritten,
    });
  }
  return Buffer.concat(pieces, unpackedBytes);
}

/** The refusal of what unpacks to more than `maxBytes`. */
export function tooLarge(maxBytes: number): ArchiveError {
  return new ArchiveError(
    'archive-too-large',
    { maxUnpackedBytes: maxBytes },
    { remedy: 'if the archive is genuine, raise the limit with --max-unpacked' },
  );
}

/**
 * How far unpacking came is told only where it came to the end: before, it depends on how the bytes
 * arrived, and the same damage would read differently each time.
 */
function toArchiveError(error: unknown, packedBytes: number, isGzip: boolean): unknown {
  if (error instanceof ArchiveError || !(error instanceof Error) || !('code' in error))
    return error;
  const facts = { zlib: error.message };
  if (packedBytes === 0 && error.code === 'Z_BUF_ERROR') return new ArchiveError('archive-empty');
  if (error.code === 'Z_BUF_ERROR') {
    return new ArchiveError('archive-cut-short', { packedBytes, ...facts });
  }
  if (error.code !== 'Z_DATA_ERROR') return error;
  if (error.message === 'incorrect data check' || error.message === 'incorrect length check') {
    return new ArchiveError('archive-crc-mismatch', facts);
  }
  if (error.message === 'incorrect header check') {
    // With the magic in place the first header was good, so a later one is meant: junk at the end.
    return new ArchiveError(isGzip ? 'archive-trailing-bytes' : 'archive-not-gzip', facts);
  }
  return new ArchiveError('archive-gzip-damaged', facts);
}
