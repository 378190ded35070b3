import type { EntryAddition, IndexEdit, RowIdentity } from '../segment-index/index-edit.ts';
import { deleteObjects } from './delete-objects.ts';
import { type Engine, isAbort } from './engine.ts';
import type { AddRecord, EndState } from './journal-record.ts';
import type { RecordedRun } from './recorded-run.ts';
import { RunJournal } from './run-journal.ts';

export interface FirstPass {
  /** SHA-256 of the index that the intent was written in view of. */
  readonly indexDigest: string;
  readonly returned: readonly RowIdentity[];
}

/** What a pass saw besides what the journal holds. */
export interface PassOutcome {
  /** Whether somebody else wrote the index while the run worked. */
  readonly indexChanged: boolean;
}

/**
 * Does what the run's intent says, or what is left of it: first the index in one rewrite, then the
 * objects. The order matters: a crash in between leaves objects that nothing names but the journal,
 * and never an entry without its object. Every step can be repeated, so that after a crash at any
 * point the same call finishes the run.
 *
 * Ctrl-C ends it in state `interrupted`; an error is noted as `failed` and thrown.
 */
export async function carryOut(
  engine: Engine,
  run: RecordedRun,
  first?: FirstPass,
): Promise<PassOutcome> {
  const startedMs = engine.now();
  const journal = await RunJournal.open(engine.runs, run);
  const end = async (state: EndState, error: string | null): Promise<void> => {
    const atMs = engine.now();
    const durationMs = run.spentMs + Math.max(0, atMs - startedMs);
    await journal.note({ type: 'end', state, atMs, durationMs, error });
    await journal.sync();
  };
  try {
    if (first === undefined) {
      const { host, pid } = engine.self;
      await journal.note({ type: 'resumed', atMs: startedMs, host, pid });
    }
    const outcome = await pass(engine, journal, first);
    await end(run.pendingObjects().length > 0 ? 'partial' : 'done', null);
    return outcome;
  } catch (error) {
    const interrupted = isAbort(error, engine.signal);
    const message = error instanceof Error ? error.message : String(error);
    // The journal itself may be what failed. The run is then left as a crash would leave it.
    await end(interrupted ? 'interrupted' : 'failed', interrupted ? null : message).catch(
      () => undefined,
    );
    if (!interrupted) throw error;
    return { indexChanged: false };
  } finally {
    await journal.close();
  }
}

async function pass(
  engine: Engine,
  journal: RunJournal,
  first: FirstPass | undefined,
): Promise<PassOutcome> {
  engine.signal.throwIfAborted();
  const edited = await editIndex(engine, journal, first);
  engine.signal.throwIfAborted();
  const unchanged = await deleteObjects(engine, journal, edited.digest);
  if (edited.changed || !unchanged) {
    engine.log.warn(
      'the index was written by somebody else while segctl worked; the edit was made on the newest content',
      { index: engine.index.path },
    );
  }
  return { indexChanged: edited.changed || !unchanged };
}

interface Edited {
  readonly changed: boolean;
  /** Undefined where the index was not touched. */
  readonly digest: string | undefined;
}

async function editIndex(
  engine: Engine,
  journal: RunJournal,
  first: FirstPass | undefined,
): Promise<Edited> {
  const { run } = journal;
  const edit = indexEdit(run, first);
  const empty = [edit.remove, edit.add].every((list) => (list ?? []).length === 0);
  const saved = empty ? undefined : await engine.index.save(edit);
  const numberOf = new Map<RowIdentity, number>(run.removals.map((one) => [one, one.n]));
  const absent = first === undefined ? [] : (saved?.plan.absent ?? []);
  // An object may be touched only once this is on disk: without it, nothing but the index changed.
  await journal.note({
    type: 'index',
    atMs: engine.now(),
    written: saved?.written ?? false,
    digestBefore: saved?.digestBefore ?? first?.indexDigest ?? '',
    digestAfter: saved?.digest ?? first?.indexDigest ?? '',
    absent: absent.flatMap((one) => numberOf.get(one) ?? []),
  });
  await journal.sync();
  for (const { entry } of saved?.written === true ? (edit.remove ?? []) : []) {
    engine.log.debug('removed index entry', { run: run.id, segment: entry.segmentId });
  }
  const changed =
    first !== undefined && saved !== undefined && saved.digestBefore !== first.indexDigest;
  return { changed, digest: saved?.digest ?? first?.indexDigest };
}

function indexEdit(run: RecordedRun, first: FirstPass | undefined): IndexEdit {
  const removals = run.begin.entries === 'keep' ? [] : run.removals;
  return {
    remove: [...removals, ...(first?.returned ?? [])],
    // When a run is finished later, what a server wrote for the same offsets meanwhile wins.
    add: run.additions.map((record) => additionOf(record, first === undefined)),
  };
}

export function additionOf(record: AddRecord, late: boolean): EntryAddition {
  return {
    entry: record.entry,
    yields: record.yields || late,
    ...(record.key === null ? {} : { key: record.key }),
    ...(record.raw === null ? {} : { rawText: record.raw }),
    ...(record.position === null || record.arrayLength === null
      ? {}
      : { formerPlace: { position: record.position, arrayLength: record.arrayLength } }),
  };
}
