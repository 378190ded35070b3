import type { SegmentEntry } from '../segment-index/segment-entry.ts';

/**
 * The journal of a run, JSON Lines. Integers that can pass 2^53 are strings of digits.
 *
 *     begin                     who, when, with which settings
 *     remove | add              an index entry in full, numbered from 0 each
 *     object                    an object of the store that goes (or, in an undo, comes back)
 *     intent                    how many of each: the lines up to here are durable before any change
 *     index                     the index has been rewritten; from here on objects may be touched
 *     outcome                   what became of one object
 *     resumed                   another process took over after a crash
 *     end                       the run is over, in which state
 *     undone | purged           a later run took it back, or emptied its trash
 */
export const JOURNAL_VERSION = 1;

export const RUN_COMMANDS = ['compact', 'gc', 'reindex', 'undo', 'purge'] as const;
export type RunCommand = (typeof RUN_COMMANDS)[number];

/**
 * How a run ended. `abandoned` changed nothing at all; `partial` left objects that could not be
 * deleted; `interrupted` and `failed` stopped on the way.
 */
export const END_STATES = ['done', 'partial', 'interrupted', 'failed', 'abandoned'] as const;
export type EndState = (typeof END_STATES)[number];

export const OBJECT_OUTCOMES = [
  'deleted',
  'missing',
  'trashed',
  'restored',
  'changed',
  'referenced',
  'failed',
] as const;
export type ObjectOutcome = (typeof OBJECT_OUTCOMES)[number];

export interface BeginRecord {
  readonly type: 'begin';
  readonly version: typeof JOURNAL_VERSION;
  readonly runId: string;
  readonly command: RunCommand;
  readonly startedAtMs: number;
  readonly host: string;
  readonly pid: number;
  readonly tool: string;
  /** URL of the store, without credentials. */
  readonly store: string;
  /** Path of the index file. */
  readonly index: string;
  readonly objects: 'delete' | 'keep';
  readonly entries: 'remove' | 'keep';
  /** From when on `purge` may delete what was moved to the trash; null where nothing is moved. */
  readonly graceUntilMs: number | null;
  /** The run that an undo takes back. */
  readonly target: string | null;
  /** SHA-256 of the index that the run was planned on. */
  readonly indexDigest: string | null;
  /** What the run was asked to do, for `compact show`: a line of text. */
  readonly request: string;
}

/** An entry that leaves the index. */
export interface RemoveRecord {
  readonly type: 'remove';
  readonly n: number;
  readonly key: string;
  readonly position: number;
  /** Entries of the array that it was taken from. */
  readonly arrayLength: number;
  readonly entry: SegmentEntry;
  /** The JSON text that stood in the file, where it isn't as the server would write the entry. */
  readonly raw: string | null;
  /** Why it goes, for `compact show`. */
  readonly reason: string | null;
}

/** An entry that comes into the index: a repair, or one that an undo brings back. */
export interface AddRecord {
  readonly type: 'add';
  readonly n: number;
  readonly key: string | null;
  readonly entry: SegmentEntry;
  readonly raw: string | null;
  readonly position: number | null;
  readonly arrayLength: number | null;
  /** Comes before entries of the same min_offset, so that those win. */
  readonly yields: boolean;
}

export interface ObjectRecord {
  readonly type: 'object';
  readonly n: number;
  /** The key as the index or the listing spelled it. */
  readonly key: string;
  readonly segmentId: string | null;
  /** Null where the object was missing already. */
  readonly sizeBytes: number | null;
  readonly version: string | null;
  /** Where it is moved to, where it is moved. */
  readonly trashKey: string | null;
  /** The offsets that only this object held, where it had no index entry. */
  readonly covers: OffsetCover | null;
}

export interface OffsetCover {
  readonly topic: string;
  readonly partition: number;
  readonly minOffset: bigint;
  readonly maxOffset: bigint;
}

export interface IntentRecord {
  readonly type: 'intent';
  readonly removals: number;
  readonly additions: number;
  readonly objects: number;
  /** Entries that a running server had written back, removed again; they are in earlier journals. */
  readonly returned: number;
}

export interface IndexRecord {
  readonly type: 'index';
  readonly atMs: number;
  /** Whether the file was rewritten, or was as wanted already. */
  readonly written: boolean;
  readonly digestBefore: string;
  readonly digestAfter: string;
  /** Numbers of the removals that were not found any more; of an undo's additions left out. */
  readonly absent: readonly number[];
}

export interface OutcomeRecord {
  readonly type: 'outcome';
  /** Number of the object. */
  readonly n: number;
  readonly outcome: ObjectOutcome;
  readonly sizeBytes: number;
  readonly error: string | null;
}

export interface ResumedRecord {
  readonly type: 'resumed';
  readonly atMs: number;
  readonly host: string;
  readonly pid: number;
}

export interface EndRecord {
  readonly type: 'end';
  readonly state: EndState;
  readonly atMs: number;
  /** Time spent by all processes that worked on it, in ms. */
  readonly durationMs: number;
  readonly error: string | null;
}

export interface UndoneRecord {
  readonly type: 'undone';
  readonly by: string;
  readonly atMs: number;
  /** Whether all came back. */
  readonly complete: boolean;
  /** Numbers of the removals whose entries are in the index again. */
  readonly restored: readonly number[];
}

export interface PurgedRecord {
  readonly type: 'purged';
  readonly by: string;
  readonly atMs: number;
  readonly objects: number;
  readonly bytes: number;
  /** False where some trash could not be deleted and is left for the next purge. */
  readonly complete: boolean;
}

export type JournalRecord =
  | BeginRecord
  | RemoveRecord
  | AddRecord
  | ObjectRecord
  | IntentRecord
  | IndexRecord
  | OutcomeRecord
  | ResumedRecord
  | EndRecord
  | UndoneRecord
  | PurgedRecord;
