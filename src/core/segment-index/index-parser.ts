import { ArraySkipper } from './array-skipper.ts';
import { EntryBuilder, expectKind, kindText } from './entry-builder.ts';
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

export interface IndexParserOptions {
  /** Rows to make room for at once. */
  readonly rowsHint?: number;
  readonly filter?: PartitionFilter | undefined;
  /** False has skipped arrays read for syntax, value by value; see ArraySkipper. */
  readonly skipByBrackets?: boolean;
}

/** Data folder part of Chronik's path, before anything is known: the server's default. */
const DEFAULT_DATA_DIR = './data/';

/** Reads an index from chunks of bytes into columns. Errors are JsonFault; `jsonPath` says where. */
export class IndexParser implements JsonHandler {
  readonly #columns: IndexColumns;
  readonly #keys: IndexKey[] = [];
  readonly #machine = new JsonMachine(this);
  readonly #entry = new EntryBuilder();
  readonly #fast: FastEntryReader;
  readonly #skipper = new ArraySkipper();
  readonly #filter: PartitionFilter | undefined;
  readonly #skipByBrackets: boolean;
  /** 0 before the document, 1 among keys, 2 in an array, 3 in an entry. */
  #level = 0;
  #keyText = '';
  #key: IndexKey | undefined;
  #template: FastTemplate | undefined;
  #dataDir = DEFAULT_DATA_DIR;
  #compression = 'snappy';
  #openingBrace = 0;
  #closingBrace = 0;

  constructor(options: IndexParserOptions = {}) {
    this.#columns = new IndexColumns(options.rowsHint);
    this.#fast = new FastEntryReader(this.#columns);
    this.#filter = options.filter;
    this.#skipByBrackets = options.skipByBrackets ?? true;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skipper.active) at = this.#skip(chunk, at);
      else if (this.#template !== undefined) at = this.#fastRun(chunk, at, this.#template);
      if (at < chunk.length && !this.#skipper.active) at = this.#machine.push(chunk, at);
    }
    this.#skipper.keepTail(chunk);
  }

  finish(): ParsedIndex {
    this.#machine.finish();
    return {
      columns: this.#columns,
      keys: this.#keys,
      openingBrace: this.#openingBrace,
      closingBrace: this.#closingBrace,
    };
  }

  /** Where the parser stands, e.g. `$["orders-0"][3].max_offset`. */
  get jsonPath(): string {
    const inKey = this.#level >= 2 || this.#keyText !== '';
    const key = inKey ? `$[${JSON.stringify(this.#keyText)}]` : '$';
    if (this.#level < 2) return key;
    const position = `[${this.#columns.length - (this.#key?.firstRow ?? 0)}]`;
    return key + position + (this.#level < 3 ? '' : this.#entry.fieldPath);
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
        this.#level = 3;
        this.#entry.begin(kind === 'array', at);
        return true;
      default:
        return this.#entry.beginValue(kind, at);
    }
  }

  key(text: TextBuffer, at: number): void {
    if (this.#level === 1) this.#keyText = text.toString();
    else this.#entry.key(text, at);
  }

  scalar(_kind: JsonKind, text: TextBuffer, at: number): void {
    this.#entry.value(text, at);
  }

  ignored(end: number): void {
    if (this.#level === 3) this.#entry.endValue();
    else this.#endArray(end);
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
      firstRow: this.#columns.length,
      rowCount: 0,
      skipped,
    };
    this.#keys.push(this.#key);
    if (skipped && !this.#skipByBrackets) return false;
    this.#level = 2;
    if (skipped) this.#skipper.begin(at);
    else this.#predict(partition);
    this.#machine.pause = true;
    return true;
  }

  #endArray(end: number): void {
    const key = this.#key;
    if (key === undefined) return;
    key.arrayEnd = end;
    key.rowCount = this.#columns.length - key.firstRow;
    this.#template = undefined;
    this.#keyText = '';
  }

  #endEntry(end: number): void {
    const entry = this.#entry.finish(end);
    const { start: byteStart, unknownFields } = this.#entry;
    const row = this.#columns.append(entry, { byteStart, byteEnd: end, unknownFields });
    this.#learn(row, entry.compression);
    this.#machine.pause = true;
  }

  /** Takes the data folder and codec of an entry as the prediction for the ones after it. */
  #learn(row: number, compression: string): void {
    const partition = this.#key?.partition;
    const prefixId = this.#columns.pathPrefixId(row);
    if (partition === undefined || prefixId === undefined) return;
    if (prefixId === this.#template?.pathPrefixId && compression === this.#compression) return;
    const prefix = this.#columns.pathPrefixes.text(prefixId);
    const rest = archiveFolder(partition);
    if (!prefix.endsWith(rest)) return;
    this.#dataDir = prefix.slice(0, -rest.length);
    this.#compression = compression;
    this.#predict(partition);
  }

  #predict(partition: TopicPartition | undefined): void {
    this.#template = undefined;
    if (partition === undefined) return;
    if (formatPartitionKey(partition.topic, partition.partition) !== this.#keyText) return;
    const pathPrefix = this.#dataDir + archiveFolder(partition);
    const init = { ...partition, pathPrefix, compression: this.#compression };
    this.#template = fastTemplate(init, this.#columns);
  }

  #fastRun(chunk: Uint8Array, from: number, template: FastTemplate): number {
    const machine = this.#machine;
    const first = machine.beforeFirstElement(2);
    if (!first && !machine.afterElement(2)) return from;
    const end = this.#fast.run(chunk, from, first, template, machine.offset - from);
    if (end > from) machine.elementsRead(end - from);
    return end;
  }

  #skip(chunk: Uint8Array, from: number): number {
    const machine = this.#machine;
    const end = this.#skipper.skip(chunk, from, machine.offset - from);
    if (this.#skipper.active) machine.skipped(end - from);
    else machine.arraySkipped(end - from);
    return end;
  }
}

/** Chronik's object key between the data folder and the offsets. */
function archiveFolder({ topic, partition }: TopicPartition): string {
  return `tantivy_indexes/${topic}/partition-${partition}/segment-`;
}
