/**
 * Zigzag varints as in Kafka's record format: 7 bits a byte, lowest group first, the high bit set on
 * all but the last; zigzag maps 0, -1, 1, -2 to 0, 1, 2, 3.
 *
 * A varint is an int32 (5 bytes at most), a varlong an int64 (10 bytes at most). Varlongs within
 * +-2^52 travel as numbers, since a bigint a record would dominate the cost of encoding.
 */

/** Zigzag of a number beyond this does not fit 2^53. */
const MAX_FAST_VARLONG = 2 ** 52 - 1;
const MIN_FAST_VARLONG = -(2 ** 52);

/** Whether writeVarlong takes this delta as a number. */
export function isFastVarlong(value: number): boolean {
  return value >= MIN_FAST_VARLONG && value <= MAX_FAST_VARLONG;
}

/** Bytes that an int32 takes. */
export function sizeOfVarint(value: number): number {
  // 38 - clz32 is 6 + bits; the multiply-shift divides it by 7 for every value in range.
  return ((38 - Math.clz32((value << 1) ^ (value >> 31))) * 37) >>> 8 || 1;
}

/** Bytes that a delta for which isFastVarlong holds takes. */
export function sizeOfVarlong(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  if (rest <= 0x7f_ff_ff_ff) return ((38 - Math.clz32(rest)) * 37) >>> 8 || 1;
  let size = 1;
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80);
    size++;
  }
  return size;
}

/** Bytes that any int64 takes. */
export function sizeOfBigVarlong(value: bigint): number {
  let size = 1;
  for (let rest = zigzag64(value); rest >= 0x80n; rest >>= 7n) size++;
  return size;
}

/** Writes an int32 and returns the position after it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let position = at;
  while (rest >= 0x80) {
    target[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[position++] = rest;
  return position;
}

/** Writes a delta for which isFastVarlong holds and returns the position after it. */
export function writeVarlong(target: Uint8Array, at: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let position = at;
  while (rest > 0x7f_ff_ff_ff) {
    target[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    target[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[position++] = rest;
  return position;
}

/** Writes any int64 and returns the position after it. */
export function writeBigVarlong(target: Uint8Array, at: number, value: bigint): number {
  let rest = zigzag64(value);
  let position = at;
  while (rest >= 0x80n) {
    target[position++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  target[position++] = Number(rest);
  return position;
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

/**
 * Reads varints from `bytes` between `position` and `end`. Where a varint is cut short or longer
 * than its type allows, `position` stays at its first byte and null comes back.
 */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = Math.min(end, bytes.length);
  }

  /** The int32 at the position. */
  varint(): number | null {
    let raw = 0;
    let at = this.position;
    for (let shift = 0; shift <= 28; shift += 7) {
      if (at >= this.end) return null;
      const byte = this.bytes[at++] ?? 0;
      // The fifth byte has room for 4 bits.
      if (shift === 28 && byte > 0x0f) return null;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
    return null;
  }

  /** The int64 at the position. */
  varlong(): bigint | null {
    // Seven bytes hold 49 bits, which a number holds exactly; timestamps deltas rarely need more.
    let low = 0;
    let scale = 1;
    let at = this.position;
    for (let count = 0; count < 7; count++, scale *= 0x80) {
      if (at >= this.end) return null;
      const byte = this.bytes[at++] ?? 0;
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.position = at;
        return unzigzag64(BigInt(low));
      }
    }
    let raw = BigInt(low);
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      if (at >= this.end) return null;
      const byte = this.bytes[at++] ?? 0;
      // The tenth byte has room for 1 bit.
      if (shift === 63n && byte > 0x01) return null;
      raw |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        return unzigzag64(raw);
      }
    }
    return null;
  }
}

function unzigzag64(raw: bigint): bigint {
  return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
}
