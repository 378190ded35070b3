import { ENTRY_FIELDS, EXPECTED, FIELD, INTEGER_RANGES } from './entry-fields.ts';
import { FastEntryReader, type FastTemplate, fastTemplate } from './fast-entry.ts';
import { IndexColumns } from './index-columns.ts';
import { JsonFault } from './json-fault.ts';
import { type JsonHandler, type JsonKind, JsonMachine } from './json-machine.ts';
import type { TextBuffer } from './json-text.ts';
import { formatPartitionKey, parsePartitionKey, type TopicPartition } from './partition-key.ts';

/** One key of the file with its array, in file order. */
export interface IndexKey {
  /** The key as text, escapes resolved. */
  readonly text: string;
  /** Undefined where the server skips the key. */
  readonly partition: TopicPartition | undefined;
  /** Offset of the array's '[' in the file. */
  readonly arrayStart: number;
  /** Offset after the array's ']'. */
  arrayEnd: number;
  readonly firstRow: number;
  /** Rows firstRow to firstRow + rowCount - 1 are the array's elements in order. */
  rowCount: number;
  /** True where a filter left the array's elements out. */
  readonly skipped: boolean;
}

export interface ParsedIndex {
  readonly columns: IndexColumns;
  readonly keys: readonly IndexKey[];
  /** Offsets of the document's braces. */
  readonly openingBrace: number;
  readonly closingBrace: number;
}

/** Says which partitions to keep; keys that the server skips are asked for as undefined. */
export type PartitionFilter = (partition: TopicPartition | undefined) => boolean;

/** Thrown where a skipped array can't be skipped by its brackets alone; see `#skip`. */
export class SkipUncertain extends Error {}

const UNKNOWN_FIELD = -1;
const FIELD_NAMES = ENTRY_FIELDS.map((field) => new TextEncoder().encode(field.name));
const FIELD_NUMBERS: ReadonlyMap<string, number> = new Map(
  ENTRY_FIELDS.map((field, number) => [field.name, number]),
);
/** Data folder part of Chronik's path, before anything is known: the server's default. */
const DEFAULT_DATA_DIR = './data/';

/** Reads an index from chunks of bytes into columns. Errors are JsonFault; `jsonPath` says where. */
export class IndexParser implements JsonHandler {
  readonly columns: IndexColumns;
  readonly keys: IndexKey[] = [];
  readonly #machine = new JsonMachine(this);
  readonly #fast: FastEntryReader;
  readonly #filter: PartitionFilter | undefined;
  readonly #skipByBrackets: boolean;
  /** 0 before the document, 1 among keys, 2 in an array, 3 in an entry. */
  #level = 0;
  #keyText = '';
  #key: IndexKey | undefined;
  #skipping = false;
  #template: FastTemplate | undefined;
  #dataDir = DEFAULT_DATA_DIR;
  #compression = 'snappy';
  /** The last three bytes before the present chunk. */
  #tail = new Uint8Array(3);
  #openingBrace = 0;
  #closingBrace = 0;
  // The entry under way:
  #entryStart = 0;
  #asSequence = false;
  #field = UNKNOWN_FIELD;
  /** Between a field's name and the end of its value. */
  #inField = false;
  #lastField = UNKNOWN_FIELD;
  #seen = 0;
  #strings: string[] = [];
  #integers: bigint[] = [];
  #unknown: string[] = [];

