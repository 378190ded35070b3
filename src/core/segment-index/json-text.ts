/** Beyond this a text is refused: no name or path is so long, and memory has to stay bounded. */
const MAX_TEXT_BYTES = 16 << 20;
/** Up to here a loop is faster than a call into the runtime. */
const SHORT_BYTES = 48;
/** So many digits always fit a double without loss. */
const SAFE_DIGITS = 15;

/** Collects the bytes of one string or number; used again for the next. */
export class TextBuffer {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  codePoint(value: number): void {
    this.#reserve(4);
    this.#length += this.#bytes.write(String.fromCodePoint(value), this.#length, 'utf8');
  }

  /** False where the text would grow too long. */
  append(chunk: Uint8Array, from: number, to: number): boolean {
    const length = this.#length;
    if (length + to - from > MAX_TEXT_BYTES) return false;
    this.#reserve(to - from);
    if (to - from > SHORT_BYTES) this.#bytes.set(chunk.subarray(from, to), length);
    else for (let i = from; i < to; i++) this.#bytes[length + i - from] = chunk[i] ?? 0;
    this.#length = length + to - from;
    return true;
  }

  equals(other: Uint8Array): boolean {
    if (this.#length !== other.length) return false;
    for (let i = 0; i < other.length; i++) if (this.#bytes[i] !== other[i]) return false;
    return true;
  }

  /** The value of a text of at most 15 digits without leading zero; undefined for any other. */
  smallInteger(): number | undefined {
    if (this.#length > SAFE_DIGITS || this.#length === 0) return undefined;
    let value = 0;
    for (let i = 0; i < this.#length; i++) {
      const digit = (this.#bytes[i] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    return this.#bytes[0] === 0x30 && this.#length > 1 ? undefined : value;
  }

  toString(): string {
    return this.#bytes.toString('utf8', 0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe((this.#length + more) * 2);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/**
 * Checks UTF-8 byte by byte over chunk borders (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF).
 */
export class Utf8Check {
  #need = 0;
  #lower = 0x80;
  #upper = 0xbf;

  /** True inside a character of several bytes. */
  get pending(): boolean {
    return this.#need > 0;
  }

  /** False where `c` can't stand here. ASCII is accepted only between characters. */
  accept(c: number): boolean {
    if (this.#need === 0) return c < 0x80 || this.#lead(c);
    if (c < this.#lower || c > this.#upper) return false;
    this.#lower = 0x80;
    this.#upper = 0xbf;
    this.#need--;
    return true;
  }

  #lead(c: number): boolean {
    if (c < 0xc2 || c > 0xf4) return false;
    this.#need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    this.#lower = c === 0xe0 ? 0xa0 : c === 0xf0 ? 0x90 : 0x80;
    this.#upper = c === 0xed ? 0x9f : c === 0xf4 ? 0x8f : 0xbf;
    return true;
  }
}
