import type { ObjectStore } from '../../storage/object-store.ts';
import type { ByteSource } from '../segment-index/byte-source.ts';
import type { EditPlan, IndexEdit } from '../segment-index/index-edit.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import type { RunFiles } from './run-files.ts';
import type { RunLog } from './run-log.ts';

/** What carries out runs. Whoever calls the functions that take one holds the run lock. */
export interface Engine {
  readonly runs: RunFiles;
  readonly index: IndexFile;
  readonly store: ObjectStore;
  readonly log: RunLog;
  /** The real clock in epoch ms, also where `--at` judges by another one. */
  readonly now: () => number;
  /** Four random bytes for a run's name. */
  readonly random: () => Uint8Array;
  /** Aborted by Ctrl-C: the run stops at the next safe point. */
  readonly signal: AbortSignal;
  readonly self: { readonly host: string; readonly pid: number; readonly tool: string };
  /** Told how many of how many objects are dealt with. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The index file, seen from the engine. */
export interface IndexFile {
  readonly path: string;
  /** Runs `use` on the newest content; `source` gives the very bytes that `index` was read from. */
  read<T>(use: (index: SegmentIndex, source: ByteSource) => Promise<T>): Promise<T>;
  /** Applies the edit to the newest content, atomically and durably. */
  save(edit: IndexEdit): Promise<SavedEdit>;
}

export interface SavedEdit {
  readonly plan: EditPlan;
  /** False where the file was as wanted already. */
  readonly written: boolean;
  /** SHA-256 in hex. */
  readonly digestBefore: string;
  readonly digest: string;
}

/** Whether an error is the signal's: the run was interrupted, not broken. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted &&
    (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  );
}
