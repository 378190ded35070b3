import { csvRows } from '../csv.ts';
import { escapeForTerminal } from '../terminal-text.ts';
import { BATCH_FIELDS, timestampTypeAt } from './batch-fields.ts';
import { type ByteEncoding, encodeBytes } from './byte-encoding.ts';
import { controlMarkerAt } from './control-marker.ts';
import { headersJson } from './json-records.ts';
import { at, bytesAt, type RecordRange } from './record-range.ts';
import type { RecordWriter, RecordWriterOptions } from './record-writer.ts';

const HEADER = [
  'topic',
  'partition',
  'offset',
  'timestamp',
  'timestampType',
  'key',
  'keyEncoding',
  'value',
  'valueEncoding',
  'headers',
  'control',
];

/**
 * The members of the JSON form as columns. The encodings always stand there, empty for null, so
 * null and empty differ for every reader of CSV. `headers` is JSON text, `control` a marker's type.
 */
export function csvWriter(options: RecordWriterOptions): RecordWriter {
  const batchKeys = options.batchInfo ? BATCH_FIELDS.map(({ key }) => key) : [];
  return {
    isWholeDocument: false,
    start: () => csvRows([[...HEADER, ...batchKeys]]),
    records: (range) => {
      const rows: (string | null)[][] = [];
      for (let row = range.from; row < range.to; row++) rows.push(fields(range, row, options));
      return csvRows(rows);
    },
    end: () => '',
  };
}

function fields(range: RecordRange, row: number, options: RecordWriterOptions): (string | null)[] {
  const { columns } = range;
  const batch = options.batchInfo ? BATCH_FIELDS.map(({ value }) => value(columns, row)) : [];
  const all = [
    range.topic,
    String(range.partition),
    at(columns.offset, row).toString(),
    at(columns.timestamp, row).toString(),
    timestampTypeAt(columns, row),
    ...bytesFields(bytesAt(columns.key, row), options.encoding),
    ...bytesFields(bytesAt(columns.value, row), options.encoding),
    headersJson(bytesAt(columns.headers, row), options.encoding),
    controlMarkerAt(range, row)?.type ?? null,
    ...batch.map(String),
  ];
  return options.terminal ? all.map((field) => field && escapeForTerminal(field)) : all;
}

function bytesFields(bytes: Buffer | null, wanted: ByteEncoding): (string | null)[] {
  if (bytes === null) return [null, null];
  const { text, encoding } = encodeBytes(bytes, wanted);
  return [text, encoding];
}
