import { stringify } from 'csv-stringify/sync';

const QUOTED_EMPTY = { value: '', quoted_empty: true } as const;

/**
 * Rows as CSV (RFC 4180, but ended by line feeds alone, as most tools write and read them). null is
 * an empty field and the empty string is `""`, so that readers which look at quotes tell them apart.
 */
export function csvRows(rows: readonly (readonly (string | null)[])[]): string {
  return stringify(
    rows.map((row) => [...row]),
    { quoted_match: /\r/, cast: { string: (text) => (text === '' ? QUOTED_EMPTY : text) } },
  );
}
