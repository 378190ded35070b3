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

/** A fault at a single byte that can't stand where it does. */
export function byteFault(byteOffset: number, expected: string, byte: number): JsonFault {
  const visible = byte > 0x20 && byte < 0x7f;
  const hex = byte.toString(16).padStart(2, '0');
  const found = visible ? `"${String.fromCharCode(byte)}"` : `the byte 0x${hex}`;
  return new JsonFault(byteOffset, expected, found);
}
