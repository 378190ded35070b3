import type { Column } from './column.ts';
import { humanCount, humanDuration, humanSize, humanTime } from './human.ts';
import type { TableColumn } from './table.ts';
import { escapeForTerminal } from './terminal-text.ts';

/** What stands in a table where there is no value. */
const NONE = '-';

/** The columns of a table, or of a wide one, and how each makes a cell of a row. */
export function humanColumns<Row>(
  columns: readonly Column<Row>[],
  wide: boolean,
): { readonly column: TableColumn; readonly text: (row: Row) => string }[] {
  return columns
    .filter(({ show }) => show !== 'machine' && (wide || show !== 'wide'))
    .map((column) => ({ column: layoutOf(column), text: (row) => cellOf(column, row) }));
}

function layoutOf<Row>(column: Column<Row>): TableColumn {
  const { drop } = column;
  return drop === undefined ? cellLayout(column) : { ...cellLayout(column), drop };
}

function cellLayout<Row>(column: Column<Row>): TableColumn {
  const { header } = column;
  switch (column.type) {
    case 'text': {
      const cut = column.cut ?? 'middle';
      return cut === 'never' ? { header } : { header, cut };
    }
    case 'json':
      return { header, cut: 'end' };
    case 'time':
    case 'boolean':
      return { header };
    default:
      return { header, align: 'right' };
  }
}

function cellOf<Row>(column: Column<Row>, row: Row): string {
  if (column.type === 'json') return escapeForTerminal(column.text(row));
  if (column.type === 'text') return escapeForTerminal(column.value(row) ?? NONE);
  if (column.type === 'boolean') {
    const value = column.value(row);
    return value === null ? NONE : value ? 'yes' : 'no';
  }
  const value = column.value(row);
  return value === null ? NONE : HUMAN[column.type](value);
}

const HUMAN = {
  integer: (value: number | bigint) => value.toString(),
  count: humanCount,
  size: humanSize,
  duration: humanDuration,
  time: (value: number | bigint) => humanTime(value),
} as const;
