import { byteFault, JsonFault } from './json-fault.ts';
import { type TextBuffer, Utf8Check } from './json-text.ts';

type State = 'plain' | 'escape' | 'hex' | 'lowBackslash' | 'lowU' | 'done';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What the letter after a backslash stands for. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** Reads one JSON string from after its opening quote on. */
export class JsonStringReader {
  readonly #text: TextBuffer;
  readonly #utf8 = new Utf8Check();
  #state: State = 'done';
  #taken = false;
  #start = 0;
  #hexDigits = 0;
  #hexValue = 0;
  /** The first half of a surrogate pair whose second half has to follow; 0 if none. */
  #high = 0;

  /** `text` gets the strings that are taken, escapes resolved. */
  constructor(text: TextBuffer) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  begin(at: number, taken: boolean): void {
    this.#text.clear();
    this.#taken = taken;
    this.#start = at;
    this.#state = 'plain';
  }

  /** The position after the last byte used: after the closing quote, or the chunk's end. */
  read(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    while (i < chunk.length && this.#state !== 'done') {
      if (this.#state === 'plain') i = this.#plain(chunk, i, base);
      else this.#escaped(chunk[i] ?? 0, base + i++);
    }
    return i;
  }

  get expected(): string {
    switch (this.#state) {
      case 'escape':
        return 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u';
      case 'hex':
        return 'a hexadecimal digit';
      case 'lowBackslash':
      case 'lowU':
        return 'the escape of a low surrogate';
      default:
        return "a string's next character or its closing quote";
    }
  }

  #plain(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    for (; i < chunk.length; i++) {
      const c = chunk[i] ?? 0;
      if (c >= 0x80 || this.#utf8.pending) {
        if (!this.#utf8.accept(c)) throw byteFault(base + i, 'valid UTF-8', c);
      } else if (c === QUOTE || c === BACKSLASH || c < 0x20) break;
    }
    if (this.#taken && i > from && !this.#text.append(chunk, from, i)) {
      throw new JsonFault(this.#start, 'a text of at most 16 MiB', 'a longer one');
    }
    if (i === chunk.length) return i;
    const c = chunk[i] ?? 0;
    if (c < 0x20) throw byteFault(base + i, this.expected, c);
    this.#state = c === QUOTE ? 'done' : 'escape';
    return i + 1;
  }

  #escaped(c: number, at: number): void {
    switch (this.#state) {
      case 'hex':
        this.#hex(c, at);
        break;
      case 'lowBackslash':
        if (c !== BACKSLASH) throw byteFault(at, this.expected, c);
        this.#state = 'lowU';
        break;
      case 'lowU':
        if (c !== 0x75) throw byteFault(at, this.expected, c);
        this.#beginHex();
        break;
      default:
        this.#escape(c, at);
    }
  }

  #escape(c: number, at: number): void {
    if (c === 0x75) {
      this.#high = 0;
      this.#beginHex();
      return;
    }
    const value = ESCAPES.get(c);
    if (value === undefined) throw byteFault(at, this.expected, c);
    if (this.#taken) this.#text.byte(value);
    this.#state = 'plain';
  }

  #beginHex(): void {
    this.#state = 'hex';
    this.#hexDigits = 0;
    this.#hexValue = 0;
  }

  #hex(c: number, at: number): void {
    const digit = hexDigit(c);
    if (digit < 0) throw byteFault(at, this.expected, c);
    this.#hexValue = this.#hexValue * 16 + digit;
    this.#hexDigits++;
    if (this.#hexDigits === 4) this.#codeUnit(this.#hexValue, at - 5);
  }

  /** `at` is where the escape's backslash stands. */
  #codeUnit(unit: number, at: number): void {
    this.#state = 'plain';
    // In strings that it ignores serde_json checks no more than the four digits.
    if (!this.#taken) return;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow !== (this.#high !== 0)) {
      const expected = isLow ? 'no lone surrogate' : 'a low surrogate';
      throw new JsonFault(at, expected, `\\u${unit.toString(16).padStart(4, '0')}`);
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
      this.#high = unit;
      this.#state = 'lowBackslash';
      return;
    }
    const pair = 0x10000 + ((this.#high - 0xd800) << 10) + (unit - 0xdc00);
    this.#text.codePoint(isLow ? pair : unit);
    this.#high = 0;
  }
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
