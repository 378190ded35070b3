import { TextBuffer, Utf8Check } from './json-text.ts';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

/** Not JSON, or not what the reader of the values expected: where, and what stood there. */
export class JsonFault extends Error {
  readonly byteOffset: number;
  readonly expected: string;
  readonly found: string;

  constructor(byteOffset: number, expected: string, found: string) {
    super(`expected ${expected}, found ${found}`);
    this.byteOffset = byteOffset;
    this.expected = expected;
    this.found = found;
  }
}

/** Takes the values of a document in order. Offsets count bytes from the start of the document. */
export interface JsonHandler {
  /**
   * A value begins. True to take it (its members, or its text by `scalar`), false to have it checked
   * for syntax alone; then `ignored` follows.
   */
  begin(kind: JsonKind, at: number): boolean;
  key(text: string, at: number): void;
  /** A string without quotes and escapes, a number as it is spelled, or a literal's name. */
  scalar(kind: JsonKind, text: string, at: number): void;
  /** An object or array that was taken ends; `end` is the offset after its bracket. */
  close(end: number): void;
  ignored(end: number): void;
}

type State =
  | 'value'
  | 'firstElement'
  | 'firstKey'
  | 'key'
  | 'colon'
  | 'next'
  | 'string'
  | 'escape'
  | 'hex'
  | 'lowSurrogate'
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'exponentSign'
  | 'exponentDigits'
  | 'literal'
  | 'end';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<number, number>> = {
  34: 0x22,
  92: 0x5c,
  47: 0x2f,
  98: 0x08,
  102: 0x0c,
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
};
const NUMBER_ENDS = 'a digit, or the end of the number';

/**
 * A JSON (RFC 8259) reader that is fed bytes in chunks of any size and keeps nothing but its state:
 * one bit a level of depth, and the text of the string or number under way if it was asked for.
 * Strict as serde_json is: UTF-8 only, no control characters in strings, no lone surrogates in what
 * is taken (in ignored strings serde_json checks only the four hex digits, and so does this).
 */
export class JsonMachine {
  /** Offset in the document of the next byte to be pushed. */
  offset = 0;
  /** Set by a handler: push returns after the byte that is being worked on. */
  pause = false;

  readonly #handler: JsonHandler;
  #state: State = 'value';
  #depth = 0;
  /** Bit d is 1 where the container at depth d + 1 is an array. */
  #arrays = new Uint8Array(16);
  /** The depth at which an ignored container stands; -1 while values are taken. */
  #ignoreDepth = -1;
  #isKey = false;
  #taken = false;
  #tokenStart = 0;
  readonly #text = new TextBuffer();
  readonly #utf8 = new Utf8Check();
  #hexDigits = 0;
  #hexValue = 0;
  #highSurrogate = 0;
  #literal = '';
  #literalAt = 0;

  constructor(handler: JsonHandler) {
    this.#handler = handler;
  }

