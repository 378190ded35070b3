import { isUtf8 } from 'node:buffer';

/**
 * What a terminal obeys or hides instead of showing: C0, DEL and C1 controls, line and paragraph
 * separators, lone surrogates, and format characters such as bidi overrides (they reorder what is
 * read: CVE-2021-42574) and zero-width ones. The joiners U+200C and U+200D stay, since scripts and
 * emoji are spelled with them, and so do the visible Arabic and Syriac marks of the same category.
 */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?!\u200c|\u200d|[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])\p{Cf}/gu;

/** Text of which every character is one printable ASCII column. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

const SHORT_ESCAPES = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * `text` with everything a terminal would act on spelled out: `\n`, `\r`, `\t`, `\x1b`, `\u202e`,
 * `\u{e0001}`. A backslash of the text stays as it is: this is for eyes, not for parsing back.
 */
export function escapeForTerminal(text: string): string {
  return PRINTABLE_ASCII.test(text) ? text : text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/**
 * Bytes of a record for a terminal: UTF-8 as text with its controls escaped, anything else byte by
 * byte, printable ASCII as it is and the rest as `\xNN`. Of more than `reach` bytes only the first
 * are shown, with an ellipsis: for cells that would be cut anyway.
 */
export function bytesForTerminal(bytes: Uint8Array, reach = Number.POSITIVE_INFINITY): string {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isText = isUtf8(whole);
  let end = Math.min(whole.length, reach);
  // A cut may not part the bytes of a character: step back over UTF-8's continuation bytes.
  while (isText && end < whole.length && end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end--;
  const part = whole.subarray(0, end);
  const text = isText ? escapeForTerminal(part.toString('utf8')) : escapeBytes(part);
  return end < whole.length ? `${text}…` : text;
}

function escapeBytes(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x20-\x7e]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
    return SHORT_ESCAPES.get(character) ?? `\\x${hex}`;
  });
}
