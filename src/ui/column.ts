import { type JsonValue, jsonInteger, toJson } from './json.ts';
import { rfc3339 } from './rfc3339.ts';
import { escapeForTerminal } from './terminal-text.ts';

interface ColumnBase {
  /** The camelCase key in JSON and the header in CSV: stable, and documented in docs/output.md. */
  readonly key: string;
  /** The header in tables, such as `SEGMENT`. */
  readonly header: string;
  /**
   * Which formats have it: all (the default); `wide` leaves it out of the plain table; `machine` out
   * of both tables; `human` out of JSON and CSV, for what is made of other columns there.
   */
  readonly show?: 'all' | 'wide' | 'machine' | 'human';
  /** Tables leave it out where the terminal is too narrow for all; the highest number first. */
  readonly drop?: number;
}

interface Typed<Row, Type extends string, Value> extends ColumnBase {
  readonly type: Type;
  readonly value: (row: Row) => Value | null;
}

type Integer = number | bigint;

/**
 * A column of a result: what it is called and how a row's value is had. The type says how it reads:
 *
 * | type     | value         | tables                        | JSON and CSV                      |
 * |----------|---------------|-------------------------------|-----------------------------------|
 * | text     | string        | controls escaped, cut to fit  | as it is                          |
 * | integer  | int64         | plain digits (offsets, ids)   | number, beyond 2^53-1 a string    |
 * | count    | int64         | 23,000                        | the same                          |
 * | size     | bytes         | 5.91 MiB                      | bytes                             |
 * | time     | epoch ms      | 2026-07-01T12:00:00Z          | `key` RFC 3339, `keyMs` epoch ms  |
 * | duration | ms            | 3d 4h                         | ms: end the key in Ms             |
 * | boolean  | boolean       | yes, no                       | true, false                       |
 * | json     | any           | what `text` gives             | nested; in CSV as JSON text       |
 *
 * null is `-` in tables and an empty field in CSV. A time beyond RFC 3339 is null, its ms exact.
 */
export type Column<Row> =
  | (Typed<Row, 'text', string> & { readonly cut?: 'middle' | 'end' | 'never' })
  | Typed<Row, 'integer' | 'count' | 'size' | 'duration', Integer>
  | Typed<Row, 'time', Integer>
  | Typed<Row, 'boolean', boolean>
  | (Typed<Row, 'json', JsonValue> & { readonly text: (row: Row) => string });

function machineColumns<Row>(columns: readonly Column<Row>[]): Column<Row>[] {
  return columns.filter((column) => column.show !== 'human');
}

/** A row as the object that JSON and JSON Lines hold. */
export function machineRow<Row>(
  columns: readonly Column<Row>[],
  row: Row,
): { [key: string]: JsonValue } {
  const object: { [key: string]: JsonValue } = {};
  for (const column of columns) {
    if (column.show === 'human') continue;
    if (column.type === 'time') {
      const value = column.value(row);
      object[column.key] = value === null ? null : rfc3339(value);
      object[`${column.key}Ms`] = typeof value === 'bigint' ? jsonInteger(value) : value;
    } else {
      const value = column.value(row);
      object[column.key] = typeof value === 'bigint' ? jsonInteger(value) : value;
    }
  }
  return object;
}

/** The CSV header: the JSON keys, in the columns' order. */
export function csvHeader<Row>(columns: readonly Column<Row>[]): string[] {
  return machineColumns(columns).flatMap((column) =>
    column.type === 'time' ? [column.key, `${column.key}Ms`] : [column.key],
  );
}

/** A row's CSV fields; with `terminal`, what a terminal would obey is escaped. */
export function csvRow<Row>(
  columns: readonly Column<Row>[],
  row: Row,
  terminal: boolean,
): (string | null)[] {
  const fields = machineColumns(columns).flatMap((column): (string | null)[] => {
    if (column.type === 'time') {
      const value = column.value(row);
      return value === null ? [null, null] : [rfc3339(value), value.toString()];
    }
    const value = column.value(row);
    if (value === null) return [null];
    return [column.type === 'json' ? toJson(value) : String(value)];
  });
  return terminal ? fields.map((field) => field && escapeForTerminal(field)) : fields;
}
