import { gunzipSync, gzipSync } from 'node:zlib';
import { type Codec, recordsDamaged, recordsTooLarge } from './codec.ts';

/** Output grows in pieces of this size; zlib's own 16 KiB would make a list of many. */
const CHUNK_BYTES = 256 * 1024;

/** RFC 1952 members, at zlib's default level as Kafka's producers use it. */
export const gzipCodec: Codec = {
  compress: (records) => gzipSync(records, { chunkSize: CHUNK_BYTES }),
  decompress(payload, maxBytes) {
    try {
      return gunzipSync(payload, {
        chunkSize: CHUNK_BYTES,
        maxOutputLength: Math.max(1, maxBytes),
      });
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      if (code === 'ERR_BUFFER_TOO_LARGE') throw recordsTooLarge('gzip', maxBytes);
      throw recordsDamaged('gzip', cause instanceof Error ? cause.message : 'unreadable', cause);
    }
  },
};
