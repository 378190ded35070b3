const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Thrown where brackets alone don't tell where a skipped array ends. */
export class SkipUncertain extends Error {}

/**
 * Finds the end of an array without reading its elements, at the speed of a memory search. The first
 * bracket after '[' is the array's end if it is a ']' that a line break and two spaces come before:
 * a line break can't stand in a JSON string, so it is no text, and without another '[' between
 * nothing else can be closed. That holds for every valid file; where it doesn't decide, as in a file
 * of another formatting, SkipUncertain has the file read again value by value.
 */
export class ArraySkipper {
  /** True from an array's '[' until its end was found. */
  active = false;
  #arrayStart = 0;
  /** The last three bytes before the present chunk. */
  #tail: Uint8Array = new Uint8Array(3);

  /** `arrayStart` is the offset of the array's '[' in the file. */
  begin(arrayStart: number): void {
    this.active = true;
    this.#arrayStart = arrayStart;
  }

  /**
   * The position after the array's end, or the chunk's end if the array goes on. `base` is the
   * file's offset of the chunk's first byte.
   */
  skip(chunk: Uint8Array, from: number, base: number): number {
    // A Buffer's search is the C library's, a Uint8Array's is not.
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const close = bytes.indexOf(CLOSE, from);
    const inside = bytes.subarray(from, close < 0 ? bytes.length : close);
    if (inside.indexOf(OPEN) >= 0) throw new SkipUncertain();
    if (close < 0) return chunk.length;
    const empty = base + close === this.#arrayStart + 1;
    if (!empty && !this.#standsOnOwnLine(bytes, close)) throw new SkipUncertain();
    this.active = false;
    return close + 1;
  }

  /** To be called after each chunk of the file, skipped or not. */
  keepTail(chunk: Uint8Array): void {
    if (chunk.length >= 3) this.#tail = chunk.slice(-3);
    else this.#tail = Uint8Array.from([...this.#tail, ...chunk]).slice(-3);
  }

  #standsOnOwnLine(bytes: Uint8Array, close: number): boolean {
    const before = (back: number) =>
      close >= back ? bytes[close - back] : this.#tail[3 + close - back];
    return before(1) === 0x20 && before(2) === 0x20 && before(3) === 0x0a;
  }
}
