import { compressSync, uncompressSync } from 'snappy';
import { type Codec, recordsDamaged, recordsTooLarge } from './codec.ts';

/**
 * Two framings are on the wire. librdkafka and most others put one raw snappy block there. Java
 * writes the "xerial" stream of snappy-java:
 *
 * ```
 * Stream => 82 'S' 'N' 'A' 'P' 'P' 'Y' 00, Version int32, MinVersion int32, Block*
 * Block  => Length int32 (big-endian), that many bytes of raw snappy
 * ```
 *
 * Streams may be concatenated, each with its header. This writes raw blocks: they are smaller, and
 * every client reads them, Java's included, which falls back to raw when the magic is not there.
 * No raw block that snappy accepts is mistaken for a stream: it would declare 10,754 bytes of output
 * and start with a copy, which has nothing to copy from.
 */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] as const;
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;

/** Snappy's densest element is a 3-byte copy of 64 bytes; more output than this is a lie. */
const MAX_EXPANSION = 22;

export const snappyCodec: Codec = {
  compress: (records) => compressSync(records),
  decompress: (payload, maxBytes) =>
    hasXerialMagic(payload, 0)
      ? uncompressXerial(payload, maxBytes)
      : uncompressBlock(payload, maxBytes, maxBytes),
};

function hasXerialMagic(bytes: Uint8Array, at: number): boolean {
  return XERIAL_MAGIC.every((byte, i) => bytes[at + i] === byte);
}

function uncompressXerial(payload: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const blocks: Uint8Array[] = [];
  let unpackedBytes = 0;
  for (let at = 0; at < payload.length; ) {
    if (hasXerialMagic(payload, at)) {
      at += XERIAL_HEADER_BYTES;
      if (at > payload.length) throw recordsDamaged('snappy', 'the stream header is cut short');
      continue;
    }
    if (at + 4 > payload.length) throw recordsDamaged('snappy', 'a block length is cut short');
    const length = view.getUint32(at);
    at += 4;
    if (length > payload.length - at) throw recordsDamaged('snappy', 'a block is cut short');
    const block = uncompressBlock(
      payload.subarray(at, at + length),
      maxBytes - unpackedBytes,
      maxBytes,
    );
    blocks.push(block);
    unpackedBytes += block.length;
    at += length;
  }
  return blocks.length === 1 ? (blocks[0] ?? new Uint8Array()) : Buffer.concat(blocks);
}

function uncompressBlock(block: Uint8Array, leftBytes: number, maxBytes: number): Uint8Array {
  const declaredBytes = declaredLength(block);
  if (declaredBytes > leftBytes) throw recordsTooLarge('snappy', maxBytes);
  if (declaredBytes > block.length * MAX_EXPANSION) {
    throw recordsDamaged(
      'snappy',
      `${block.length} bytes can't hold the declared ${declaredBytes}`,
    );
  }
  try {
    const unpacked = uncompressSync(block, { asBuffer: true });
    if (typeof unpacked === 'string') throw new TypeError('snappy returned text');
    return unpacked;
  } catch (cause) {
    throw recordsDamaged('snappy', cause instanceof Error ? cause.message : 'unreadable', cause);
  }
}

/** A block starts with its unpacked length, an unsigned 32-bit varint. */
function declaredLength(block: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  throw recordsDamaged('snappy', 'the block has no length');
}
