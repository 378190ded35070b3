import { byteFault, JsonFault } from './json-fault.ts';
import type { TextBuffer } from './json-text.ts';

/** After the minus, a leading zero, digits, the point, digits, `e`, its sign, digits. */
type State =
  | 'minus'
  | 'zero'
  | 'integer'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'sign'
  | 'exponentDigits';

/** Reads one JSON number from its second byte on. */
export class JsonNumberReader {
  readonly #text: TextBuffer;
  #state: State = 'zero';
  #taken = false;
  #start = 0;

  /** `text` gets the numbers that are taken, as they are spelled. */
  constructor(text: TextBuffer) {
    this.#text = text;
  }

  /** True where `c` can begin a number. */
  static begins(c: number): boolean {
    return c === 0x2d || isDigit(c);
  }

  begin(c: number, at: number, taken: boolean): void {
    this.#text.clear();
    if (taken) this.#text.byte(c);
    this.#taken = taken;
    this.#start = at;
    this.#state = c === 0x2d ? 'minus' : c === 0x30 ? 'zero' : 'integer';
  }

  /** The position after the number's last byte in this chunk; the chunk's end if it goes on. */
  read(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    for (; i < chunk.length; i++) {
      const c = chunk[i] ?? 0;
      if (this.#state === 'integer' && isDigit(c)) continue;
      const next = nextState(this.#state, c);
      if (next === undefined) break;
      this.#state = next;
    }
    if (this.#taken && i > from && !this.#text.append(chunk, from, i)) {
      throw new JsonFault(this.#start, 'a number of at most 16 MiB', 'a longer one');
    }
    if (i < chunk.length) this.#checkEnd(base + i, chunk[i] ?? 0);
    return i;
  }

  get expected(): string {
    switch (this.#state) {
      case 'zero':
        return 'no digit after a leading zero';
      case 'minus':
      case 'point':
      case 'exponent':
      case 'sign':
        return 'a digit';
      default:
        return 'a digit, or the end of the number';
    }
  }

  #checkEnd(at: number, c: number): void {
    const state = this.#state;
    const whole =
      state === 'zero' || state === 'integer' || state === 'fraction' || state === 'exponentDigits';
    if (!whole || (state === 'zero' && isDigit(c))) throw byteFault(at, this.expected, c);
  }
}

/** Undefined where `c` is not part of the number any more. */
function nextState(state: State, c: number): State | undefined {
  const digit = isDigit(c);
  switch (state) {
    case 'minus':
      return digit ? (c === 0x30 ? 'zero' : 'integer') : undefined;
    case 'zero':
    case 'integer':
      if (digit) return state === 'integer' ? 'integer' : undefined;
      if (c === 0x2e) return 'point';
      return isExponent(c) ? 'exponent' : undefined;
    case 'point':
      return digit ? 'fraction' : undefined;
    case 'fraction':
      if (digit) return 'fraction';
      return isExponent(c) ? 'exponent' : undefined;
    case 'exponent':
      if (c === 0x2b || c === 0x2d) return 'sign';
      return digit ? 'exponentDigits' : undefined;
    default:
      return digit ? 'exponentDigits' : undefined;
  }
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isExponent(c: number): boolean {
  return c === 0x65 || c === 0x45;
}
