import { SegctlError } from '../../segctl-error.ts';
import type { CompressionType } from '../record.ts';

/** One compression type: packs and unpacks the records section of a batch. */
export interface Codec {
  compress(records: Uint8Array): Uint8Array;
  /**
   * The unpacked bytes, which may share memory with the input for `none`. Never allocates for more
   * than `maxBytes` of output.
   *
   * @throws SegctlError `records-too-large` beyond maxBytes, `records-damaged` for anything that is
   * not a whole stream of this codec.
   */
  decompress(payload: Uint8Array, maxBytes: number): Uint8Array;
}

/** The codecs that were loaded; a type that is absent was not asked for. */
export type Codecs = Readonly<Partial<Record<CompressionType, Codec>>>;

/**
 * Loads the codecs of these types, each with the library that it needs and no other. Calls are
 * synchronous from then on: batches are small (1 MB at most by Kafka's default), and a trip through
 * the thread pool costs more than unpacking one.
 */
export async function loadCodecs(types: Iterable<CompressionType>): Promise<Codecs> {
  const codecs: Partial<Record<CompressionType, Codec>> = {};
  for (const type of new Set(types)) codecs[type] = await loadCodec(type);
  return codecs;
}

async function loadCodec(type: CompressionType): Promise<Codec> {
  switch (type) {
    case 'none':
      return { compress: (records) => records, decompress: checkedPlain };
    case 'gzip':
      return (await import('./gzip-codec.ts')).gzipCodec;
    case 'snappy':
      return (await import('./snappy-codec.ts')).snappyCodec;
    case 'lz4':
      return (await import('./lz4-codec.ts')).lz4Codec;
    case 'zstd':
      return (await import('./zstd-codec.ts')).loadZstdCodec();
  }
}

function checkedPlain(payload: Uint8Array, maxBytes: number): Uint8Array {
  if (payload.length > maxBytes) throw recordsTooLarge('none', maxBytes);
  return payload;
}

/** The codec of a type that `loadCodecs` was asked for; a RangeError is a caller's mistake. */
export function codecOf(codecs: Codecs, type: CompressionType): Codec {
  const codec = codecs[type];
  if (codec === undefined) throw new RangeError(`codec ${type} was not loaded`);
  return codec;
}

export function recordsTooLarge(type: CompressionType, maxBytes: number): SegctlError {
  return new SegctlError(`the records of a ${type} batch unpack to more than ${maxBytes} bytes`, {
    code: 'records-too-large',
    facts: { compression: type, maxUnpackedBytes: maxBytes },
    remedy: 'raise --max-unpacked if the data is trusted',
  });
}

export function recordsDamaged(
  type: CompressionType,
  reason: string,
  cause?: unknown,
): SegctlError {
  return new SegctlError(`the records of a batch are not whole ${type} data: ${reason}`, {
    code: 'records-damaged',
    facts: { compression: type, reason },
    cause,
  });
}
