import { parseHeaders } from '../../core/record-batch/header-json.ts';
import { humanTime, plural } from '../human.ts';
import { escapeForTerminal } from '../terminal-text.ts';
import { BATCH_FIELDS, timestampTypeAt } from './batch-fields.ts';
import { controlMarkerAt } from './control-marker.ts';
import { at, bytesAt, type RecordRange } from './record-range.ts';
import type { RecordWriter, RecordWriterOptions } from './record-writer.ts';

const BYTES_A_LINE = 16;

/** A heading for each record, then its key, value and header values as `hexdump -C` shows bytes. */
export function hexWriter(options: RecordWriterOptions): RecordWriter {
  return {
    isWholeDocument: false,
    start: () => '',
    records: (range) => {
      const texts: string[] = [];
      for (let row = range.from; row < range.to; row++) texts.push(recordText(range, row, options));
      return texts.join('');
    },
    end: () => '',
  };
}

function recordText(range: RecordRange, row: number, options: RecordWriterOptions): string {
  const { columns } = range;
  const timestamp = at(columns.timestamp, row);
  const marker = controlMarkerAt(range, row);
  const batch = BATCH_FIELDS.map(({ key, value }) => `${key} ${value(columns, row)}`);
  const headers = parseHeaders(bytesAt(columns.headers, row) ?? new Uint8Array());
  return [
    `== ${escapeForTerminal(range.topic)}:${range.partition} offset ${at(columns.offset, row)}`,
    ` ${timestampTypeAt(columns, row)} ${timestamp} (${humanTime(timestamp, 'ms')})`,
    marker === null ? '\n' : ` [${marker.type}]\n`,
    options.batchInfo ? `batch: ${batch.join(' ')}\n` : '',
    section('key', bytesAt(columns.key, row)),
    section('value', bytesAt(columns.value, row)),
    ...headers.map(({ key, value }) => section(`header ${escapeForTerminal(key)}`, value)),
    '\n',
  ].join('');
}

function section(name: string, bytes: Uint8Array | null): string {
  if (bytes === null) return `${name}: null\n`;
  return `${name}: ${plural(bytes.length, 'byte')}\n${hexDump(bytes)}`;
}

/** Lines of `offset  16 bytes in hex  |as ASCII|`; '' for no bytes. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += BYTES_A_LINE) {
    const line = Buffer.from(bytes.subarray(start, start + BYTES_A_LINE));
    const pairs = line.toString('hex').replace(/../g, '$& ');
    const hex = `${pairs.slice(0, 24).padEnd(24)} ${pairs.slice(24)}`.padEnd(49);
    const ascii = line.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    lines.push(`${start.toString(16).padStart(8, '0')}  ${hex} |${ascii}|\n`);
  }
  return lines.join('');
}
