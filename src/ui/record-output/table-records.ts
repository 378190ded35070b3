import { parseHeaders } from '../../core/record-batch/header-json.ts';
import { humanTime } from '../human.ts';
import { MAX_CUT_WIDTH, type TableColumn, TableLayout } from '../table.ts';
import { bytesForTerminal } from '../terminal-text.ts';
import { BATCH_FIELDS, timestampTypeAt } from './batch-fields.ts';
import { type ByteEncoding, encodeBytes } from './byte-encoding.ts';
import { controlMarkerAt } from './control-marker.ts';
import { asBuffer, at, bytesAt, type RecordRange } from './record-range.ts';
import type { RecordWriter, RecordWriterOptions } from './record-writer.ts';

const COLUMNS: readonly TableColumn[] = [
  { header: 'PARTITION', align: 'right', drop: 1 },
  { header: 'OFFSET', align: 'right' },
  { header: 'TIMESTAMP', drop: 2 },
  { header: 'KEY', cut: 'middle' },
  { header: 'VALUE', cut: 'end' },
];
const WIDE_COLUMNS: readonly TableColumn[] = [
  { header: 'TIMESTAMP TYPE' },
  { header: 'HEADERS', cut: 'end' },
];

/**
 * For people: controls escaped, bytes that aren't text as `\xNN`, `(null)` and `(empty)` told apart,
 * markers as `[COMMIT]`. Keys and values are cut to fit: whole values are for the other formats.
 */
export function tableWriter(wide: boolean, options: RecordWriterOptions): RecordWriter {
  const batch = options.batchInfo ? BATCH_FIELDS : [];
  const layout = new TableLayout(
    [
      ...COLUMNS,
      ...(wide ? WIDE_COLUMNS : []),
      ...batch.map(({ header }) => ({ header, align: 'right' as const })),
    ],
    options,
  );
  // A cell is cut anyway, so megabytes needn't be made into text: 4 bytes a column hold any UTF-8.
  const reach = Math.min(options.width ?? MAX_CUT_WIDTH, MAX_CUT_WIDTH) * 4;
  const cells = (range: RecordRange, row: number) => [
    ...plainCells(range, row, options.encoding, reach),
    ...(wide ? wideCells(range, row, options.encoding, reach) : []),
    ...batch.map(({ value }) => String(value(range.columns, row))),
  ];
  return {
    isWholeDocument: false,
    start: () => '',
    records: (range) => {
      const rows: string[][] = [];
      for (let row = range.from; row < range.to; row++) rows.push(cells(range, row));
      return rows.length === 0 ? '' : layout.page(rows);
    },
    end: () => '',
  };
}

function plainCells(
  range: RecordRange,
  row: number,
  encoding: ByteEncoding,
  reach: number,
): string[] {
  const { columns } = range;
  const marker = controlMarkerAt(range, row);
  const epoch = marker?.coordinatorEpoch ?? null;
  return [
    String(range.partition),
    at(columns.offset, row).toString(),
    humanTime(at(columns.timestamp, row), 'ms'),
    marker === null ? shown(bytesAt(columns.key, row), encoding, reach) : `[${marker.type}]`,
    marker === null
      ? shown(bytesAt(columns.value, row), encoding, reach)
      : epoch === null
        ? ''
        : `coordinator epoch ${epoch}`,
  ];
}

function wideCells(
  { columns }: RecordRange,
  row: number,
  encoding: ByteEncoding,
  reach: number,
): string[] {
  const headers = parseHeaders(bytesAt(columns.headers, row) ?? new Uint8Array());
  const pairs = headers.map(({ key, value }) => {
    const bytes = asBuffer(value);
    return `${bytesForTerminal(Buffer.from(key), reach)}=${shown(bytes, encoding, reach)}`;
  });
  return [timestampTypeAt(columns, row), pairs.join(' ')];
}

function shown(bytes: Buffer | null, encoding: ByteEncoding, reach: number): string {
  if (bytes === null) return '(null)';
  if (bytes.length === 0) return '(empty)';
  if (encoding === 'base64' || encoding === 'hex') {
    return encodeBytes(bytes.subarray(0, reach), encoding).text;
  }
  return bytesForTerminal(bytes, reach);
}
