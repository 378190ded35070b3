import { type Codecs, codecOf } from './compression/codec.ts';
import { type BatchInfo, type EncodedBatch, malformed } from './decode-batch.ts';
import type { KafkaRecord, RecordHeader } from './record.ts';
import { VarintReader } from './varint.ts';

/** What one batch may unpack to unless told otherwise: far beyond any batch that brokers accept. */
export const DEFAULT_MAX_UNPACKED_BYTES = 256 * 1024 * 1024;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NO_HEADERS: readonly RecordHeader[] = [];
/** Length, attributes, two deltas, two lengths and a header count, each of a byte at least. */
const MIN_RECORD_BYTES = 7;

/**
 * The records section, unpacked. For an uncompressed batch it is a view of the bytes read.
 *
 * @throws SegctlError `records-too-large` beyond maxBytes, `records-damaged`.
 */
export function unpackRecords(
  { info, payload }: EncodedBatch,
  codecs: Codecs,
  maxBytes: number = DEFAULT_MAX_UNPACKED_BYTES,
): Uint8Array {
  if (info.compressionType === 'none') return payload;
  return codecOf(codecs, info.compressionType).decompress(payload, maxBytes);
}

/**
 * Reads a batch's records from its unpacked records section, one at a time. Keys and values are
 * views of that section. Under LogAppendTime each has the batch's max timestamp, as for any reader.
 *
 * @throws SegctlError `batch-malformed` where a length leads out of its record or a record out of
 * the section, where a header key is not UTF-8, and where bytes are left behind the last record.
 */
export function* readRecords(
  info: BatchInfo,
  section: Uint8Array,
): Generator<KafkaRecord, void, undefined> {
  if (info.recordCount > section.length / MIN_RECORD_BYTES) {
    throw malformed(
      info.position,
      `${section.length} bytes can't hold ${info.recordCount} records`,
    );
  }
  const reader = new RecordReader(info, section);
  for (let i = 0; i < info.recordCount; i++) yield reader.next(i);
  reader.expectEnd();
}

class RecordReader {
  readonly #info: BatchInfo;
  readonly #section: Uint8Array;
  #position = 0;

  constructor(info: BatchInfo, section: Uint8Array) {
    this.#info = info;
    this.#section = section;
  }

  next(index: number): KafkaRecord {
    const { bytes, cursor } = this.#body(index);
    const attributes = ((bytes[cursor.position++] ?? 0) << 24) >> 24;
    const timestampDelta = cursor.varlong() ?? this.#fail(index, 'timestamp delta');
    const offsetDelta = cursor.varint() ?? this.#fail(index, 'offset delta');
    const key = this.#bytes(cursor, index, 'key');
    const value = this.#bytes(cursor, index, 'value');
    const headers = this.#headers(cursor, index);
    if (cursor.position !== cursor.end) this.#fail(index, 'length');
    this.#position = cursor.end;
    const { baseOffset, baseTimestamp, maxTimestamp, timestampType } = this.#info;
    return {
      offset: baseOffset + BigInt(offsetDelta),
      timestamp:
        timestampType === 'LogAppendTime'
          ? maxTimestamp
          : BigInt.asIntN(64, baseTimestamp + timestampDelta),
      key,
      value,
      headers,
      attributes,
    };
  }

  expectEnd(): void {
    const leftBytes = this.#section.length - this.#position;
    if (leftBytes > 0) {
      throw malformed(this.#info.position, `${leftBytes} bytes follow its last record`);
    }
  }

  /** A cursor over the body of the record at the position, after checking that it is all there. */
  #body(index: number): { bytes: Uint8Array; cursor: VarintReader } {
    const lengthReader = new VarintReader(this.#section, this.#position, this.#section.length);
    const length = lengthReader.varint() ?? this.#fail(index, 'length');
    const start = lengthReader.position;
    if (length < MIN_RECORD_BYTES - 1 || length > this.#section.length - start) {
      this.#fail(index, 'length');
    }
    return {
      bytes: this.#section,
      cursor: new VarintReader(this.#section, start, start + length),
    };
  }

  #bytes(cursor: VarintReader, index: number, what: string): Uint8Array | null {
    const length = cursor.varint() ?? this.#fail(index, `${what} length`);
    if (length === -1) return null;
    if (length < 0 || length > cursor.end - cursor.position) this.#fail(index, `${what} length`);
    const start = cursor.position;
    cursor.position += length;
    return this.#section.subarray(start, cursor.position);
  }

  #headers(cursor: VarintReader, index: number): readonly RecordHeader[] {
    const count = cursor.varint() ?? this.#fail(index, 'header count');
    if (count === 0) return NO_HEADERS;
    // Each takes two bytes at least, so a count that leads out of the record ends before it costs.
    if (count < 0 || count > (cursor.end - cursor.position) / 2) this.#fail(index, 'header count');
    const headers: RecordHeader[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#bytes(cursor, index, 'header key') ?? this.#fail(index, 'header key');
      headers.push({
        key: this.#text(key, index),
        value: this.#bytes(cursor, index, 'header value'),
      });
    }
    return headers;
  }

  #text(bytes: Uint8Array, index: number): string {
    try {
      return decoder.decode(bytes);
    } catch {
      return this.#fail(index, 'header key');
    }
  }

  #fail(index: number, what: string): never {
    throw malformed(this.#info.position, `the ${what} of its record ${index} can't be`);
  }
}
