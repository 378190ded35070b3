import { SegctlError } from '../segctl-error.ts';
import { decodeRecord, UnknownJournalVersion } from './journal-codec.ts';
import {
  type AddRecord,
  type BeginRecord,
  type EndRecord,
  type EndState,
  type IndexRecord,
  type IntentRecord,
  JOURNAL_VERSION,
  type JournalRecord,
  type ObjectOutcome,
  type ObjectRecord,
  type OutcomeRecord,
  type PurgedRecord,
  type RemoveRecord,
  type UndoneRecord,
} from './journal-record.ts';
import { BadRecord } from './record-fields.ts';
import type { RunFiles } from './run-files.ts';

/** `applying` is a run that is at work or was killed; the lock tells which. */
export type RunState = EndState | 'applying' | 'undone' | 'partly-undone';

/** What a journal says about its run. */
export class RecordedRun {
  readonly begin: BeginRecord;
  readonly removals: RemoveRecord[] = [];
  readonly additions: AddRecord[] = [];
  readonly objects: ObjectRecord[] = [];
  /** Last word on each object, by its number. */
  readonly outcomes = new Map<number, OutcomeRecord>();
  intent: IntentRecord | undefined;
  /** The first pass that is known to have rewritten the index. */
  index: IndexRecord | undefined;
  end: EndRecord | undefined;
  undone: UndoneRecord | undefined;
  purged: PurgedRecord | undefined;
  resumes = 0;
  /** Time spent by all processes that worked on it and lived to note it, in ms. */
  spentMs = 0;

  constructor(begin: BeginRecord) {
    this.begin = begin;
  }

  get id(): string {
    return this.begin.runId;
  }

  get state(): RunState {
    if (this.undone !== undefined) return this.undone.complete ? 'undone' : 'partly-undone';
    return this.end?.state ?? 'applying';
  }

  /** Whether `resume` has something to do. */
  get unfinished(): boolean {
    return this.undone === undefined && UNFINISHED.has(this.state);
  }

  outcome(object: ObjectRecord): ObjectOutcome | undefined {
    return this.outcomes.get(object.n)?.outcome;
  }

  /** Of an undo: how many entries its rewrite of the index brought back. */
  get restoredEntries(): number {
    return this.index === undefined ? 0 : this.additions.length - this.index.absent.length;
  }

  /** Objects that still have to be dealt with; those that failed get another try. */
  pendingObjects(): ObjectRecord[] {
    return this.objects.filter((object) => {
      const outcome = this.outcome(object);
      return outcome === undefined || outcome === 'failed';
    });
  }

  /** Takes in a record that was read or has just been written. */
  take(record: JournalRecord): void {
    switch (record.type) {
      case 'begin':
        throw new BadRecord('a second beginning');
      case 'remove':
        takeNumbered(this.removals, record);
        break;
      case 'add':
        takeNumbered(this.additions, record);
        break;
      case 'object':
        takeNumbered(this.objects, record);
        break;
      case 'intent':
        this.intent = record;
        break;
      case 'index':
        this.index ??= record;
        break;
      case 'outcome':
        this.outcomes.set(record.n, record);
        break;
      case 'resumed':
        this.resumes++;
        this.end = undefined;
        break;
      case 'end':
        this.end = record;
        this.spentMs = record.durationMs;
        break;
      case 'undone':
        this.undone = record;
        break;
      case 'purged':
        this.purged = record;
        break;
    }
  }
}

const UNFINISHED: ReadonlySet<RunState> = new Set(['applying', 'partial', 'interrupted', 'failed']);

function takeNumbered<R extends { readonly n: number }>(records: R[], record: R): void {
  if (record.n !== records.length) throw new BadRecord(`number ${record.n} is out of turn`);
  records.push(record);
}

/**
 * Reads a run's journal. Throws `run-not-found`, `journal-damaged` with the line, or
 * `journal-version-unknown` for one that a later segctl wrote.
 */
export async function readRun(files: RunFiles, runId: string): Promise<RecordedRun> {
  let run: RecordedRun | undefined;
  let line = 0;
  try {
    for await (const text of files.read(runId)) {
      line++;
      const record = decodeRecord(text);
      if (run !== undefined) run.take(record);
      else if (record.type === 'begin') run = new RecordedRun(record);
      else throw new BadRecord('the first line is no beginning');
    }
    if (run?.intent === undefined) throw new BadRecord('the intent is missing');
    const { removals, additions, objects } = run.intent;
    const whole =
      removals === run.removals.length &&
      additions === run.additions.length &&
      objects === run.objects.length;
    if (!whole) throw new BadRecord('the intent counts other lines than there are');
  } catch (error) {
    if (error instanceof BadRecord) throw damaged(files, runId, line, error);
    if (error instanceof UnknownJournalVersion) throw unknownVersion(files, runId, error);
    throw error;
  }
  return run;
}

function damaged(files: RunFiles, runId: string, line: number, cause: BadRecord): SegctlError {
  return new SegctlError(`the journal of run ${runId} is damaged at line ${line}`, {
    code: 'journal-damaged',
    facts: { run: runId, folder: files.name, line, found: cause.message },
    remedy:
      "restore the run's folder from a backup, or move it out of the way; without it segctl does not know what this run deleted",
    cause,
  });
}

function unknownVersion(files: RunFiles, runId: string, cause: UnknownJournalVersion): SegctlError {
  return new SegctlError(`run ${runId} was recorded by a later version of segctl`, {
    code: 'journal-version-unknown',
    facts: {
      run: runId,
      folder: files.name,
      version: cause.version,
      understood: JOURNAL_VERSION,
    },
    remedy: 'use the segctl that made this run, or a later one',
    cause,
  });
}
