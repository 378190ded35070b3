import { parseHeaders } from '../../core/record-batch/header-json.ts';
import { jsonInteger, jsonString, toJson } from '../json.ts';
import { BATCH_FIELDS, timestampTypeAt } from './batch-fields.ts';
import { type ByteEncoding, encodeBytes } from './byte-encoding.ts';
import { controlMarkerAt } from './control-marker.ts';
import { asBuffer, at, bytesAt, type RecordRange } from './record-range.ts';
import type { RecordWriter, RecordWriterOptions } from './record-writer.ts';

/** One object a line. */
export function jsonlWriter(options: RecordWriterOptions): RecordWriter {
  return {
    isWholeDocument: false,
    start: () => '',
    records: (range) => recordTexts(range, options).join(''),
    end: () => '',
  };
}

/** An array with one object a line. */
export function jsonWriter(options: RecordWriterOptions): RecordWriter {
  let any = false;
  return {
    isWholeDocument: true,
    start: () => '[',
    records: (range) => {
      const text = recordTexts(range, options).join(',').trimEnd();
      const before = text === '' ? '' : any ? ',\n' : '\n';
      any ||= text !== '';
      return before + text;
    },
    end: () => (any ? '\n]\n' : ']\n'),
  };
}

function recordTexts(range: RecordRange, options: RecordWriterOptions): string[] {
  const head = `{"topic":${jsonString(range.topic)},"partition":${range.partition},"offset":`;
  const texts: string[] = [];
  for (let row = range.from; row < range.to; row++) {
    texts.push(`${head}${recordMembers(range, row, options)}\n`);
  }
  return texts;
}

function recordMembers(range: RecordRange, row: number, options: RecordWriterOptions): string {
  const { columns } = range;
  const { encoding } = options;
  const text =
    int64Text(at(columns.offset, row)) +
    `,"timestamp":${int64Text(at(columns.timestamp, row))}` +
    `,"timestampType":"${timestampTypeAt(columns, row)}"` +
    bytesMembers('key', bytesAt(columns.key, row), encoding) +
    bytesMembers('value', bytesAt(columns.value, row), encoding) +
    `,"headers":${headersJson(bytesAt(columns.headers, row), encoding)}`;
  const marker = controlMarkerAt(range, row);
  const control = marker === null ? '' : `,"control":${toJson({ ...marker })}`;
  return `${text}${control}${options.batchInfo ? batchMembers(range, row) : ''}}`;
}

function int64Text(value: bigint): string {
  const safe = jsonInteger(value);
  return typeof safe === 'number' ? String(safe) : `"${safe}"`;
}

/** `,"key":"..."` and, where that isn't the text itself, `,"keyEncoding":"base64"`. */
function bytesMembers(name: string, bytes: Buffer | null, wanted: ByteEncoding): string {
  if (bytes === null) return `,"${name}":null`;
  const { text, encoding } = encodeBytes(bytes, wanted);
  const member = `,"${name}":${jsonString(text)}`;
  return encoding === 'utf8' ? member : `${member},"${name}Encoding":"${encoding}"`;
}

/** The headers of a record as JSON text: an array of `{key, value, valueEncoding?}`. */
export function headersJson(archived: Buffer | null, encoding: ByteEncoding): string {
  if (archived === null) return '[]';
  const headers = parseHeaders(archived).map(({ key, value }) => {
    const bytes = asBuffer(value);
    return `{"key":${jsonString(key)}${bytesMembers('value', bytes, encoding)}}`;
  });
  return `[${headers.join(',')}]`;
}

function batchMembers({ columns }: RecordRange, row: number): string {
  return BATCH_FIELDS.map(({ key, value }) => `,"${key}":${toJson(value(columns, row))}`).join('');
}
