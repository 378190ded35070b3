import type { ObjectOutcome } from './journal-record.ts';
import type { RecordedRun, RunState } from './recorded-run.ts';

/** What a run came to. `bytesFreed` counts what is gone from the store, not what was planned. */
export interface RunReport {
  /** Null where there was nothing to do, and so no run. */
  readonly runId: string | null;
  readonly state: RunState | 'nothing-to-do' | 'planned';
  /** Segments that the plan condemned; for gc, objects. */
  readonly identified: number;
  /** Of these, how many are gone as asked: entry, object, or both. */
  readonly deleted: number;
  /** Objects that could not be deleted; `resume` or the next run tries again. */
  readonly failed: number;
  /** Left alone since they changed after planning, or since another entry needs the object. */
  readonly kept: number;
  /** Objects that were gone already; they count as deleted. */
  readonly missing: number;
  readonly bytesFreed: number;
  /** Deleted, or moved to the trash and maybe purged or brought back since. */
  readonly bytesTaken: number;
  /** Moved to the trash, to be freed by `purge`. */
  readonly bytesInTrash: number;
  readonly entriesRemoved: number;
  /** Entries that an undo brought back. */
  readonly entriesRestored: number;
  /** Entries removed once more that a running server had written back. */
  readonly returnedRemoved: number;
  readonly durationMs: number;
  readonly failures: readonly { readonly key: string; readonly error: string }[];
  /** Whether somebody else wrote the index while the run worked. */
  readonly indexChanged: boolean;
}

/** What the run's journal cannot tell. */
export interface ReportExtras {
  /** Left out before the intent, since they had changed since they were planned. */
  readonly changedBefore: number;
  readonly indexChanged: boolean;
}

export const NO_EXTRAS: ReportExtras = { changedBefore: 0, indexChanged: false };

export function nothingToDo(changedBefore: number): RunReport {
  return {
    runId: null,
    state: 'nothing-to-do',
    identified: changedBefore,
    deleted: 0,
    failed: 0,
    kept: changedBefore,
    missing: 0,
    bytesFreed: 0,
    bytesTaken: 0,
    bytesInTrash: 0,
    entriesRemoved: 0,
    entriesRestored: 0,
    returnedRemoved: 0,
    durationMs: 0,
    failures: [],
    indexChanged: false,
  };
}

/** What a dry run tells: so many segments are condemned, and nothing was done. */
export function plannedOnly(identified: number): RunReport {
  return { ...nothingToDo(0), state: 'planned', identified };
}

export function reportOf(run: RecordedRun, extras: ReportExtras = NO_EXTRAS): RunReport {
  const tally = tallyOutcomes(run);
  const { begin, objects, removals } = run;
  const entriesRemoved =
    begin.entries === 'keep' || run.index === undefined
      ? 0
      : removals.length - run.index.absent.length;
  // With objects, each segment is one of them, or shares its object with an entry that stays.
  const withObjects = begin.objects === 'delete' && objects.length > 0;
  const pending = withObjects ? run.pendingObjects().length : 0;
  const planned = Math.max(removals.length, objects.length);
  const kept = withObjects ? tally.count.changed + tally.count.referenced : 0;
  const untouched = run.index === undefined;
  const isUndo = begin.command === 'undo';
  return {
    runId: run.id,
    state: run.state,
    identified: isUndo ? run.additions.length : planned + extras.changedBefore,
    deleted: untouched || isUndo ? 0 : planned - pending - kept - absentEntries(run, withObjects),
    failed: tally.count.failed,
    kept: kept + extras.changedBefore + (untouched ? 0 : absentEntries(run, withObjects)),
    missing: tally.count.missing,
    bytesFreed: tally.bytes.deleted,
    bytesTaken: tally.bytes.deleted + tally.bytes.trashed,
    bytesInTrash: run.purged === undefined && run.undone === undefined ? tally.bytes.trashed : 0,
    entriesRemoved,
    entriesRestored: isUndo ? run.restoredEntries : 0,
    returnedRemoved: run.intent?.returned ?? 0,
    durationMs: run.spentMs,
    failures: tally.failures,
    indexChanged: extras.indexChanged,
  };
}

/** Entries without objects that had left the index by themselves. */
function absentEntries(run: RecordedRun, withObjects: boolean): number {
  return withObjects || run.begin.entries === 'keep' ? 0 : (run.index?.absent.length ?? 0);
}

function tallyOutcomes(run: RecordedRun) {
  const zero = () => ({
    deleted: 0,
    missing: 0,
    trashed: 0,
    restored: 0,
    changed: 0,
    referenced: 0,
    failed: 0,
  });
  const count: Record<ObjectOutcome, number> = zero();
  const bytes: Record<ObjectOutcome, number> = zero();
  const failures: { key: string; error: string }[] = [];
  for (const object of run.objects) {
    const last = run.outcomes.get(object.n);
    if (last === undefined) continue;
    count[last.outcome]++;
    bytes[last.outcome] += last.sizeBytes;
    if (last.outcome === 'failed') failures.push({ key: object.key, error: last.error ?? '' });
  }
  return { count, bytes, failures };
}
