import { type Column, csvHeader, csvRow, machineRow } from './column.ts';
import { wholeDocument } from './document-spool.ts';
import { type JsonValue, toJson } from './json.ts';

export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'jsonl', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface RenderOptions {
  readonly format: OutputFormat;
  /** Columns of the terminal that stdout is; absent where it is none. */
  readonly width?: number | undefined;
  readonly color: boolean;
  /** Whether stdout is a terminal: CSV then has its control characters escaped too. */
  readonly terminal: boolean;
}

/** A list, described once and rendered in every format. */
export interface ListResult<Row> {
  readonly columns: readonly Column<Row>[];
  /**
   * An array is streamed straight out. Anything else may fail half way, so as JSON it is held back
   * until it is complete (see wholeDocument).
   */
  readonly rows: readonly Row[] | Iterable<Row> | AsyncIterable<Row>;
  /** What people read instead of a table without rows: `no segment matches`. */
  readonly empty?: string;
  /** Lines under the table, such as totals; asked for after the last row. */
  readonly footer?: () => string;
  /**
   * Makes the JSON document an object: the rows under `key`, then the members of `rest`, which is
   * asked for after the last row. Without it the document is the array of rows.
   */
  readonly document?: { readonly key: string; readonly rest: () => { [key: string]: JsonValue } };
}

/** Rows that are laid out, encoded or written together. */
const PAGE_ROWS = 1000;

/** The list in `options.format`, in chunks. Machine formats carry all columns, tables some. */
export async function* renderList<Row>(
  list: ListResult<Row>,
  options: RenderOptions,
): AsyncGenerator<string | Uint8Array> {
  switch (options.format) {
    case 'json':
      yield* Array.isArray(list.rows) ? jsonDocument(list) : wholeDocument(jsonDocument(list));
      return;
    case 'jsonl':
      for await (const page of pages(list.rows)) {
        yield page.map((row) => `${toJson(machineRow(list.columns, row))}\n`).join('');
      }
      return;
    case 'csv':
      yield* csvDocument(list, options);
      return;
    case 'table':
    case 'wide':
      yield* tableDocument(list, options);
      return;
  }
}

async function* pages<Row>(rows: ListResult<Row>['rows']): AsyncGenerator<Row[]> {
  if (Array.isArray(rows)) {
    for (let i = 0; i < rows.length; i += PAGE_ROWS) yield rows.slice(i, i + PAGE_ROWS);
    return;
  }
  let page: Row[] = [];
  for await (const row of rows) {
    page.push(row);
    if (page.length < PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** One row a line, so that line tools can look into the document too. */
async function* jsonDocument<Row>(list: ListResult<Row>): AsyncGenerator<string> {
  const { document } = list;
  let before = document === undefined ? '[' : `{${toJson(document.key)}:[`;
  for await (const page of pages(list.rows)) {
    yield `${before}\n${page.map((row) => toJson(machineRow(list.columns, row))).join(',\n')}`;
    before = ',';
  }
  const close = before === ',' ? '\n]' : `${before}]`;
  const rest = Object.entries(document?.rest() ?? {});
  const members = rest.map(([key, value]) => `,\n${toJson(key)}:${toJson(value)}`).join('');
  yield `${close}${members}${document === undefined ? '' : '}'}\n`;
}

async function* csvDocument<Row>(
  list: ListResult<Row>,
  options: RenderOptions,
): AsyncGenerator<string> {
  const { csvRows } = await import('./csv.ts');
  yield csvRows([csvHeader(list.columns)]);
  for await (const page of pages(list.rows)) {
    yield csvRows(page.map((row) => csvRow(list.columns, row, options.terminal)));
  }
}

async function* tableDocument<Row>(
  list: ListResult<Row>,
  options: RenderOptions,
): AsyncGenerator<string> {
  const [{ TableLayout }, { humanColumns }] = await Promise.all([
    import('./table.ts'),
    import('./human-column.ts'),
  ]);
  const columns = humanColumns(list.columns, options.format === 'wide');
  const layout = new TableLayout(
    columns.map(({ column }) => column),
    options,
  );
  let any = false;
  for await (const page of pages(list.rows)) {
    any = true;
    yield layout.page(page.map((row) => columns.map(({ text }) => text(row))));
  }
  if (!any && list.empty !== undefined) yield `${list.empty}\n`;
  if (any && list.footer !== undefined) yield `${list.footer().trimEnd()}\n`;
  const { leftOut } = layout;
  if (leftOut.length > 0) yield `(no room for ${leftOut.join(', ')})\n`;
}

/** One thing in full, described by the same columns as a list of its kind. */
export interface DetailResult<Row> {
  readonly columns: readonly Column<Row>[];
  readonly row: Row;
}

/** The thing in `options.format`: fields below each other, an object, or a header and one line. */
export async function renderDetail<Row>(
  detail: DetailResult<Row>,
  options: RenderOptions,
): Promise<string> {
  const { columns, row } = detail;
  switch (options.format) {
    case 'json':
      return `${toJson(machineRow(columns, row), 2)}\n`;
    case 'jsonl':
      return `${toJson(machineRow(columns, row))}\n`;
    case 'csv': {
      const { csvRows } = await import('./csv.ts');
      return csvRows([csvHeader(columns), csvRow(columns, row, options.terminal)]);
    }
    case 'table':
    case 'wide': {
      const [{ renderFields }, { humanColumns }] = await Promise.all([
        import('./table.ts'),
        import('./human-column.ts'),
      ]);
      const shown = humanColumns(columns, true);
      return renderFields(
        shown.map(({ column, text }) => [column.header.toLowerCase(), text(row)] as const),
        options,
      );
    }
  }
}
