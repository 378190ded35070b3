import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { type Codec, recordsDamaged, recordsTooLarge } from './codec.ts';

/**
 * LZ4 frames (lz4_Frame_format.md 1.6.1), the only LZ4 in magic 2 batches (KIP-57).
 *
 * ```
 * Frame => Magic uint32 LE 0x184D2204, FLG, BD, [ContentSize uint64], [DictionaryId uint32],
 *          HeaderChecksum uint8, Block*, EndMark uint32 0, [ContentChecksum uint32]
 * Block => Size uint32 LE (bit 31: stored as it is), bytes, [BlockChecksum uint32]
 *
 * FLG: 7-6 version 01 | 5 independent blocks | 4 block checksums | 3 content size
 *      2 content checksum | 0 dictionary id         BD: 6-4 largest block: 4..7 = 64 KiB..4 MiB
 * ```
 *
 * The library has no limit on its output, so the frame is measured before it is unpacked.
 */
const FRAME_MAGIC = 0x184d2204;
const STORED_BIT = 0x80_00_00_00;
/** A sequence grows its length by at most 255 a byte. */
const MAX_EXPANSION = 255;

interface Lz4Block {
  readonly start: number;
  readonly end: number;
  readonly isStored: boolean;
}

export const lz4Codec: Codec = {
  compress: (records) => compressFrameSync(asBuffer(records)),
  decompress(payload, maxBytes) {
    const { blocks, maxBlockBytes } = readFrame(payload);
    if (!fits(payload, blocks, maxBlockBytes, maxBytes)) throw recordsTooLarge('lz4', maxBytes);
    try {
      return decompressFrameSync(asBuffer(payload));
    } catch (cause) {
      throw recordsDamaged('lz4', cause instanceof Error ? cause.message : 'unreadable', cause);
    }
  },
};

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The frame's blocks; throws unless the payload is exactly one frame. */
function readFrame(payload: Uint8Array): { blocks: Lz4Block[]; maxBlockBytes: number } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload.length < 7 || view.getUint32(0, true) !== FRAME_MAGIC) {
    throw recordsDamaged('lz4', 'no frame header');
  }
  const flags = view.getUint8(4);
  const sizeCode = (view.getUint8(5) >> 4) & 0x07;
  if (flags >> 6 !== 1 || sizeCode < 4) throw recordsDamaged('lz4', 'unknown frame version');
  const blockTailBytes = flags & 0x10 ? 4 : 0;
  const frameTailBytes = flags & 0x04 ? 4 : 0;
  const maxBlockBytes = 1 << (8 + 2 * sizeCode);
  const blocks: Lz4Block[] = [];
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  for (;;) {
    if (at + 4 > payload.length) throw recordsDamaged('lz4', 'the frame is cut short');
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const length = word % STORED_BIT;
    if (length > maxBlockBytes || length > payload.length - at) {
      throw recordsDamaged('lz4', 'a block is longer than it may be');
    }
    blocks.push({ start: at, end: at + length, isStored: word >= STORED_BIT });
    at += length + blockTailBytes;
  }
  if (at + frameTailBytes !== payload.length) {
    throw recordsDamaged('lz4', 'the frame does not end where the batch ends');
  }
  return { blocks, maxBlockBytes };
}

/** Whether the frame unpacks to maxBytes at most: by its shape alone where that is enough. */
function fits(
  payload: Uint8Array,
  blocks: readonly Lz4Block[],
  maxBlockBytes: number,
  maxBytes: number,
): boolean {
  let ceiling = 0;
  for (const { start, end, isStored } of blocks) {
    const length = end - start;
    ceiling += isStored ? length : Math.min(maxBlockBytes, length * MAX_EXPANSION);
  }
  if (ceiling <= maxBytes) return true;
  let unpackedBytes = 0;
  for (const block of blocks) {
    unpackedBytes += block.isStored ? block.end - block.start : measureBlock(payload, block);
    if (unpackedBytes > maxBytes) return false;
  }
  return true;
}

/** Unpacked size of a block, by adding up its sequences' lengths without copying a byte. */
function measureBlock(payload: Uint8Array, { start, end }: Lz4Block): number {
  let at = start;
  let size = 0;
  const readLength = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) {
      let byte = 255;
      while (byte === 255 && at < end) {
        byte = payload[at++] ?? 0;
        length += byte;
      }
    }
    return length;
  };
  while (at < end) {
    const token = payload[at++] ?? 0;
    const literals = readLength(token >> 4);
    at += literals;
    size += literals;
    // The last sequence has no match.
    if (at >= end) break;
    at += 2;
    size += readLength(token & 0x0f) + 4;
  }
  return size;
}