  get depth(): number {
    return this.#depth;
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

  /** Says that `bytes` up to and with the bracket of the array at the present depth were skipped. */
  arraySkipped(bytes: number): void {
    this.offset += bytes;
    this.#pop(this.offset);
  }

  /** Says that `bytes` were skipped, with the array at the present depth still open. */
  skipped(bytes: number): void {
    this.offset += bytes;
  }

  /** Reads `chunk` from `from`; gives the position after the last byte read. */
  push(chunk: Uint8Array, from: number): number {
    const base = this.offset - from;
    let i = from;
    this.pause = false;
    while (i < chunk.length && !this.pause) {
      i = this.#state === 'string' ? this.#string(chunk, i, base) : this.#step(chunk, i, base);
    }
    this.offset = base + i;
    return i;
  }

  /** Says that the document ends here. */
  finish(): void {
    if (this.#state === 'end') return;
    throw new JsonFault(this.offset, this.#expected(), 'the end of the file');
  }

  #step(chunk: Uint8Array, from: number, base: number): number {
    const c = chunk[from] ?? 0;
    switch (this.#state) {
      case 'escape':
        return this.#escape(c, base + from, from);
      case 'hex':
        return this.#hex(c, base + from, from);
      case 'lowSurrogate':
        if (c !== (this.#hexDigits === -2 ? BACKSLASH : 0x75)) this.#fail(base + from, c);
        this.#hexDigits++;
        if (this.#hexDigits === 0) this.#state = 'hex';
        return from + 1;
      case 'minus':
      case 'zero':
      case 'integer':
      case 'point':
      case 'fraction':
      case 'exponent':
      case 'exponentSign':
      case 'exponentDigits':
        return this.#number(chunk, from, base);
      case 'literal':
        if (c !== this.#literal.charCodeAt(this.#literalAt)) this.#fail(base + from, c);
        this.#literalAt++;
        if (this.#literalAt === this.#literal.length) this.#scalarDone(literalKind(this.#literal));
        return from + 1;
      default:
        return this.#structure(chunk, from, base);
    }
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
      case 'firstElement':
        if (c === 0x5d) this.#pop(at + 1);
        else this.#value(c, at);
        break;
      case 'value':
        this.#value(c, at);
        break;
      case 'firstKey':
        if (c === 0x7d) {
          this.#pop(at + 1);
          break;
        }
        this.#key(c, at);
        break;
      case 'key':
        this.#key(c, at);
        break;
      case 'colon':
        if (c !== 0x3a) this.#fail(at, c);
        this.#state = 'value';
        break;
      case 'next':
        this.#next(c, at);
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
    this.#beginString(at, true, this.#ignoreDepth < 0);
  }

  #value(c: number, at: number): void {
    switch (c) {
      case 0x7b:
        this.#open('object', at);
        return;
      case 0x5b:
        this.#open('array', at);
        return;
      case QUOTE:
        this.#beginString(at, false, this.#take('string', at));
        return;
      case 0x74:
        this.#beginLiteral('true', at);
        return;
      case 0x66:
        this.#beginLiteral('false', at);
        return;
      case 0x6e:
        this.#beginLiteral('null', at);
        return;
      default:
        if (c !== 0x2d && (c < 0x30 || c > 0x39)) this.#fail(at, c);
        this.#taken = this.#take('number', at);
        this.#tokenStart = at;
        this.#text.clear();
        if (this.#taken) this.#text.byte(c);
        this.#state = c === 0x2d ? 'minus' : c === 0x30 ? 'zero' : 'integer';
    }
  }

  #take(kind: JsonKind, at: number): boolean {
    return this.#ignoreDepth < 0 && this.#handler.begin(kind, at);
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

  #beginLiteral(literal: string, at: number): void {
    this.#taken = this.#take(literalKind(literal), at);
    this.#tokenStart = at;
    this.#literal = literal;
    this.#literalAt = 1;
    this.#text.clear();
    this.#state = 'literal';
  }

  #scalarDone(kind: JsonKind): void {
    this.#state = this.#depth === 0 ? 'end' : 'next';
    if (this.#taken) {
      const text = this.#literal === '' ? this.#text.toString() : this.#literal;
      this.#handler.scalar(kind, text, this.#tokenStart);
    } else if (this.#ignoreDepth < 0) this.#handler.ignored(this.#tokenStart);
    this.#literal = '';
  }

  #beginString(at: number, isKey: boolean, taken: boolean): void {
    this.#isKey = isKey;
    this.#taken = taken;
    this.#tokenStart = at;
    this.#text.clear();
    this.#state = 'string';
  }

  #string(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    for (; i < chunk.length; i++) {
      const c = chunk[i] ?? 0;
      if (c >= 0x80 || this.#utf8.pending) {
        if (!this.#utf8.accept(c)) this.#fail(base + i, c, 'valid UTF-8');
      } else if (c === QUOTE || c === BACKSLASH || c < 0x20) break;
    }
    if (this.#taken && i > from) this.#append(chunk, from, i);
    if (i === chunk.length) return i;
    const c = chunk[i] ?? 0;
    if (c < 0x20) this.#fail(base + i, c);
    if (c === BACKSLASH) this.#state = 'escape';
    else this.#stringDone();
    return i + 1;
  }

  #stringDone(): void {
    if (!this.#isKey) {
      this.#scalarDone('string');
      return;
    }
    this.#state = 'colon';
    if (this.#taken) this.#handler.key(this.#text.toString(), this.#tokenStart);
  }

  #escape(c: number, at: number, from: number): number {
    if (c === 0x75) {
      this.#state = 'hex';
      this.#hexDigits = 0;
      this.#hexValue = 0;
      this.#highSurrogate = 0;
      return from + 1;
    }
    const value = ESCAPES[c];
    if (value === undefined) this.#fail(at, c);
    if (this.#taken) this.#text.byte(value);
    this.#state = 'string';
    return from + 1;
  }

  #hex(c: number, at: number, from: number): number {
    const digit = hexDigit(c);
    if (digit < 0) this.#fail(at, c);
    this.#hexValue = this.#hexValue * 16 + digit;
    this.#hexDigits++;
    if (this.#hexDigits === 4) this.#codeUnit(this.#hexValue, at);
    return from + 1;
  }

  #codeUnit(unit: number, at: number): void {
    this.#hexValue = 0;
    this.#state = 'string';
    if (!this.#taken) return;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (this.#highSurrogate !== 0) {
      if (!isLow) throw new JsonFault(at - 5, 'a low surrogate', escapeText(unit));
      this.#text.codePoint(0x10000 + ((this.#highSurrogate - 0xd800) << 10) + (unit - 0xdc00));
      this.#highSurrogate = 0;
      return;
    }
    if (isLow) throw new JsonFault(at - 5, 'no lone surrogate', escapeText(unit));
    if (unit >= 0xd800 && unit <= 0xdbff) {
      this.#highSurrogate = unit;
      // Two bytes, '\' and 'u', have to come before the next four digits.
      this.#hexDigits = -2;
      this.#state = 'lowSurrogate';
      return;
    }
    this.#text.codePoint(unit);
  }

  #number(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    for (; i < chunk.length; i++) {
      const c = chunk[i] ?? 0;
      const next = nextNumberState(this.#state, c);
      if (next === undefined) break;
      this.#state = next;
    }
    if (this.#taken && i > from) this.#append(chunk, from, i);
    if (i === chunk.length) return i;
    if (!NUMBER_MAY_END.has(this.#state)) this.#fail(base + i, chunk[i] ?? 0);
    const c = chunk[i] ?? 0;
    if (this.#state === 'zero' && c >= 0x30 && c <= 0x39) this.#fail(base + i, c);
    this.#scalarDone('number');
    return i;
  }

  #append(chunk: Uint8Array, from: number, to: number): void {
    if (!this.#text.append(chunk, from, to)) {
      throw new JsonFault(this.#tokenStart, 'a text of at most 16 MiB', 'a longer one');
    }
  }

  #fail(at: number, c: number, expected = this.#expected()): never {
    throw new JsonFault(at, expected, byteText(c));
  }

  #expected(): string {
    switch (this.#state) {
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
        return "a string's next character or its closing quote";
      case 'escape':
        return 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u';
      case 'hex':
        return 'a hexadecimal digit';
      case 'lowSurrogate':
        return 'the escape of a low surrogate';
      case 'literal':
        return this.#literal;
      case 'end':
        return 'nothing after the JSON document';
      case 'value':
        return 'a value';
      case 'zero':
        return 'no digit after a leading zero';
      case 'minus':
      case 'point':
      case 'exponent':
      case 'exponentSign':
        return 'a digit';
      default:
        return NUMBER_ENDS;
    }
  }
}

const NUMBER_MAY_END: ReadonlySet<string> = new Set([
  'zero',
  'integer',
  'fraction',
  'exponentDigits',
]);

/** Undefined where `c` is not part of the number any more. */
function nextNumberState(state: State, c: number): State | undefined {
  const digit = c >= 0x30 && c <= 0x39;
  switch (state) {
    case 'minus':
      return digit ? (c === 0x30 ? 'zero' : 'integer') : undefined;
    case 'zero':
    case 'integer':
      if (digit) return state === 'integer' ? 'integer' : undefined;
      if (c === 0x2e) return 'point';
      return c === 0x65 || c === 0x45 ? 'exponent' : undefined;
    case 'point':
      return digit ? 'fraction' : undefined;
    case 'fraction':
      if (digit) return 'fraction';
      return c === 0x65 || c === 0x45 ? 'exponent' : undefined;
    case 'exponent':
      if (c === 0x2b || c === 0x2d) return 'exponentSign';
      return digit ? 'exponentDigits' : undefined;
    default:
      return digit ? 'exponentDigits' : undefined;
  }
}

function literalKind(literal: string): 'true' | 'false' | 'null' {
  return literal === 'true' ? 'true' : literal === 'false' ? 'false' : 'null';
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function escapeText(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

function byteText(c: number): string {
  if (c > 0x20 && c < 0x7f) return `"${String.fromCharCode(c)}"`;
  return `the byte 0x${c.toString(16).padStart(2, '0')}`;
}
