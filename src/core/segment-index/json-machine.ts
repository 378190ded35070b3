import { byteFault, JsonFault } from './json-fault.ts';
import { JsonNumberReader } from './json-number.ts';
import { JsonStringReader } from './json-string.ts';
import { TextBuffer } from './json-text.ts';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

/**
 * Takes the values of a document in order. Offsets count bytes from the start of the document. A
 * text is valid during the call only.
 */
export interface JsonHandler {
  /**
   * A value begins. True to take it (its members, or its text by `scalar`), false to have it checked
   * for syntax alone; then `ignored` follows.
   */
  begin(kind: JsonKind, at: number): boolean;
  key(text: TextBuffer, at: number): void;
  /** A string without quotes and escapes, a number as it is spelled, or a literal's name. */
  scalar(kind: JsonKind, text: TextBuffer, at: number): void;
  /** An object or array that was taken ends; `end` is the offset after its bracket. */
  close(end: number): void;
  /** A value that was not taken ends; `end` is exact for objects and arrays. */
  ignored(end: number): void;
}

type State =
  | 'value'
  | 'firstElement'
  | 'firstKey'
  | 'key'
  | 'colon'
  | 'next'
  | 'keyString'
  | 'string'
  | 'number'
  | 'literal'
  | 'end';

const QUOTE = 0x22;

/**
 * A JSON (RFC 8259) reader that is fed bytes in chunks of any size and keeps nothing but its state:
 * one bit a level of depth, and the text of the string or number under way if it was asked for.
 * Strict as serde_json is: UTF-8 only, no control characters in strings, no lone surrogates in what
 * is taken. Depth is bounded by memory alone, as serde_json's is for values that it ignores.
 */
export class JsonMachine {
  /** Offset in the document of the next byte to be pushed. */
  offset = 0;
  /** Set by a handler: push returns after the byte that is being worked on. */
  pause = false;

  readonly #handler: JsonHandler;
  readonly #text = new TextBuffer();
  readonly #strings = new JsonStringReader(this.#text);
  readonly #numbers = new JsonNumberReader(this.#text);
  #state: State = 'value';
  #depth = 0;
  /** Bit d is 1 where the container at depth d + 1 is an array. */
  #arrays = new Uint8Array(16);
  /** The depth at which an ignored container stands; -1 while values are taken. */
  #ignoreDepth = -1;
  #kind: JsonKind = 'null';
  #taken = false;
  #tokenStart = 0;
  #literal = '';
  #literalAt = 0;

  constructor(handler: JsonHandler) {
    this.#handler = handler;
  }

  /** True between the elements of an array at `depth`, before the comma or the bracket. */
  afterElement(depth: number): boolean {
    return this.#state === 'next' && this.#depth === depth;
  }

  /** True after the '[' of an array at `depth`. */
  beforeFirstElement(depth: number): boolean {
    return this.#state === 'firstElement' && this.#depth === depth;
  }

  /** Says that `bytes` were read elsewhere: whole elements of the array at the present depth. */
  elementsRead(bytes: number): void {
    this.offset += bytes;
    this.#state = 'next';
  }

  /** Says that `bytes` were skipped, with the array at the present depth still open. */
  skipped(bytes: number): void {
    this.offset += bytes;
  }

  /** Says that `bytes` up to and with the bracket of the array at the present depth were skipped. */
  arraySkipped(bytes: number): void {
    this.offset += bytes;
    this.#pop(this.offset);
  }

  /** Reads `chunk` from `from`; gives the position after the last byte read. */
  push(chunk: Uint8Array, from: number): number {
    const base = this.offset - from;
    let i = from;
    this.pause = false;
    while (i < chunk.length && !this.pause) {
      switch (this.#state) {
        case 'string':
        case 'keyString':
          i = this.#strings.read(chunk, i, base);
          if (this.#strings.done) this.#stringDone();
          break;
        case 'number':
          i = this.#numbers.read(chunk, i, base);
          if (i < chunk.length) this.#scalarDone();
          break;
        case 'literal':
          this.#literalByte(chunk[i] ?? 0, base + i);
          i++;
          break;
        default:
          i = this.#structure(chunk, i, base);
      }
    }
    this.offset = base + i;
    return i;
  }

  /** Says that the document ends here. */
  finish(): void {
    if (this.#state === 'end') return;
    throw new JsonFault(this.offset, this.#expected(), 'the end of the file');
  }

  #structure(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    let c = chunk[i] ?? 0;
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) {
      i++;
      if (i === chunk.length) return i;
      c = chunk[i] ?? 0;
    }
    const at = base + i;
    switch (this.#state) {
      case 'next':
        this.#next(c, at);
        break;
      case 'colon':
        if (c !== 0x3a) this.#fail(at, c);
        this.#state = 'value';
        break;
      case 'value':
        this.#value(c, at);
        break;
      case 'key':
        this.#key(c, at);
        break;
      case 'firstKey':
        if (c === 0x7d) this.#pop(at + 1);
        else this.#key(c, at);
        break;
      case 'firstElement':
        if (c === 0x5d) this.#pop(at + 1);
        else this.#value(c, at);
        break;
      default:
        this.#fail(at, c);
    }
    return i + 1;
  }

  #next(c: number, at: number): void {
    const inArray = this.#inArray();
    if (c === 0x2c) this.#state = inArray ? 'value' : 'key';
    else if (c === (inArray ? 0x5d : 0x7d)) this.#pop(at + 1);
    else this.#fail(at, c);
  }

