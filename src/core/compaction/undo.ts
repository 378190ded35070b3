import { type IndexEdit, planEdit } from '../segment-index/index-edit.ts';
import { additionOf } from './carry-out.ts';
import { type Engine, isAbort } from './engine.ts';
import type {
  AddRecord,
  EndState,
  ObjectOutcome,
  ObjectRecord,
  RemoveRecord,
} from './journal-record.ts';
import { createRun } from './prepare-run.ts';
import { RecordedRun, readRun } from './recorded-run.ts';
import { makeRunId } from './run-id.ts';
import { annotateRun, RunJournal } from './run-journal.ts';
import { type RunReport, reportOf } from './run-report.ts';
import { surveyObjects } from './survey.ts';
import { sameObject } from './trash-move.ts';
import { placeOf, type UndoPlan } from './undo-plan.ts';

/**
 * Takes a run back: first the objects, out of the trash, then the entries, in one rewrite, then the
 * emptied trash. So a crash leaves copies too many, and never an entry without its object.
 */
export async function applyUndo(engine: Engine, plan: UndoPlan): Promise<RunReport> {
  const startedAtMs = engine.now();
  const run = new RecordedRun({
    type: 'begin',
    version: 1,
    runId: makeRunId(startedAtMs, engine.random()),
    command: 'undo',
    startedAtMs,
    ...engine.self,
    store: engine.store.url,
    index: engine.index.path,
    objects: 'keep',
    entries: 'remove',
    graceUntilMs: null,
    target: plan.run.id,
    indexDigest: null,
    request: `undo of ${plan.run.id}`,
  });
  const removals = plan.takeOut.map(
    (one, n): RemoveRecord => ({
      type: 'remove',
      n,
      ...one,
      arrayLength: 0,
      raw: null,
      reason: `added by ${plan.run.id}`,
    }),
  );
  const additions = plan.entries.map((removed, n): AddRecord => {
    const { key, entry, raw, position, arrayLength } = removed;
    return { type: 'add', n, key, entry, raw, position, arrayLength, yields: false };
  });
  const objects = plan.objects.map((object, n): ObjectRecord => ({ ...object, n }));
  await createRun(engine, run, [
    ...removals,
    ...additions,
    ...objects,
    {
      type: 'intent',
      removals: removals.length,
      additions: additions.length,
      objects: objects.length,
      returned: 0,
    },
  ]);
  return await carryOutUndo(engine, run, false);
}

/** Does what is left of an undo; each step can be repeated. */
export async function carryOutUndo(
  engine: Engine,
  run: RecordedRun,
  resumed: boolean,
): Promise<RunReport> {
  const startedMs = engine.now();
  const journal = await RunJournal.open(engine.runs, run);
  const end = async (state: EndState, error: string | null): Promise<void> => {
    const atMs = engine.now();
    const durationMs = run.spentMs + Math.max(0, atMs - startedMs);
    await journal.note({ type: 'end', state, atMs, durationMs, error });
    await journal.sync();
  };
  try {
    const { host, pid } = engine.self;
    if (resumed) await journal.note({ type: 'resumed', atMs: startedMs, host, pid });
    await undoSteps(engine, journal);
    await end(run.pendingObjects().length > 0 ? 'partial' : 'done', null);
  } catch (error) {
    const interrupted = isAbort(error, engine.signal);
    const message = error instanceof Error ? error.message : String(error);
    await end(interrupted ? 'interrupted' : 'failed', interrupted ? null : message).catch(
      () => undefined,
    );
    if (!interrupted) throw error;
  } finally {
    await journal.close();
  }
  return reportOf(run);
}

async function undoSteps(engine: Engine, journal: RunJournal): Promise<void> {
  const { run } = journal;
  const target = await readRun(engine.runs, run.begin.target ?? '');
  if (target.undone === undefined) {
    // From here on nothing finishes the other run any more, should this one be killed.
    const mark = { by: run.id, atMs: engine.now(), complete: false, restored: [] };
    await annotateRun(engine.runs, target.id, { type: 'undone', ...mark });
  }
  for (const object of run.pendingObjects()) {
    engine.signal.throwIfAborted();
    const { outcome, error } = await tryRestore(engine, object);
    const sizeBytes = outcome === 'restored' ? (object.sizeBytes ?? 0) : 0;
    await journal.note({ type: 'outcome', n: object.n, outcome, sizeBytes, error });
    const facts = { run: run.id, key: object.key };
    if (outcome === 'restored') engine.log.info('restored object', facts);
    else engine.log.warn('object could not be restored', { ...facts, why: error ?? outcome });
  }
  await journal.sync();
  const backAgain = await editBack(engine, journal, target);
  await emptyTrash(engine, run);
  await noteUndone(engine, run, target, backAgain);
}

