import { parseHeaders } from './header-json.ts';
import { sizeOfVarint, writeVarint } from './varint.ts';

const INITIAL_BYTES = 1024;
/** The largest count or length whose varint is a single byte. */
const MAX_ONE_BYTE = 63;

const ENTRY_START = ascii('{"key":"');
const VALUE_START = ascii('","value":');
const NULL = ascii('null');
const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const CLOSING_BRACE = 0x7d;

const textEncoder = new TextEncoder();

/**
 * Turns archived headers (header-json.ts) into the header count and headers of a record on the wire.
 *
 * Text in the very form that Chronik writes, with keys in plain ASCII, is turned byte by byte.
 * Anything else goes through the full parser, which also has the errors.
 */
export class HeadersWriter {
  /** Holds the result of the last call; another one after growth. */
  bytes = new Uint8Array(INITIAL_BYTES);
  #text: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;

  /**
   * Writes the headers in text[start, end) to the start of `bytes` and returns their length.
   *
   * @throws SegctlError `headers-malformed`.
   */
  write(text: Uint8Array, start: number, end: number): number {
    // On the wire nothing is longer than in the text, but for the count.
    const neededBytes = end - start + 16;
    if (neededBytes > this.bytes.length) this.bytes = new Uint8Array(neededBytes * 2);
    this.#text = text;
    this.#at = start;
    this.#end = end;
    const length = this.#writeCanonical();
    return length ?? this.#writeParsed(text.subarray(start, end));
  }

  /** Null where the text is not in the form that Chronik writes. */
  #writeCanonical(): number | null {
    const { bytes } = this;
    if (this.#next() !== OPENING_BRACKET) return null;
    let count = 0;
    let position = 1;
    let separator = 0;
    do {
      const afterKey = this.#writeKey(position);
      const afterValue = afterKey === null ? null : this.#writeValue(afterKey);
      if (afterValue === null || this.#next() !== CLOSING_BRACE) return null;
      position = afterValue;
      count++;
      separator = this.#next();
    } while (separator === COMMA);
    if (separator !== CLOSING_BRACKET || this.#at !== this.#end || count > MAX_ONE_BYTE)
      return null;
    bytes[0] = count << 1;
    return position;
  }

  #writeKey(position: number): number | null {
    if (!this.#skip(ENTRY_START)) return null;
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (; at < this.#end; at++) {
      const byte = text[at] ?? 0;
      if (byte === QUOTE) break;
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return null;
    }
    this.#at = at;
    let target = writeVarint(this.bytes, position, at - start);
    for (let i = start; i < at; i++) this.bytes[target++] = text[i] ?? 0;
    return this.#skip(VALUE_START) ? target : null;
  }

  #writeValue(position: number): number | null {
    if (this.#text[this.#at] !== OPENING_BRACKET) {
      return this.#skip(NULL) ? writeVarint(this.bytes, position, -1) : null;
    }
    this.#at++;
    const start = position + 1;
    let target = start;
    if (this.#text[this.#at] === CLOSING_BRACKET) {
      this.#at++;
    } else {
      let separator = COMMA;
      while (separator === COMMA) {
        const byte = this.#readByte();
        if (byte === -1) return null;
        this.bytes[target++] = byte;
        separator = this.#next();
      }
      if (separator !== CLOSING_BRACKET) return null;
    }
    const length = target - start;
    // One byte was left for the length; a longer one moves the value.
    const moved = position + sizeOfVarint(length);
    if (moved !== start) this.bytes.copyWithin(moved, start, target);
    writeVarint(this.bytes, position, length);
    return moved + length;
  }

  /** A JSON integer from 0 to 255, or -1. */
  #readByte(): number {
    const start = this.#at;
    let value = 0;
    let at = start;
    for (; at < this.#end && at < start + 3; at++) {
      const digit = this.#text[at] ?? 0;
      if (digit < ZERO || digit > NINE) break;
      value = value * 10 + digit - ZERO;
    }
    const digits = at - start;
    const hasLeadingZero = digits > 1 && this.#text[start] === ZERO;
    this.#at = at;
    return digits === 0 || hasLeadingZero || value > 255 ? -1 : value;
  }

  #next(): number {
    return this.#at < this.#end ? (this.#text[this.#at++] ?? 0) : 0;
  }

  #skip(expected: Uint8Array): boolean {
    if (this.#at + expected.length > this.#end) return false;
    for (let i = 0; i < expected.length; i++) {
      if (this.#text[this.#at + i] !== expected[i]) return false;
    }
    this.#at += expected.length;
    return true;
  }

  #writeParsed(text: Uint8Array): number {
    const headers = parseHeaders(text);
    let at = writeVarint(this.bytes, 0, headers.length);
    for (const { key, value } of headers) {
      at = this.#writeBytes(at, textEncoder.encode(key));
      at = value === null ? writeVarint(this.bytes, at, -1) : this.#writeBytes(at, value);
    }
    return at;
  }

  #writeBytes(at: number, value: Uint8Array): number {
    const start = writeVarint(this.bytes, at, value.length);
    this.bytes.set(value, start);
    return start + value.length;
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
