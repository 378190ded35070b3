import { isUtf8 } from 'node:buffer';

/** `auto` is text where the bytes are UTF-8 and base64 where they aren't, value by value. */
export const BYTE_ENCODINGS = ['auto', 'utf8', 'base64', 'hex'] as const;
export type ByteEncoding = (typeof BYTE_ENCODINGS)[number];

/** How a value's text was made; `utf8-lossy` can't be turned back into the bytes. */
export type TextEncoding = 'utf8' | 'utf8-lossy' | 'base64' | 'hex';

export interface EncodedBytes {
  readonly text: string;
  readonly encoding: TextEncoding;
}

/**
 * Bytes as text. A byte order mark is kept: it is part of the value. `utf8` on bytes that aren't
 * UTF-8 puts U+FFFD for what it can't read and says so by `utf8-lossy`, never silently.
 */
export function encodeBytes(bytes: Buffer, encoding: ByteEncoding): EncodedBytes {
  switch (encoding) {
    case 'base64':
    case 'hex':
      return { text: bytes.toString(encoding), encoding };
    case 'utf8':
      return { text: bytes.toString('utf8'), encoding: isUtf8(bytes) ? 'utf8' : 'utf8-lossy' };
    case 'auto':
      return isUtf8(bytes)
        ? { text: bytes.toString('utf8'), encoding: 'utf8' }
        : { text: bytes.toString('base64'), encoding: 'base64' };
  }
}
