import type { OffsetSpec } from '../../core/fetch/offset-spec.ts';
import { parseOffsetBound, parseOffsetSpec } from '../../core/fetch/offset-spec.ts';
import type { RecordFilterSpec } from '../../core/fetch/record-filter.ts';
import { parseCount, parseSize } from '../../core/quantities.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import type { ByteEncoding } from '../../ui/record-output/byte-encoding.ts';
import { type FormatString, parseFormatString } from '../../ui/record-output/format-string.ts';
import { RECORD_FORMATS, type RecordFormat } from '../../ui/record-output/record-writer.ts';
import { parseSelector, type Selector } from '../selection.ts';

/** Kafka's names of its consumers' isolation levels. */
export const ISOLATION_LEVELS = ['read_uncommitted', 'read_committed'] as const;

export interface FetchFlags {
  readonly offset: string;
  readonly until?: string;
  readonly count?: string;
  readonly key?: string;
  readonly header?: readonly string[];
  readonly grep?: string;
  readonly isolation: (typeof ISOLATION_LEVELS)[number];
  readonly includeControl?: boolean;
  readonly batchInfo?: boolean;
  readonly encoding: ByteEncoding;
  readonly raw?: boolean;
  readonly printDataLog?: boolean;
  readonly output?: string;
  readonly maxUnpacked: string;
}

export type FetchFormat =
  | { readonly kind: 'records'; readonly format: RecordFormat | FormatString }
  | { readonly kind: 'raw' }
  | { readonly kind: 'dump'; readonly printData: boolean };

/** What is asked for, as values. */
export interface FetchQuery {
  readonly selector: Selector;
  readonly spec: OffsetSpec;
  /** Records over all partitions. */
  readonly count: number;
  readonly filter: RecordFilterSpec;
  readonly readCommitted: boolean;
  readonly includeControl: boolean;
  readonly format: FetchFormat;
  readonly batchInfo: boolean;
  readonly encoding: ByteEncoding;
  readonly outputFile: string | undefined;
  readonly maxUnpackedBytes: number;
}

/** Turns words into values. Throws usage errors that name the flag. */
export function parseFetch(
  args: readonly string[],
  flags: FetchFlags,
  format: string | undefined,
  { nowMs, terminal }: { readonly nowMs: number; readonly terminal: boolean },
): FetchQuery {
  const selector = parseSelector(args[0] ?? '');
  const filter = parseFilter(flags);
  const fetchFormat = parseFormat(flags, format, terminal);
  if (fetchFormat.kind !== 'records' && Object.keys(filter).length > 0) {
    throw usage(
      'filters choose records, and whole batches are asked for',
      'leave out --key, --header and --grep, or use another format than --raw and dump',
    );
  }
  if (fetchFormat.kind === 'raw' && terminal && flags.output === undefined) {
    throw usage('--raw writes bytes that a terminal can not show', 'add -o FILE, or pipe it on');
  }
  return {
    selector,
    spec: parseSpec(flags, nowMs),
    count: flags.count === undefined ? Infinity : Number(parseCount(flags.count, '--count')),
    filter,
    readCommitted: flags.isolation === 'read_committed',
    includeControl: flags.includeControl === true,
    format: fetchFormat,
    batchInfo: flags.batchInfo === true,
    encoding: flags.encoding,
    outputFile: flags.output,
    maxUnpackedBytes: Number(parseSize(flags.maxUnpacked, '--max-unpacked')),
  };
}

function parseSpec({ offset, until }: FetchFlags, nowMs: number): OffsetSpec {
  const spec = parseOffsetSpec(offset, nowMs);
  if (until === undefined) return spec;
  if (spec.end !== null) {
    throw usage('--offset names an end already', 'leave out --until, or the part after the colon');
  }
  return { ...spec, end: parseOffsetBound(until, nowMs) };
}

function parseFilter({ key, header = [], grep, encoding }: FetchFlags): RecordFilterSpec {
  return {
    ...(key === undefined ? {} : { key: keyBytes(key, encoding) }),
    ...(header.length === 0 ? {} : { headers: header.map(parseHeader) }),
    ...(grep === undefined ? {} : { grep: parseRegExp(grep) }),
  };
}

function keyBytes(text: string, encoding: ByteEncoding): Uint8Array {
  if (encoding !== 'hex' && encoding !== 'base64') return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text, encoding);
  const written = bytes.toString(encoding);
  // Buffer.from drops what it can't read, and a cut key would find other records.
  if (written.replace(/=+$/, '') !== text.toLowerCase().replace(/=+$/, '') && written !== text) {
    throw usage(
      `--key ${JSON.stringify(text)} is not ${encoding}`,
      `give the key in ${encoding}, or leave out --encoding`,
    );
  }
  return bytes;
}

function parseHeader(text: string): { key: string; value: Uint8Array | undefined } {
  const equals = text.indexOf('=');
  if (equals === -1) return { key: text, value: undefined };
  return { key: text.slice(0, equals), value: Buffer.from(text.slice(equals + 1), 'utf8') };
}

function parseRegExp(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (cause) {
    throw new SegctlError(`--grep ${JSON.stringify(text)} is not a regular expression`, {
      code: 'invalid-regexp',
      exit: 'usage',
      facts: { why: cause instanceof Error ? cause.message : String(cause) },
      remedy: 'put a backslash before signs that stand for themselves, such as \\( and \\[',
    });
  }
}

function parseFormat(
  flags: FetchFlags,
  format: string | undefined,
  terminal: boolean,
): FetchFormat {
  const isDump = format === 'dump';
  if (flags.printDataLog === true && !isDump) {
    throw usage('--print-data-log goes with -f dump', 'add -f dump, or leave it out');
  }
  if (flags.raw === true) {
    if (format !== undefined) throw usage('--raw is a format of its own', 'leave out -f');
    return { kind: 'raw' };
  }
  if (isDump) return { kind: 'dump', printData: flags.printDataLog === true };
  if (format === undefined) return { kind: 'records', format: terminal ? 'table' : 'jsonl' };
  const named = RECORD_FORMATS.find((one) => one === format);
  if (named !== undefined) return { kind: 'records', format: named };
  if (/[%\\]/.test(format)) return { kind: 'records', format: parseFormatString(format) };
  throw usage(
    `--format ${JSON.stringify(format)} is not a format of fetch`,
    `use one of ${RECORD_FORMATS.join(', ')}, dump, or a format string such as '%o %s\\n'`,
  );
}

function usage(message: string, remedy: string): SegctlError {
  return new SegctlError(message, { code: 'invalid-fetch', exit: 'usage', remedy });
}