  /** `skipByBrackets` false has skipped arrays read for syntax, value by value. */
  constructor(
    options: {
      rowsHint?: number;
      filter?: PartitionFilter | undefined;
      skipByBrackets?: boolean;
    } = {},
  ) {
    this.columns = new IndexColumns(options.rowsHint);
    this.#fast = new FastEntryReader(this.columns);
    this.#filter = options.filter;
    this.#skipByBrackets = options.skipByBrackets ?? true;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const before = at;
      if (this.#skipping) at = this.#skip(chunk, at);
      else if (this.#template !== undefined) at = this.#fastRun(chunk, at, this.#template);
      if (at < chunk.length && !this.#skipping) at = this.#machine.push(chunk, at);
      if (at === before) throw new Error('the index parser made no progress');
    }
    this.#keepTail(chunk);
  }

  finish(): ParsedIndex {
    this.#machine.finish();
    return {
      columns: this.columns,
      keys: this.keys,
      openingBrace: this.#openingBrace,
      closingBrace: this.#closingBrace,
    };
  }

  /** Where the parser stands, as a JSON path. */
  get jsonPath(): string {
    let path = '$';
    if (this.#level >= 2 || this.#keyText !== '') path += `[${JSON.stringify(this.#keyText)}]`;
    if (this.#level < 2) return path;
    const key = this.#key;
    path += `[${this.columns.length - (key?.firstRow ?? 0)}]`;
    if (this.#level < 3) return path;
    if (this.#asSequence) return `${path}[${this.#field}]`;
    const name = this.#fieldName();
    if (name === undefined) return path;
    return (
      path + (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`)
    );
  }

  begin(kind: JsonKind, at: number): boolean {
    switch (this.#level) {
      case 0:
        expectKind(kind, 'object', 'an object of "topic-partition": [entries]', at);
        this.#openingBrace = at;
        this.#level = 1;
        return true;
      case 1:
        expectKind(kind, 'array', 'an array of entries', at);
        return this.#beginArray(at);
      case 2:
        if (kind !== 'object' && kind !== 'array') {
          throw new JsonFault(at, 'an entry (an object)', kindText(kind));
        }
        this.#beginEntry(kind === 'array', at);
        return true;
      default:
        return this.#beginField(kind, at);
    }
  }

  key(text: TextBuffer, at: number): void {
    if (this.#level === 1) {
      this.#keyText = text.toString();
      return;
    }
    this.#inField = true;
    // Mostly a field follows the one that the server writes before it.
    const next = this.#lastField + 1;
    const expected = FIELD_NAMES[next];
    if (expected !== undefined && text.equals(expected)) this.#field = next;
    else this.#field = FIELD_NUMBERS.get(text.toString()) ?? UNKNOWN_FIELD;
    if (this.#field === UNKNOWN_FIELD) {
      this.#unknown.push(text.toString());
      return;
    }
    this.#lastField = this.#field;
    if ((this.#seen & (1 << this.#field)) !== 0) {
      const name = ENTRY_FIELDS[this.#field]?.name;
      throw new JsonFault(at, 'each known field once', `"${name}" a second time`);
    }
  }

  scalar(_kind: JsonKind, text: TextBuffer, at: number): void {
    const field = ENTRY_FIELDS[this.#field];
    if (field === undefined) return;
    if (field.type === 'string') this.#strings[this.#field] = text.toString();
    else {
      const small = text.smallInteger();
      this.#integers[this.#field] =
        small === undefined || field.type === 'i32'
          ? parseInteger(text.toString(), field.type, at)
          : BigInt(small);
    }
    this.#fieldDone();
  }

  ignored(end: number): void {
    if (this.#level === 3) this.#fieldDone();
    else if (this.#level === 1) this.#endArray(end);
  }

  close(end: number): void {
    if (this.#level === 3) this.#endEntry(end);
    else if (this.#level === 2) this.#endArray(end);
    else this.#closingBrace = end - 1;
    this.#level--;
  }

  #beginArray(at: number): boolean {
    const partition = parsePartitionKey(this.#keyText);
    const skipped = this.#filter !== undefined && !this.#filter(partition);
    this.#key = {
      text: this.#keyText,
      partition,
      arrayStart: at,
      arrayEnd: 0,
      firstRow: this.columns.length,
      rowCount: 0,
      skipped,
    };
    this.keys.push(this.#key);
    if (skipped && !this.#skipByBrackets) return false;
    this.#level = 2;
    this.#skipping = skipped;
    this.#machine.pause = true;
    if (!skipped) this.#predict(partition);
    return true;
  }

  #endArray(end: number): void {
    const key = this.#key;
    if (key === undefined) return;
    key.arrayEnd = end;
    key.rowCount = this.columns.length - key.firstRow;
    this.#template = undefined;
    this.#keyText = '';
  }

  #beginEntry(asSequence: boolean, at: number): void {
    this.#level = 3;
    this.#entryStart = at;
    this.#asSequence = asSequence;
    this.#field = asSequence ? 0 : UNKNOWN_FIELD;
    this.#lastField = UNKNOWN_FIELD;
    this.#inField = asSequence;
    this.#seen = 0;
    this.#unknown = [];
  }

  #beginField(kind: JsonKind, at: number): boolean {
    if (this.#field === UNKNOWN_FIELD) return false;
    const field = ENTRY_FIELDS[this.#field];
    if (field === undefined) {
      throw new JsonFault(at, `the end of an entry of ${ENTRY_FIELDS.length} values`, 'one more');
    }
    expectKind(kind, field.type === 'string' ? 'string' : 'number', EXPECTED[field.type], at);
    return true;
  }

  #fieldDone(): void {
    if (this.#field !== UNKNOWN_FIELD) this.#seen |= 1 << this.#field;
    if (this.#asSequence) this.#field++;
    else this.#inField = false;
  }

  #fieldName(): string | undefined {
    if (!this.#inField) return undefined;
    return this.#field === UNKNOWN_FIELD ? this.#unknown.at(-1) : ENTRY_FIELDS[this.#field]?.name;
  }

  #endEntry(end: number): void {
    const missing = ENTRY_FIELDS.find((_, number) => (this.#seen & (1 << number)) === 0);
    if (missing !== undefined) {
      throw new JsonFault(end - 1, `the field "${missing.name}"`, 'the end of the entry');
    }
    const row = this.columns.append(
      {
        segmentId: this.#text(FIELD.segmentId),
        topic: this.#text(FIELD.topic),
        partition: Number(this.#integer(FIELD.partition)),
        minOffset: this.#integer(FIELD.minOffset),
        maxOffset: this.#integer(FIELD.maxOffset),
        recordCount: this.#integer(FIELD.recordCount),
        minTimestamp: this.#integer(FIELD.minTimestamp),
        maxTimestamp: this.#integer(FIELD.maxTimestamp),
        objectStorePath: this.#text(FIELD.objectStorePath),
        sizeBytes: this.#integer(FIELD.sizeBytes),
        createdAtSeconds: this.#integer(FIELD.createdAt),
        compression: this.#text(FIELD.compression),
      },
      { byteStart: this.#entryStart, byteEnd: end, unknownFields: this.#unknown },
    );
    this.#learn(row);
    this.#machine.pause = true;
  }

  #text(field: number): string {
    return this.#strings[field] ?? '';
  }

  #integer(field: number): bigint {
    return this.#integers[field] ?? 0n;
  }

  /** Takes the data folder and codec of an entry as the prediction for the ones after it. */
  #learn(row: number): void {
    const partition = this.#key?.partition;
    const prefixId = this.columns.pathPrefixId(row);
    if (partition === undefined || prefixId === undefined) return;
    if (prefixId === this.#template?.pathPrefixId) return;
    const prefix = this.columns.pathPrefixes.text(prefixId);
    const rest = archiveFolder(partition);
    if (!prefix.endsWith(rest)) return;
    this.#dataDir = prefix.slice(0, -rest.length);
    this.#compression = this.#text(FIELD.compression);
    this.#predict(partition);
  }

  #predict(partition: TopicPartition | undefined): void {
    this.#template = undefined;
    if (partition === undefined) return;
    if (formatPartitionKey(partition.topic, partition.partition) !== this.#keyText) return;
    const pathPrefix = this.#dataDir + archiveFolder(partition);
    const init = { ...partition, pathPrefix, compression: this.#compression };
    this.#template = fastTemplate(init, this.columns);
  }

  #fastRun(chunk: Uint8Array, from: number, template: FastTemplate): number {
    const machine = this.#machine;
    const first = machine.beforeFirstElement(2);
    if (!first && !machine.afterElement(2)) return from;
    const end = this.#fast.run(chunk, from, first, template, machine.offset - from);
    if (end > from) machine.elementsRead(end - from);
    return end;
  }

  /**
   * Skips an array by its brackets, at the speed of a memory search. The first bracket after '[' is
   * its end if it is a ']' that a line break and two spaces come before: a line break can't stand in
   * a JSON string, so it is no text, and without another '[' between nothing else can be closed.
   * That holds for every valid file, whatever its formatting; where it doesn't decide, the file is
   * read again value by value.
   */
  #skip(chunk: Uint8Array, from: number): number {
    const close = chunk.indexOf(0x5d, from);
    const open = chunk.subarray(from, close < 0 ? chunk.length : close).indexOf(0x5b);
    if (open >= 0) throw new SkipUncertain();
    if (close < 0) {
      this.#machine.skipped(chunk.length - from);
      return chunk.length;
    }
    const base = this.#machine.offset - from;
    const empty = base + close === (this.#key?.arrayStart ?? 0) + 1;
    if (!empty && !this.#isOwnLine(chunk, close)) throw new SkipUncertain();
    this.#skipping = false;
    this.#machine.arraySkipped(close + 1 - from);
    return close + 1;
  }

  #isOwnLine(chunk: Uint8Array, close: number): boolean {
    const before = (back: number) =>
      close >= back ? chunk[close - back] : this.#tail[3 + close - back];
    return before(1) === 0x20 && before(2) === 0x20 && before(3) === 0x0a;
  }

  #keepTail(chunk: Uint8Array): void {
    const joined = [...this.#tail, ...chunk.subarray(-3)];
    this.#tail.set(joined.slice(-3));
  }
}

/** Chronik's object key between the data folder and the offsets. */
function archiveFolder({ topic, partition }: TopicPartition): string {
  return `tantivy_indexes/${topic}/partition-${partition}/segment-`;
}

function expectKind(kind: JsonKind, wanted: JsonKind, expected: string, at: number): void {
  if (kind !== wanted) throw new JsonFault(at, expected, kindText(kind));
}

function kindText(kind: JsonKind): string {
  return kind === 'object' || kind === 'array' ? `an ${kind}` : scalarText(kind);
}

function scalarText(kind: JsonKind): string {
  return kind === 'string' || kind === 'number' ? `a ${kind}` : kind;
}

/**
 * serde takes an integer only as plain digits: `1.0` and `1e3` are floats to it, and so is `-0`.
 */
function parseInteger(text: string, type: 'i32' | 'i64' | 'u64', at: number): bigint {
  const plain = /^-?[0-9]+$/.test(text) && text !== '-0';
  // The longest value in range has 20 characters.
  const value = plain && text.length <= 20 ? BigInt(text) : undefined;
  const { min, max } = INTEGER_RANGES[type];
  if (value === undefined || value < min || value > max) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
    throw new JsonFault(at, EXPECTED[type], shown);
  }
  return value;
}
