import { SegctlError } from '../../core/segctl-error.ts';
import type { ByteEncoding } from './byte-encoding.ts';
import type { FormatString } from './format-string.ts';
import { at, type RecordRange, splitRange } from './record-range.ts';

export const RECORD_FORMATS = ['table', 'wide', 'json', 'jsonl', 'csv', 'hex'] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

export interface RecordWriterOptions {
  /** Also the fields of each record's batch. */
  readonly batchInfo: boolean;
  readonly encoding: ByteEncoding;
  /** Columns of the terminal that stdout is; absent where it is none. */
  readonly width?: number | undefined;
  readonly color: boolean;
  /** Whether stdout is a terminal: what a terminal would obey is then escaped in every format. */
  readonly terminal: boolean;
}

/** Makes text or bytes of records, range by range; it writes nothing itself. */
export interface RecordWriter {
  /** Whether the output is worth nothing until `end()`: pass it through `wholeDocument` then. */
  readonly isWholeDocument: boolean;
  /** What comes before the first record. */
  start(): string;
  /** Records in the order in which they are to appear, also of several partitions. */
  records(range: RecordRange): string | Uint8Array;
  /** What comes after the last record. */
  end(): string;
}

/** A writer for a named format or a parsed format string; loads what that format needs alone. */
export async function createRecordWriter(
  format: RecordFormat | FormatString,
  options: RecordWriterOptions,
): Promise<RecordWriter> {
  switch (format) {
    case 'json':
      return (await import('./json-records.ts')).jsonWriter(options);
    case 'jsonl':
      return (await import('./json-records.ts')).jsonlWriter(options);
    case 'csv':
      return (await import('./csv-records.ts')).csvWriter(options);
    case 'hex':
      return (await import('./hex-records.ts')).hexWriter(options);
    case 'table':
    case 'wide':
      return (await import('./table-records.ts')).tableWriter(format === 'wide', options);
    default:
      return (await import('./format-string.ts')).formatStringWriter(format, options);
  }
}

const CHUNK_ROWS = 1000;
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * What `writer` makes of a range of any size, in chunks of a bounded number of records and bytes.
 *
 * @throws SegctlError `record-too-large` for a record whose text exceeds what a string can hold
 * (512 MiB), and `headers-malformed`.
 */
export function* recordChunks(
  writer: RecordWriter,
  range: RecordRange,
): Generator<string | Uint8Array> {
  for (const piece of splitRange(range, CHUNK_ROWS, CHUNK_BYTES)) yield chunkOf(writer, piece);
}

function chunkOf(writer: RecordWriter, piece: RecordRange): string | Uint8Array {
  try {
    return writer.records(piece);
  } catch (cause) {
    if (!isTooLong(cause)) throw cause;
    throw new SegctlError('a record is too large for this format', {
      code: 'record-too-large',
      facts: {
        topic: piece.topic,
        partition: piece.partition,
        offset: at(piece.columns.offset, piece.from),
      },
      remedy: "fetch it with --raw, or with the format string '%s'",
      cause,
    });
  }
}

function isTooLong(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isStringLimit = 'code' in error && error.code === 'ERR_STRING_TOO_LONG';
  return (
    isStringLimit || (error instanceof RangeError && error.message === 'Invalid string length')
  );
}
