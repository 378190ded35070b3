import { type Codec, recordsDamaged, recordsTooLarge } from './codec.ts';

/**
 * Zstandard frames (RFC 8878 section 3.1).
 *
 * ```
 * Frame => Magic uint32 LE 0xFD2FB528, Descriptor, [WindowDescriptor], [DictionaryId 1, 2 or 4],
 *          [ContentSize 1, 2, 4 or 8], Block*, [Checksum uint32]
 * Block => Header uint24 LE (bit 0 last, 1-2 type, 3-23 size), bytes
 *
 * Descriptor: 7-6 width of ContentSize | 5 single segment | 2 checksum | 1-0 width of DictionaryId
 * ```
 *
 * Java and librdkafka write streams whose frames don't tell their content size, and the library
 * unpacks one frame into a buffer of a size given beforehand. So frames are walked here first: each
 * block's header bounds what it unpacks to, which gives an upper bound without unpacking anything.
 */
const FRAME_MAGIC = 0xfd2fb528;
/** Magics 0x184D2A50..5F are skippable frames: a length and that many bytes of anything. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_RLE = 1;
const BLOCK_COMPRESSED = 2;

interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** What the header tells, if it does. */
  readonly declaredBytes: number | null;
  /** What its blocks can hold at most. */
  readonly ceilingBytes: number;
}

/** Level 3 is zstd's and Kafka's default. */
const LEVEL = 3;
/** The module's memory ends at 2 GiB, and holds the input too. */
const MAX_UNPACKED_BYTES = 2 ** 30;

let loading: Promise<Codec> | undefined;

/** The codec, after the WebAssembly module was instantiated, which happens once a process. */
export function loadZstdCodec(): Promise<Codec> {
  loading ??= instantiate();
  return loading;
}

async function instantiate(): Promise<Codec> {
  const zstd = await import('@bokuweb/zstd-wasm');
  await zstd.init();
  return {
    compress: (records) => zstd.compress(records, LEVEL),
    decompress(payload, limitBytes) {
      const maxBytes = Math.min(limitBytes, MAX_UNPACKED_BYTES);
      const parts: Uint8Array[] = [];
      let unpackedBytes = 0;
      for (const frame of readFrames(payload)) {
        const leftBytes = maxBytes - unpackedBytes;
        const part = unpackFrame(zstd.decompress, payload, frame, leftBytes, maxBytes);
        unpackedBytes += part.length;
        parts.push(part);
      }
      return parts.length === 1 ? (parts[0] ?? new Uint8Array()) : Buffer.concat(parts);
    },
  };
}

type ZstdDecompress = (bytes: Uint8Array, options: { defaultHeapSize: number }) => Uint8Array;

/** ZSTD_error_dstSize_tooSmall of zstd_errors.h, as the library puts it into its message. */
const TOO_SMALL = /code -70$/;

function unpackFrame(
  decompress: ZstdDecompress,
  payload: Uint8Array,
  frame: ZstdFrame,
  leftBytes: number,
  maxBytes: number,
): Uint8Array {
  if (frame.declaredBytes !== null && frame.declaredBytes > leftBytes) {
    throw recordsTooLarge('zstd', maxBytes);
  }
  // A malloc of 0 bytes may give no buffer at all.
  const room = Math.max(1, Math.min(frame.ceilingBytes, leftBytes));
  try {
    return decompress(payload.subarray(frame.start, frame.end), { defaultHeapSize: room });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'unreadable';
    if (TOO_SMALL.test(message) && room < frame.ceilingBytes) {
      throw recordsTooLarge('zstd', maxBytes);
    }
    throw recordsDamaged('zstd', message, cause);
  }
}

/** The data frames of a payload, in order; throws unless frames are all there is in it. */
function readFrames(payload: Uint8Array): ZstdFrame[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const frames: ZstdFrame[] = [];
  let at = 0;
  while (at < payload.length) {
    if (at + 8 > payload.length) throw recordsDamaged('zstd', 'a frame is cut short');
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      at += 8 + view.getUint32(at + 4, true);
    } else if (magic === FRAME_MAGIC) {
      const frame = readFrame(view, at);
      frames.push(frame);
      at = frame.end;
    } else {
      throw recordsDamaged('zstd', 'no frame header');
    }
    if (at > payload.length) throw recordsDamaged('zstd', 'a frame is cut short');
  }
  if (frames.length === 0) throw recordsDamaged('zstd', 'no frame');
  return frames;
}

function readFrame(view: DataView, start: number): ZstdFrame {
  const descriptor = view.getUint8(start + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeAt = start + 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 0x03] ?? 0);
  const sizeCode = descriptor >> 6;
  const sizeBytes = sizeCode === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeCode;
  let at = sizeAt + sizeBytes;
  if (at > view.byteLength) throw recordsDamaged('zstd', 'a frame header is cut short');
  const declaredBytes = readContentSize(view, sizeAt, sizeBytes);
  let ceilingBytes = 0;
  for (let isLast = false; !isLast; ) {
    if (at + 3 > view.byteLength) throw recordsDamaged('zstd', 'a block header is cut short');
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    at += 3;
    isLast = (header & 1) === 1;
    const type = (header >> 1) & 0x03;
    const size = header >>> 3;
    if (type > BLOCK_COMPRESSED) throw recordsDamaged('zstd', 'unknown block type');
    if (size > MAX_BLOCK_BYTES) throw recordsDamaged('zstd', 'a block is longer than it may be');
    ceilingBytes += type === BLOCK_COMPRESSED ? MAX_BLOCK_BYTES : size;
    at += type === BLOCK_RLE ? 1 : size;
  }
  if (declaredBytes !== null && declaredBytes > ceilingBytes) {
    throw recordsDamaged('zstd', `its blocks can't hold the declared ${declaredBytes} bytes`);
  }
  const end = at + (descriptor & 0x04 ? 4 : 0);
  return { start, end, declaredBytes, ceilingBytes };
}

/** The frame's content size, null where it tells none; the 2-byte form counts from 256. */
function readContentSize(view: DataView, at: number, bytes: number): number | null {
  switch (bytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    case 8:
      return Number(view.getBigUint64(at, true));
    default:
      return null;
  }
}