  #key(c: number, at: number): void {
    if (c !== QUOTE) this.#fail(at, c);
    this.#taken = this.#ignoreDepth < 0;
    this.#tokenStart = at;
    this.#strings.begin(at, this.#taken);
    this.#state = 'keyString';
  }

  #value(c: number, at: number): void {
    if (c === QUOTE) {
      this.#beginScalar('string', at);
      this.#strings.begin(at, this.#taken);
      this.#state = 'string';
    } else if (JsonNumberReader.begins(c)) {
      this.#beginScalar('number', at);
      this.#numbers.begin(c, at, this.#taken);
      this.#state = 'number';
    } else if (c === 0x7b) this.#open('object', at);
    else if (c === 0x5b) this.#open('array', at);
    else if (c === 0x74) this.#beginLiteral('true', at);
    else if (c === 0x66) this.#beginLiteral('false', at);
    else if (c === 0x6e) this.#beginLiteral('null', at);
    else this.#fail(at, c);
  }

  #beginScalar(kind: JsonKind, at: number): void {
    this.#kind = kind;
    this.#taken = this.#ignoreDepth < 0 && this.#handler.begin(kind, at);
    this.#tokenStart = at;
  }

  #beginLiteral(literal: 'true' | 'false' | 'null', at: number): void {
    this.#beginScalar(literal, at);
    this.#text.clear();
    this.#text.byte(literal.charCodeAt(0));
    this.#literal = literal;
    this.#literalAt = 1;
    this.#state = 'literal';
  }

  #literalByte(c: number, at: number): void {
    if (c !== this.#literal.charCodeAt(this.#literalAt)) this.#fail(at, c);
    this.#text.byte(c);
    this.#literalAt++;
    if (this.#literalAt === this.#literal.length) this.#scalarDone();
  }

  #stringDone(): void {
    if (this.#state === 'string') {
      this.#scalarDone();
      return;
    }
    this.#state = 'colon';
    if (this.#taken) this.#handler.key(this.#text, this.#tokenStart);
  }

  #scalarDone(): void {
    this.#state = this.#depth === 0 ? 'end' : 'next';
    if (this.#taken) this.#handler.scalar(this.#kind, this.#text, this.#tokenStart);
    else if (this.#ignoreDepth < 0) this.#handler.ignored(this.#tokenStart);
  }

  #open(kind: 'object' | 'array', at: number): void {
    if (this.#ignoreDepth < 0 && !this.#handler.begin(kind, at)) this.#ignoreDepth = this.#depth;
    const byte = this.#depth >> 3;
    if (byte === this.#arrays.length) {
      const grown = new Uint8Array(byte * 2);
      grown.set(this.#arrays);
      this.#arrays = grown;
    }
    const bit = 1 << (this.#depth & 7);
    const old = this.#arrays[byte] ?? 0;
    this.#arrays[byte] = kind === 'array' ? old | bit : old & ~bit;
    this.#depth++;
    this.#state = kind === 'array' ? 'firstElement' : 'firstKey';
  }

  #pop(end: number): void {
    this.#depth--;
    this.#state = this.#depth === 0 ? 'end' : 'next';
    if (this.#ignoreDepth < 0) this.#handler.close(end);
    else if (this.#ignoreDepth === this.#depth) {
      this.#ignoreDepth = -1;
      this.#handler.ignored(end);
    }
  }

  #inArray(): boolean {
    const level = this.#depth - 1;
    return (((this.#arrays[level >> 3] ?? 0) >> (level & 7)) & 1) === 1;
  }

  #fail(at: number, c: number): never {
    throw byteFault(at, this.#expected(), c);
  }

  #expected(): string {
    switch (this.#state) {
      case 'value':
        return 'a value';
      case 'firstElement':
        return 'a value or "]"';
      case 'firstKey':
        return 'a key in quotes or "}"';
      case 'key':
        return 'a key in quotes';
      case 'colon':
        return '":"';
      case 'next':
        return this.#inArray() ? '"," or "]"' : '"," or "}"';
      case 'string':
      case 'keyString':
        return this.#strings.expected;
      case 'number':
        return this.#numbers.expected;
      case 'literal':
        return this.#literal;
      case 'end':
        return 'nothing after the JSON document';
    }
  }
}
