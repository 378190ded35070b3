import { carryOut } from './carry-out.ts';
import type { Engine } from './engine.ts';
import type { ObjectRecord } from './journal-record.ts';
import { createRun } from './prepare-run.ts';
import { RecordedRun, readRun } from './recorded-run.ts';
import { makeRunId } from './run-id.ts';
import { annotateRun } from './run-journal.ts';
import { type RunReport, reportOf } from './run-report.ts';
import { runOfTrashKey, trashPrefixOf } from './trash-key.ts';

/** The trash of one run. */
export interface RunTrash {
  readonly runId: string;
  /** Epoch ms; what is past it may go. */
  readonly graceUntilMs: number;
  readonly objects: number;
  readonly bytes: number;
}

export interface PurgePlan {
  readonly due: readonly RunTrash[];
  /** Still within their grace. */
  readonly waiting: readonly RunTrash[];
  readonly objects: readonly ObjectRecord[];
}

/** Looks for trash whose grace is over at `atMs` (epoch ms). Unfinished runs are left to `resume`. */
export async function planPurge(engine: Engine, atMs: number): Promise<PurgePlan> {
  const due: RunTrash[] = [];
  const waiting: RunTrash[] = [];
  const objects: ObjectRecord[] = [];
  for (const runId of await engine.runs.list()) {
    const run = await readRun(engine.runs, runId);
    const { graceUntilMs } = run.begin;
    if (graceUntilMs === null || run.unfinished || run.purged?.complete === true) continue;
    const isDue = graceUntilMs <= atMs;
    const found = await trashOf(engine, run, isDue ? objects : []);
    if (found.objects > 0) (isDue ? due : waiting).push(found);
  }
  return { due, waiting, objects };
}

async function trashOf(
  engine: Engine,
  run: RecordedRun,
  objects: ObjectRecord[],
): Promise<RunTrash> {
  let count = 0;
  let bytes = 0;
  // A listing also finds copies that a crash left behind without a note.
  for await (const info of engine.store.list(trashPrefixOf(run.id), { signal: engine.signal })) {
    count++;
    bytes += info.sizeBytes;
    objects.push({
      type: 'object',
      n: objects.length,
      key: info.key,
      segmentId: null,
      sizeBytes: info.sizeBytes,
      version: info.version,
      trashKey: null,
      covers: null,
    });
  }
  return { runId: run.id, graceUntilMs: run.begin.graceUntilMs ?? 0, objects: count, bytes };
}

/** Deletes what the plan found. `undo` can't bring it back afterwards. */
export async function applyPurge(engine: Engine, plan: PurgePlan): Promise<RunReport> {
  const startedAtMs = engine.now();
  const run = new RecordedRun({
    type: 'begin',
    version: 1,
    runId: makeRunId(startedAtMs, engine.random()),
    command: 'purge',
    startedAtMs,
    ...engine.self,
    store: engine.store.url,
    index: engine.index.path,
    objects: 'delete',
    entries: 'keep',
    graceUntilMs: null,
    target: null,
    indexDigest: null,
    request: `purge of ${plan.due.map(({ runId }) => runId).join(', ')}`,
  });
  const objects = plan.objects.length;
  await createRun(engine, run, [
    ...plan.objects,
    { type: 'intent', removals: 0, additions: 0, objects, returned: 0 },
  ]);
  await carryOut(engine, run, { indexDigest: '', returned: [] });
  await finishPurge(engine, run);
  return reportOf(run);
}

/** Tells the runs whose trash it was. Repeating it does no harm. */
export async function finishPurge(engine: Engine, purge: RecordedRun): Promise<void> {
  const targets = new Map<string, { objects: number; bytes: number; complete: boolean }>();
  for (const object of purge.objects) {
    const runId = runOfTrashKey(object.key);
    if (runId === undefined) continue;
    const sum = targets.get(runId) ?? { objects: 0, bytes: 0, complete: true };
    const last = purge.outcomes.get(object.n);
    const gone = last?.outcome === 'deleted' || last?.outcome === 'missing';
    targets.set(runId, {
      objects: sum.objects + Number(gone),
      bytes: sum.bytes + (last?.sizeBytes ?? 0),
      complete: sum.complete && gone,
    });
  }
  for (const [runId, sum] of targets) {
    const atMs = engine.now();
    await annotateRun(engine.runs, runId, { type: 'purged', by: purge.id, atMs, ...sum });
  }
}
