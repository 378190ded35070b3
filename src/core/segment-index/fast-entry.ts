import type { FastRow, IndexColumns } from './index-columns.ts';

/**
 * Reads entries that are written exactly as serde_json's pretty printer writes them, by comparing
 * with what the key of their array predicts. It only ever says yes or "not here": whatever it does
 * not recognize is left to the general reader, so that both give the same rows.
 *
 *     {                                             literal 0 begins with the line break before it
 *       "segment_id": "orders-0-MIN-MAX",
 *       "topic": "orders",
 *       "partition": 0,
 *       "min_offset": N,
 *       ...
 *       "object_store_path": "PREFIXBASE-LAST.tar.gz",
 *       "size_bytes": N,
 *       "created_at": N,
 *       "compression": "snappy"
 *     }
 */
export interface FastTemplate {
  readonly literals: readonly Literal[];
  readonly topicId: number;
  readonly partition: number;
  readonly pathPrefixId: number;
  readonly compressionId: number;
  /** No entry of this shape is longer. */
  readonly maxBytes: number;
}

export interface TemplateInit {
  /** The array's key as it is spelled in the file. */
  readonly topic: string;
  readonly partition: number;
  readonly pathPrefix: string;
  readonly compression: string;
}

/** Bytes to compare with, as little-endian words and the up to three bytes after them. */
interface Literal {
  readonly length: number;
  readonly words: Int32Array;
  readonly rest: Uint8Array;
}

const MAX_DIGITS = 15;
const LOST = literalOf('-9223372036854775808');
/** The numbers of FastRow, after the two of the segment id. */
const ID_NUMBERS = 2;
const MAX_TIMESTAMP_NUMBER = 6;
const NUMBERS = 11;

/** Undefined where one of the texts would be written with an escape. */
export function fastTemplate(init: TemplateInit, columns: IndexColumns): FastTemplate | undefined {
  const { topic, partition, pathPrefix, compression } = init;
  if ([topic, pathPrefix, compression].some(needsEscape)) return undefined;
  const literals = [
    `\n    {\n      "segment_id": "${topic}-${partition}-`,
    '-',
    `",\n      "topic": "${topic}",\n      "partition": ${partition},\n      "min_offset": `,
    ',\n      "max_offset": ',
    ',\n      "record_count": ',
    ',\n      "min_timestamp": ',
    ',\n      "max_timestamp": ',
    `,\n      "object_store_path": "${pathPrefix}`,
    '-',
    '.tar.gz",\n      "size_bytes": ',
    ',\n      "created_at": ',
    `,\n      "compression": "${compression}"\n    }`,
  ].map(literalOf);
  return {
    literals,
    topicId: columns.topics.id(topic),
    partition,
    pathPrefixId: columns.pathPrefixes.id(pathPrefix),
    compressionId: columns.compressions.id(compression),
    maxBytes: literals.reduce((sum, literal) => sum + literal.length, 1) + NUMBERS * 20,
  };
}

function literalOf(text: string): Literal {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, i) =>
    view.getInt32(i * 4, true),
  );
  return { length: bytes.length, words, rest: bytes.subarray(words.length * 4) };
}

/** Reads runs of entries; one instance serves a whole file. */
export class FastEntryReader implements FastRow {
  byteStart = 0;
  byteEnd = 0;
  readonly numbers = new Float64Array(NUMBERS - ID_NUMBERS);
  topicId = 0;
  partition = 0;
  pathPrefixId = 0;
  compressionId = 0;
  readonly #all = new Float64Array(NUMBERS);
  readonly #columns: IndexColumns;

  constructor(columns: IndexColumns) {
    this.#columns = columns;
  }

  /**
   * Reads as many whole entries as stand at `from`, and gives the position after the last of them.
   * `first` says that an array has just begun, so that no comma comes before. `base` is the offset
   * in the file of the chunk's first byte.
   */
  run(
    chunk: Uint8Array,
    from: number,
    first: boolean,
    template: FastTemplate,
    base: number,
  ): number {
    this.topicId = template.topicId;
    this.partition = template.partition;
    this.pathPrefixId = template.pathPrefixId;
    this.compressionId = template.compressionId;
    const numbers = this.#all;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = from;
    let comma = !first;
    while (at + template.maxBytes <= chunk.length) {
      if (comma && chunk[at] !== 0x2c) break;
      const start = comma ? at + 1 : at;
      const end = readEntry(chunk, view, start, template.literals, numbers);
      if (end < 0) break;
      // The id was read first and has to agree with what the fields then said.
      if (numbers[0] !== numbers[2] || numbers[1] !== numbers[3]) break;
      // The literal begins with a line break and four spaces.
      this.byteStart = base + start + 5;
      this.byteEnd = base + end;
      for (let k = ID_NUMBERS; k < NUMBERS; k++) this.numbers[k - ID_NUMBERS] = numbers[k] ?? 0;
      this.#columns.appendFast(this, numbers[MAX_TIMESTAMP_NUMBER] === -1);
      at = end;
      comma = true;
    }
    return at;
  }
}

/** The position after the entry at `from`; -1 where there is none of the expected shape. */
function readEntry(
  chunk: Uint8Array,
  view: DataView,
  from: number,
  literals: readonly Literal[],
  numbers: Float64Array,
): number {
  let at = from;
  for (let k = 0; k < NUMBERS; k++) {
    const literal = literals[k];
    if (literal === undefined || !standsAt(view, at, literal)) return -1;
    at += literal.length;
    if (k === MAX_TIMESTAMP_NUMBER && standsAt(view, at, LOST)) {
      numbers[k] = -1;
      at += LOST.length;
    } else {
      at = readDigits(chunk, at, numbers, k);
      if (at < 0) return -1;
    }
  }
  const tail = literals[NUMBERS];
  return tail !== undefined && standsAt(view, at, tail) ? at + tail.length : -1;
}

/** Four bytes at a time: the comparison is most of the work. */
function standsAt(view: DataView, at: number, literal: Literal): boolean {
  const { words, rest } = literal;
  let position = at;
  for (let i = 0; i < words.length; i++) {
    if (view.getInt32(position, true) !== words[i]) return false;
    position += 4;
  }
  for (let i = 0; i < rest.length; i++) {
    if (view.getUint8(position + i) !== rest[i]) return false;
  }
  return true;
}

/** Reads 1 to 15 digits without a leading zero into `numbers[k]`; -1 for anything else. */
function readDigits(chunk: Uint8Array, from: number, numbers: Float64Array, k: number): number {
  let at = from;
  let value = 0;
  const limit = from + MAX_DIGITS + 1;
  while (at < limit) {
    const digit = (chunk[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    at++;
  }
  if (at === from || at === limit) return -1;
  if (chunk[from] === 0x30 && at > from + 1) return -1;
  numbers[k] = value;
  return at;
}

function needsEscape(text: string): boolean {
  return JSON.stringify(text).length !== text.length + 2;
}
