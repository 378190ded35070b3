import { parseHeaders } from '../record-batch/header-json.ts';
import { bytesAt, type RecordColumns } from '../record-batch/record-columns.ts';

/** Says yes to the records that are wanted. */
export type RecordFilter = (columns: RecordColumns, row: number) => boolean;

export interface RecordFilterSpec {
  /** The record's key, byte for byte. */
  readonly key?: Uint8Array;
  /** Every one has to be there; without a value any value does. */
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | undefined }[];
  /** Matched against the value as UTF-8 text. A tombstone never matches. */
  readonly grep?: RegExp;
}

/** Joins the conditions by "and"; undefined when there is none. */
export function recordFilter(spec: RecordFilterSpec): RecordFilter | undefined {
  const filters: RecordFilter[] = [];
  const { key, headers = [], grep } = spec;
  if (key !== undefined) filters.push((columns, row) => equal(bytesAt(columns.key, row), key));
  if (headers.length > 0) {
    filters.push((columns, row) => {
      const text = bytesAt(columns.headers, row);
      if (text === null) return false;
      const found = parseHeaders(text);
      return headers.every((wanted) =>
        found.some(
          (one) =>
            one.key === wanted.key &&
            (wanted.value === undefined || equal(one.value, wanted.value)),
        ),
      );
    });
  }
  if (grep !== undefined) {
    filters.push((columns, row) => {
      const value = bytesAt(columns.value, row);
      // A RegExp with the g or y flag would remember its place between records.
      return value !== null && Buffer.from(value).toString('utf8').search(grep) !== -1;
    });
  }
  if (filters.length === 0) return undefined;
  return (columns, row) => filters.every((filter) => filter(columns, row));
}

function equal(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}
