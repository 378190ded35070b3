/** Beyond this a text is refused: no name or path is so long, and memory has to stay bounded. */
const MAX_TEXT_BYTES = 16 << 20;

/** Collects the bytes of one string or number. */
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
    if (this.#length + to - from > MAX_TEXT_BYTES) return false;
    this.#reserve(to - from);
    this.#bytes.set(chunk.subarray(from, to), this.#length);
    this.#length += to - from;
    return true;
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
