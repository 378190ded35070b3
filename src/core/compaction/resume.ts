import { planEdit } from '../segment-index/index-edit.ts';
import { additionOf, carryOut } from './carry-out.ts';
import type { Engine } from './engine.ts';
import { finishPurge } from './purge.ts';
import { type RecordedRun, readRun } from './recorded-run.ts';
import { annotateRun } from './run-journal.ts';
import { type RunReport, reportOf } from './run-report.ts';
import { carryOutUndo } from './undo.ts';

/**
 * Ids of the runs that were killed, interrupted or left objects behind: those of undo first, as what
 * they take back must not be finished before them; else oldest first.
 */
export async function unfinishedRuns(engine: Engine): Promise<string[]> {
  const undos: string[] = [];
  const others: string[] = [];
  for (const runId of await engine.runs.list()) {
    const run = await readRun(engine.runs, runId);
    if (run.unfinished) (run.begin.command === 'undo' ? undos : others).push(runId);
  }
  return [...undos, ...others];
}

/** Finishes every unfinished run, in the order in which it has to be done. */
export async function resumeAll(engine: Engine): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  for (const runId of await unfinishedRuns(engine)) {
    const run = await readRun(engine.runs, runId);
    if (!run.unfinished) continue;
    const report = await resumeRun(engine, run);
    reports.push(report);
    if (report.state === 'interrupted') break;
  }
  return reports;
}

/** Finishes a run, whatever it had come to. */
async function resumeRun(engine: Engine, run: RecordedRun): Promise<RunReport> {
  engine.log.info('finishing run', { run: run.id, command: run.begin.command, state: run.state });
  if (run.begin.command === 'undo') return await carryOutUndo(engine, run, true);
  const { indexChanged } = await carryOut(engine, run);
  if (run.begin.command === 'purge') await finishPurge(engine, run);
  return reportOf(run, { changedBefore: 0, indexChanged });
}

/**
 * Clears the way for a new run: finishes runs that have changed something, and gives up those that
 * have not. To carry out an old intent that nobody waits for any more would be wrong: the policy may
 * have been corrected since. The new run judges those segments again.
 */
export async function settleUnfinished(engine: Engine): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  for (const runId of await unfinishedRuns(engine)) {
    engine.signal.throwIfAborted();
    // An undo that was finished just now has settled the run that it takes back.
    const run = await readRun(engine.runs, runId);
    if (!run.unfinished) continue;
    if (await hasChangedNothing(engine, run)) {
      const atMs = engine.now();
      const end = {
        type: 'end',
        state: 'abandoned',
        atMs,
        durationMs: run.spentMs,
        error: null,
      } as const;
      await annotateRun(engine.runs, run.id, end);
      engine.log.info('gave up a run that had changed nothing', { run: run.id });
    } else {
      reports.push(await resumeRun(engine, run));
    }
  }
  return reports;
}

/**
 * Objects are touched only after the index step is in the journal. Before it, the index may have been
 * rewritten without the note. The rewrite takes out all entries or none, so one that is still there
 * tells that it did not happen (or that a server wrote its own copy back, all of it).
 */
async function hasChangedNothing(engine: Engine, run: RecordedRun): Promise<boolean> {
  const { command, entries } = run.begin;
  if (run.index !== undefined || command === 'undo' || command === 'purge') return false;
  if (entries === 'keep') return true;
  return await engine.index.read(async (index) => {
    const { absent, added } = planEdit(index, {
      remove: run.removals,
      add: run.additions.map((one) => additionOf(one, false)),
    });
    if (run.removals.length > 0) return absent.length < run.removals.length;
    return added.length === run.additions.length;
  });
}
