/**
 * Differences and comparisons on a BigInt64Array without making a bigint a value, which would
 * dominate loops over millions of records.
 */

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const LOW = IS_LITTLE_ENDIAN ? 0 : 1;
const HIGH = 1 - LOW;

export class Int64Column {
  readonly values: BigInt64Array;
  readonly #words: Int32Array;

  constructor(values: BigInt64Array) {
    this.values = values;
    this.#words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  }

  /** The value at i as a bigint. */
  at(i: number): bigint {
    const value = this.values[i];
    if (value === undefined) throw new RangeError(`row ${i} of ${this.values.length}`);
    return value;
  }

  /** Whether the values at i and j are the same. */
  equal(i: number, j: number): boolean {
    const words = this.#words;
    return words[2 * i] === words[2 * j] && words[2 * i + 1] === words[2 * j + 1];
  }

  /** value[i] - value[j]: exact where it is within +-2^53, and never within it where it is not. */
  difference(i: number, j: number): number {
    const words = this.#words;
    const high = (words[2 * i + HIGH] ?? 0) - (words[2 * j + HIGH] ?? 0);
    const low = ((words[2 * i + LOW] ?? 0) >>> 0) - ((words[2 * j + LOW] ?? 0) >>> 0);
    return high * 2 ** 32 + low;
  }
}
