/**
 * The bytes of an index file. `chunks` can be called again and gives the same bytes from the start:
 * an error's line is found by a second look, not by counting lines in the fast loop.
 */
export interface ByteSource {
  /** How messages call it: the file's path. */
  readonly name: string;
  /** Expected length in bytes, a hint for the first allocation only; 0 where not known. */
  readonly sizeHintBytes: number;
  /** A chunk is valid until the next one is asked for: the buffer is used again. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** A source over bytes in memory, cut into chunks of at most `chunkBytes`. */
export function bytesSource(name: string, bytes: Uint8Array, chunkBytes = 1 << 20): ByteSource {
  return {
    name,
    sizeHintBytes: bytes.length,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        yield bytes.subarray(at, at + chunkBytes);
      }
    },
  };
}
