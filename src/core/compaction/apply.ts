import type { ApplyRequest } from './apply-request.ts';
import { carryOut } from './carry-out.ts';
import type { Engine } from './engine.ts';
import { prepareRun } from './prepare-run.ts';
import { nothingToDo, type RunReport, reportOf } from './run-report.ts';

/**
 * Carries out deletions (and, for reindex, additions), safely: intent in the journal, the index in
 * one rewrite, then the objects. The caller holds the run lock and has settled unfinished runs.
 *
 * What changed since it was planned is left alone and counted as `kept`. Failures of single objects
 * are in the report (state `partial`), an interruption too; what stops the run as a whole throws,
 * after which `resume` finishes it.
 */
export async function applyDeletions(engine: Engine, request: ApplyRequest): Promise<RunReport> {
  const { run, changed, indexDigest } = await prepareRun(engine, request);
  if (run === undefined) return nothingToDo(changed);
  engine.log.debug('journaled the intent', {
    run: run.id,
    entries: run.removals.length,
    objects: run.objects.length,
  });
  const pass = await carryOut(engine, run, { indexDigest, returned: request.returned ?? [] });
  return reportOf(run, { changedBefore: changed, indexChanged: pass.indexChanged });
}