interface Restored {
  readonly outcome: ObjectOutcome;
  readonly error: string | null;
}

async function tryRestore(engine: Engine, object: ObjectRecord): Promise<Restored> {
  const { store, signal } = engine;
  const trashKey = object.trashKey ?? '';
  try {
    const copy = await store.head(trashKey, { signal });
    const present = await store.head(object.key, { signal });
    if (copy === undefined) {
      // Not in the trash any more: an earlier pass has put it back, or it is lost.
      return { outcome: present === undefined ? 'missing' : 'restored', error: null };
    }
    if (present === undefined) await store.copy(trashKey, object.key, { signal });
    const now = present ?? (await store.head(object.key, { signal }));
    const same = now !== undefined && (await sameObject(store, copy, now, signal));
    if (same) return { outcome: 'restored', error: null };
    return { outcome: 'changed', error: 'another object is there now' };
  } catch (error) {
    signal.throwIfAborted();
    return { outcome: 'failed', error: error instanceof Error ? error.message : String(error) };
  }
}

/** Puts the entries back whose objects are there; gives their numbers among the additions. */
async function editBack(
  engine: Engine,
  journal: RunJournal,
  target: RecordedRun,
): Promise<ReadonlySet<number>> {
  const { run } = journal;
  const paths = run.additions.map(({ entry }) => entry.objectStorePath);
  const found = await surveyObjects(engine.store, paths, engine.signal);
  const barred = run.objects.filter((object) => run.outcome(object) !== 'restored');
  const without = new Set(barred.map(({ key }) => placeOf(engine, key)));
  // These entries had no object before the run either.
  const dangling = target.objects.filter(({ version }) => version === null);
  const excused = new Set(dangling.map(({ key }) => placeOf(engine, key)));
  const back = run.additions.filter(({ entry: { objectStorePath: path } }) => {
    const place = placeOf(engine, path);
    return !without.has(place) && (found.get(path) !== undefined || excused.has(place));
  });
  const backSet = new Set(back);
  const edit: IndexEdit = {
    remove: run.removals,
    add: back.map((record) => additionOf(record, false)),
  };
  const empty = back.length + run.removals.length === 0;
  const saved = empty ? undefined : await engine.index.save(edit);
  await journal.note({
    type: 'index',
    atMs: engine.now(),
    written: saved?.written ?? false,
    digestBefore: saved?.digestBefore ?? '',
    digestAfter: saved?.digest ?? '',
    absent: run.additions.filter((one) => !backSet.has(one)).map(({ n }) => n),
  });
  await journal.sync();
  for (const { entry } of back) {
    engine.log.info('restored index entry', { run: run.id, segment: entry.segmentId });
  }
  return new Set(back.map(({ n }) => n));
}

async function emptyTrash(engine: Engine, run: RecordedRun): Promise<void> {
  const keys = run.objects.flatMap((object) =>
    run.outcome(object) === 'restored' && object.trashKey !== null ? [object.trashKey] : [],
  );
  for await (const result of engine.store.deleteMany(keys)) {
    // Surplus only: the next purge takes it.
    if (result.outcome === 'failed') {
      engine.log.warn('a copy in the trash could not be deleted', {
        key: result.key,
        error: result.error.message,
      });
    }
  }
}

/** Writes into the other run's journal what came back of it. */
async function noteUndone(
  engine: Engine,
  undo: RecordedRun,
  target: RecordedRun,
  backAgain: ReadonlySet<number>,
): Promise<void> {
  const inIndex = await engine.index.read(async (index) => {
    const absent = new Set<object>(planEdit(index, { remove: target.removals }).absent);
    return target.removals.filter((removal) => !absent.has(removal)).map(({ n }) => n);
  });
  const restored = new Set([...(target.undone?.restored ?? []), ...inIndex]);
  const objectsBack = undo.objects.every((object) => undo.outcome(object) === 'restored');
  const bareLost = target.objects.some(
    (object) => object.covers !== null && target.outcome(object) === 'deleted',
  );
  await annotateRun(engine.runs, target.id, {
    type: 'undone',
    by: undo.id,
    atMs: engine.now(),
    complete:
      objectsBack &&
      !bareLost &&
      backAgain.size === undo.additions.length &&
      restored.size === target.removals.length,
    restored: [...restored].sort((a, b) => a - b),
  });
}
