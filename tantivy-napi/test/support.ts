import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Batches, Column, ColumnBatch } from '../index.js';

export type Files = Map<string, Uint8Array>;
export type Value = bigint | number | boolean | string | Uint8Array | null;
export type Row = Record<string, Value>;

export function fixture(name: string): Files {
  const folder = fileURLToPath(new URL(`fixtures/${name}/`, import.meta.url));
  return new Map(readdirSync(folder).map((file) => [file, readFileSync(folder + file)]));
}

export function fixtureJson<T>(name: string): T {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL(`fixtures/${name}.json`, import.meta.url)), 'utf8'),
  ) as T;
}

export function isNull(column: Column, row: number): boolean {
  return column.nulls !== null && (((column.nulls[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}

export function valueAt(column: Column, row: number): Value {
  if (isNull(column, row)) return null;
  if (column.type === 'bytes' || column.type === 'text') {
    const bytes = column.data.slice(column.offsets[row], column.offsets[row + 1]);
    return column.type === 'text' ? new TextDecoder('utf-8', { fatal: true }).decode(bytes) : bytes;
  }
  const value = column.values[row];
  if (value === undefined) throw new RangeError(`no row ${row}`);
  return column.type === 'bool' ? value === 1 : value;
}

export function rowsOf(batch: ColumnBatch): Row[] {
  return Array.from({ length: batch.numDocs }, (_, row) =>
    Object.fromEntries(
      Object.entries(batch.columns).map(([name, column]) => [name, valueAt(column, row)]),
    ),
  );
}

export async function collect(batches: Batches): Promise<ColumnBatch[]> {
  const all: ColumnBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

export async function allRows(batches: Batches): Promise<Row[]> {
  return (await collect(batches)).flatMap(rowsOf);
}

/** Columns of the given types from rows, as `IndexBuilder.add` takes them. */
export function batchOf(
  types: Record<string, Column['type']>,
  rows: readonly Row[],
): { numDocs: number; columns: Record<string, Column> } {
  const columns = Object.fromEntries(
    Object.entries(types).map(([name, type]) => {
      const values = rows.map((row) => row[name] ?? null);
      const nulls = new Uint8Array((rows.length + 7) >> 3);
      values.forEach((value, row) => {
        if (value === null) nulls[row >> 3] = (nulls[row >> 3] ?? 0) | (1 << (row & 7));
      });
      return [name, { ...columnOf(type, values), nulls: values.includes(null) ? nulls : null }];
    }),
  );
  return { numDocs: rows.length, columns };
}

function columnOf(type: Column['type'], values: readonly Value[]): Column {
  switch (type) {
    case 'i64':
    case 'date':
      return { type, values: BigInt64Array.from(values, (v) => (v ?? 0n) as bigint), nulls: null };
    case 'u64':
      return { type, values: BigUint64Array.from(values, (v) => (v ?? 0n) as bigint), nulls: null };
    case 'f64':
      return { type, values: Float64Array.from(values, (v) => (v ?? 0) as number), nulls: null };
    case 'bool':
      return { type, values: Uint8Array.from(values, (v) => (v === true ? 1 : 0)), nulls: null };
    case 'bytes':
    case 'text': {
      const parts = values.map((value) =>
        typeof value === 'string'
          ? new TextEncoder().encode(value)
          : ((value ?? new Uint8Array()) as Uint8Array),
      );
      const offsets = new Uint32Array(values.length + 1);
      parts.forEach((part, row) => {
        offsets[row + 1] = (offsets[row] ?? 0) + part.length;
      });
      return { type, data: new Uint8Array(Buffer.concat(parts)), offsets, nulls: null };
    }
  }
}

/** The error that `action` ends with; fails if it ends well. */
export async function failureOf(
  action: () => unknown,
): Promise<Error & { code?: string; file?: string }> {
  try {
    await action();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
