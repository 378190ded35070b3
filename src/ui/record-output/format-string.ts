import { parseHeaders } from '../../core/record-batch/header-json.ts';
import type { RecordHeader } from '../../core/record-batch/record.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { bytesForTerminal } from '../terminal-text.ts';
import { type ByteEncoding, encodeBytes } from './byte-encoding.ts';
import { asBuffer, at, bytesAt, type RecordRange } from './record-range.ts';
import type { RecordWriter, RecordWriterOptions } from './record-writer.ts';

/** kcat's tokens (`kcat -h`, "Format string tokens") and what they stand for. */
export const FORMAT_TOKENS = {
  t: 'topic',
  p: 'partition',
  o: 'offset',
  T: 'timestamp in ms since the epoch',
  k: 'key',
  K: 'length of the key, -1 for null',
  s: 'value',
  S: 'length of the value, -1 for null',
  R: 'length of the value as a big-endian int32, -1 for null',
  h: 'headers as name=value, separated by commas',
} as const;
type Token = keyof typeof FORMAT_TOKENS;

/** A parsed format string: literal bytes and tokens in turn. */
export type FormatString = readonly (Buffer | Token)[];

/**
 * Parses a format string as kcat takes it: `%t`-like tokens, `%%`, and the escapes `\n`, `\r`,
 * `\t`, `\xNN` (one or two hex digits) and `\NNN` (octal with a leading zero, else decimal, up to
 * 255); a backslash before anything else stands for that character.
 *
 * @throws SegctlError `format-string` with the position of what isn't known.
 */
export function parseFormatString(text: string): FormatString {
  const parts: (Buffer | Token)[] = [];
  const piece =
    /%(?<token>[\s\S]?)|\\x(?<hex>[0-9a-fA-F]{1,2})|\\(?<digits>[0-9]{1,3})|\\(?<character>[\s\S]?)|[^%\\]+/gu;
  for (const match of text.matchAll(piece)) {
    const { token, hex, digits, character } = match.groups ?? {};
    if (token !== undefined && isToken(token)) parts.push(token);
    else if (token === '%') parts.push(Buffer.from('%'));
    else if (token !== undefined) throw formatError(text, match.index, `%${token} is no token`);
    else if (hex !== undefined) parts.push(Buffer.from([Number.parseInt(hex, 16)]));
    else if (digits !== undefined) parts.push(byteOf(digits, text, match.index));
    else if (character === 'x') throw formatError(text, match.index, '\\x needs hex digits');
    else if (character === '')
      throw formatError(text, match.index, 'nothing follows the backslash');
    else if (character !== undefined) parts.push(Buffer.from(ESCAPES.get(character) ?? character));
    else parts.push(Buffer.from(match[0]));
  }
  return parts;
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

function isToken(letter: string): letter is Token {
  return Object.hasOwn(FORMAT_TOKENS, letter);
}

function byteOf(digits: string, text: string, position: number): Buffer {
  const byte = digits.startsWith('0') ? Number(`0o0${digits}`) : Number(digits);
  if (!(byte <= 255)) throw formatError(text, position, `\\${digits} is no byte`);
  return Buffer.from([byte]);
}

function formatError(format: string, position: number, reason: string): SegctlError {
  const tokens = Object.keys(FORMAT_TOKENS).map((token) => `%${token}`);
  return new SegctlError(`the format string can't be read: ${reason}`, {
    code: 'format-string',
    exit: 'usage',
    facts: { format, position },
    remedy: `use ${tokens.join(' ')} %% and the escapes \\n \\r \\t \\xNN \\\\`,
  });
}

/**
 * Writes records as a format string says: values as their bytes, null as nothing (`%K`, `%S` and
 * `%R` tell it from empty), and in headers as NULL, as kcat does. A forced encoding applies to keys,
 * values and header values, not to lengths. On a terminal what comes from records is escaped.
 */
export function formatStringWriter(
  format: FormatString,
  options: RecordWriterOptions,
): RecordWriter {
  return {
    isWholeDocument: false,
    start: () => '',
    records: (range) => {
      const parts: Buffer[] = [];
      for (let row = range.from; row < range.to; row++) {
        for (const part of format) {
          parts.push(typeof part === 'string' ? tokenBytes(part, range, row, options) : part);
        }
      }
      return Buffer.concat(parts);
    },
    end: () => '',
  };
}

const NOTHING = Buffer.alloc(0);

function tokenBytes(
  token: Token,
  range: RecordRange,
  row: number,
  options: RecordWriterOptions,
): Buffer {
  const { columns } = range;
  switch (token) {
    case 't':
      return shown(Buffer.from(range.topic), 'auto', options);
    case 'p':
      return Buffer.from(String(range.partition));
    case 'o':
      return Buffer.from(at(columns.offset, row).toString());
    case 'T':
      return Buffer.from(at(columns.timestamp, row).toString());
    case 'k':
      return shown(bytesAt(columns.key, row), options.encoding, options);
    case 's':
      return shown(bytesAt(columns.value, row), options.encoding, options);
    case 'K':
      return Buffer.from(String(bytesAt(columns.key, row)?.length ?? -1));
    case 'S':
      return Buffer.from(String(bytesAt(columns.value, row)?.length ?? -1));
    case 'R': {
      const length = Buffer.alloc(4);
      length.writeInt32BE(bytesAt(columns.value, row)?.length ?? -1);
      return shown(length, 'auto', options);
    }
    case 'h':
      return headerList(parseHeaders(bytesAt(columns.headers, row) ?? NOTHING), options);
  }
}

function headerList(headers: readonly RecordHeader[], options: RecordWriterOptions): Buffer {
  const parts: Buffer[] = [];
  for (const { key, value } of headers) {
    if (parts.length > 0) parts.push(Buffer.from(','));
    parts.push(shown(Buffer.from(key), 'auto', options), Buffer.from('='));
    const bytes = asBuffer(value);
    parts.push(bytes === null ? Buffer.from('NULL') : shown(bytes, options.encoding, options));
  }
  return Buffer.concat(parts);
}

function shown(bytes: Buffer | null, encoding: ByteEncoding, options: RecordWriterOptions): Buffer {
  if (bytes === null) return NOTHING;
  const encoded = encoding === 'auto' ? bytes : Buffer.from(encodeBytes(bytes, encoding).text);
  return options.terminal ? Buffer.from(bytesForTerminal(encoded)) : encoded;
}
