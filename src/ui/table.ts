import CliTable3 from 'cli-table3';
import pc from 'picocolors';
import { displayWidth, truncate } from './display-width.ts';

export interface TableColumn {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /**
   * How cells may be cut when the table is wider than the terminal: `middle` for names, keys and
   * ids, `end` for values. Without it a column is never cut: numbers and times stay whole.
   */
  readonly cut?: 'middle' | 'end';
  /** The column is left out where the terminal is too narrow for all; the highest number first. */
  readonly drop?: number;
}

export interface TableOptions {
  /** Columns of the terminal; absent where there is none, and then only MAX_CUT_WIDTH cuts. */
  readonly width?: number | undefined;
  readonly color: boolean;
}

const GAP = 2;
/** No column is cut below this, whatever the terminal: better a wrapped line than an unreadable one. */
const MIN_CUT_WIDTH = 8;
/** Columns are left out before those that may be cut get narrower than this. */
const READABLE_WIDTH = 16;
/**
 * A cell that may be cut is cut here even where no terminal sets a limit: a column is padded to its
 * widest cell, and one value of a megabyte would make a megabyte of every line.
 */
export const MAX_CUT_WIDTH = 500;

/**
 * cli-table3 takes some 30 us a cell, which a listing of 100,000 segments can't afford: it lays out
 * the rows up to here, and the rest follows at the widths that it was given.
 */
const DRAWN_ROWS = 50;

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
} as const;

/**
 * Lays out rows of a table page by page, so that a listing of any length is printed with bounded
 * memory: every page's columns are at least as wide as the page's before, and the header comes
 * once. Cells are final text without line breaks or control characters (see terminal-text.ts).
 */
export class TableLayout {
  readonly #all: readonly TableColumn[];
  readonly #options: TableOptions;
  /** The columns that have room, by their places among all; settled by the first page. */
  #places: readonly number[];
  #columns: readonly TableColumn[];
  #widths: number[] | undefined;

  constructor(columns: readonly TableColumn[], options: TableOptions) {
    this.#all = columns;
    this.#options = options;
    this.#columns = columns;
    this.#places = columns.map((_, i) => i);
  }

  /** Headers of the columns that the terminal has no room for. */
  get leftOut(): string[] {
    return this.#all.filter((one) => !this.#columns.includes(one)).map(({ header }) => header);
  }

  /** The next rows as lines, each ended by a line feed; the first page is preceded by the header. */
  page(whole: readonly (readonly string[])[]): string {
    const first = this.#widths === undefined;
    if (first) {
      this.#places = placesWithRoom(this.#all, whole, this.#options.width);
      this.#columns = this.#places.flatMap((place) => this.#all[place] ?? []);
    }
    const rows = whole.map((row) => this.#places.map((place) => row[place] ?? ''));
    const before = this.#widths ?? this.#columns.map((column) => displayWidth(column.header));
    const natural = before.map((width, i) =>
      rows.reduce((widest, row) => Math.max(widest, displayWidth(row[i] ?? '')), width),
    );
    const widths = fitWidths(natural, this.#columns, this.#options.width);
    this.#widths = widths;
    const cells = rows.map((row) => this.#columns.map((_, i) => this.#cell(row[i] ?? '', i)));
    if (!first) return this.#plain(cells);
    const header = this.#columns.map((column, i) => this.#pad(column.header, i));
    const shown = this.#options.color ? header.map((text) => colors.bold(text)) : header;
    return (
      this.#draw([shown, ...cells.slice(0, DRAWN_ROWS)]) + this.#plain(cells.slice(DRAWN_ROWS))
    );
  }

  #cell(text: string, i: number): string {
    const cut = this.#columns[i]?.cut;
    const width = this.#widths?.[i] ?? 0;
    return cut === undefined || displayWidth(text) <= width ? text : truncate(text, width, cut);
  }

  #pad(text: string, i: number): string {
    const missing = ' '.repeat(Math.max(0, (this.#widths?.[i] ?? 0) - displayWidth(text)));
    return this.#columns[i]?.align === 'right' ? missing + text : text + missing;
  }

  #draw(cells: readonly (readonly string[])[]): string {
    const table = new CliTable3({
      chars: BORDERLESS,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      colAligns: this.#columns.map((column) => column.align ?? 'left'),
    });
    table.push(...cells.map((row) => [...row]));
    return trimLines(table.toString().split('\n'));
  }

  /** What #draw gives for rows without a header, at the widths that are settled by then. */
  #plain(cells: readonly (readonly string[])[]): string {
    return trimLines(
      cells.map((row) => row.map((text, i) => this.#pad(text, i)).join(' '.repeat(GAP))),
    );
  }
}

function trimLines(lines: readonly string[]): string {
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Leaves out columns, those with the highest `drop` first, until the others fit readably. */
function placesWithRoom(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  available: number | undefined,
): readonly number[] {
  let places = columns.map((_, i) => i);
  if (available === undefined) return places;
  const needed = columns.map(({ header, cut }, i) => {
    const widest = rows.reduce(
      (width, row) => Math.max(width, displayWidth(row[i] ?? '')),
      displayWidth(header),
    );
    return GAP + (cut === undefined ? widest : Math.min(widest, READABLE_WIDTH));
  });
  const room = available + GAP;
  while (places.reduce((sum, place) => sum + (needed[place] ?? 0), 0) > room) {
    const ranks = places.map((place) => columns[place]?.drop ?? 0);
    const highest = Math.max(...ranks);
    if (highest === 0) return places;
    const dropped = places[ranks.indexOf(highest)];
    places = places.filter((place) => place !== dropped);
  }
  return places;
}

/** Takes from the widest cuttable columns, in turn, what the terminal is too narrow for. */
function fitWidths(
  natural: readonly number[],
  columns: readonly TableColumn[],
  available: number | undefined,
): number[] {
  const widths = natural.map((width, i) =>
    columns[i]?.cut === undefined ? width : Math.min(width, MAX_CUT_WIDTH),
  );
  if (available === undefined) return widths;
  let excess = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - available;
  while (excess > 0) {
    const cuttable = columns.flatMap((column, i) =>
      column.cut !== undefined && (widths[i] ?? 0) > MIN_CUT_WIDTH ? [i] : [],
    );
    const widest = Math.max(...cuttable.map((i) => widths[i] ?? 0));
    const widestOnes = cuttable.filter((i) => widths[i] === widest);
    if (widestOnes.length === 0) return widths;
    const next = Math.max(
      MIN_CUT_WIDTH,
      ...cuttable.map((i) => widths[i] ?? 0).filter((width) => width < widest),
    );
    const step = Math.min(widest - next, Math.ceil(excess / widestOnes.length));
    for (const i of widestOnes) {
      const cut = Math.min(step, excess);
      widths[i] = widest - cut;
      excess -= cut;
    }
  }
  return widths;
}

const colors = pc.createColors(true);

/** A whole table at once; '' without rows. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string {
  return rows.length === 0 ? '' : new TableLayout(columns, options).page(rows);
}

/** Labels and values below each other, for one thing in full. Values are never cut. */
export function renderFields(
  fields: readonly (readonly [label: string, value: string])[],
  options: { readonly color: boolean; readonly indent?: number },
): string {
  const width = Math.max(0, ...fields.map(([label]) => displayWidth(label)));
  const indent = ' '.repeat(options.indent ?? 0);
  return fields
    .map(([label, value]) => {
      const padding = ' '.repeat(width - displayWidth(label) + GAP);
      const shown = options.color ? colors.dim(label) : label;
      return `${`${indent}${shown}${padding}${value}`.trimEnd()}\n`;
    })
    .join('');
}
