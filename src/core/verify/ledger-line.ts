import { FINDINGS, type FindingId } from '../findings.ts';
import type { Fact } from '../segctl-error.ts';
import type { OffsetRun } from './offset-runs.ts';
import type { Problem, ScannedArchive } from './scan-archive.ts';

/** What one reading of one object showed. */
export interface LedgerRow {
  readonly kind: 'archive';
  readonly key: string;
  readonly version: string;
  readonly sizeBytes: number;
  /** Epoch ms, the store's. */
  readonly modifiedMs: number;
  /** Epoch ms, segctl's. */
  readonly readAtMs: number;
  /** Whether every byte was checked, or only what the records are read from. */
  readonly whole: boolean;
  readonly problems: readonly Problem[];
  /** Undefined for an archive that could not be read. */
  readonly scanned: ScannedArchive | undefined;
  /** The archive, in one version of it, that was seen to hold every record of this one. */
  readonly heldBy?: { readonly key: string; readonly version: string };
}

export interface LedgerRun {
  readonly kind: 'run';
  /** Which archives the run was over, as an opaque text. */
  readonly selection: string;
  readonly startedAtMs: number;
  readonly done: boolean;
}

/** One line without its line feed. int64s are texts such as `"42n"`. */
export function writeLedgerRow(row: LedgerRow): string {
  return JSON.stringify(row, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

export function writeRunLine(selection: string, startedAtMs: number, done: boolean): string {
  const run: LedgerRun = { kind: 'run', selection, startedAtMs, done };
  return JSON.stringify(run);
}

/** Undefined for what this segctl did not write or did not finish writing. */
export function parseLedgerLine(line: string): LedgerRow | LedgerRun | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
    const fields = record(value);
    return fields.kind === 'run' ? parseRun(fields) : parseRow(fields);
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

class Invalid extends Error {}

function parseRun(fields: Fields): LedgerRun {
  return {
    kind: 'run',
    selection: text(fields.selection),
    startedAtMs: number(fields.startedAtMs),
    done: boolean(fields.done),
  };
}

function parseRow(fields: Fields): LedgerRow {
  if (fields.kind !== 'archive') throw new Invalid();
  return {
    kind: 'archive',
    key: text(fields.key),
    version: text(fields.version),
    sizeBytes: number(fields.sizeBytes),
    modifiedMs: number(fields.modifiedMs),
    readAtMs: number(fields.readAtMs),
    whole: boolean(fields.whole),
    problems: list(fields.problems).map(parseProblem),
    scanned: fields.scanned === undefined ? undefined : parseScanned(record(fields.scanned)),
    ...(fields.heldBy === undefined ? {} : { heldBy: parseHeldBy(record(fields.heldBy)) }),
  };
}

function parseHeldBy(fields: Fields): { key: string; version: string } {
  return { key: text(fields.key), version: text(fields.version) };
}

function parseProblem(value: unknown): Problem {
  const fields = record(value);
  const id = text(fields.id);
  if (!isFindingId(id)) throw new Invalid();
  const facts = Object.entries(record(fields.facts)).map(([name, one]): [string, Fact] => [
    name,
    fact(one),
  ]);
  return { id, facts: Object.fromEntries(facts) };
}

function isFindingId(id: string): id is FindingId {
  return Object.hasOwn(FINDINGS, id);
}

function parseScanned(fields: Fields): ScannedArchive {
  const stats = record(fields.stats);
  const optional = (value: unknown): bigint | undefined =>
    value === undefined ? undefined : int64(value);
  return {
    topic: text(fields.topic),
    partition: number(fields.partition),
    createdAtSeconds: int64(fields.createdAtSeconds),
    metadataRecords: int64(fields.metadataRecords),
    stats: {
      records: number(stats.records),
      minOffset: optional(stats.minOffset),
      maxOffset: optional(stats.maxOffset),
      minTimestamp: optional(stats.minTimestamp),
      maxTimestamp: optional(stats.maxTimestamp),
      minBatchTimestamp: optional(stats.minBatchTimestamp),
      duplicates: number(stats.duplicates),
      firstDuplicate: optional(stats.firstDuplicate),
      runs: stats.runs === undefined ? undefined : list(stats.runs).map(parseOffsetRun),
    },
  };
}

function parseOffsetRun(value: unknown): OffsetRun {
  const fields = record(value);
  return { first: int64(fields.first), last: int64(fields.last) };
}

function record(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Invalid();
  return { ...value };
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Invalid();
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Invalid();
  return value;
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new Invalid();
  return value;
}

function boolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Invalid();
  return value;
}

function int64(value: unknown): bigint {
  const digits = text(value);
  if (!/^-?\d{1,20}n$/.test(digits)) throw new Invalid();
  return BigInt(digits.slice(0, -1));
}

function fact(value: unknown): Fact {
  if (typeof value === 'string') return /^-?\d{1,20}n$/.test(value) ? int64(value) : value;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  throw new Invalid();
}
