import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { applyDeletions } from '../../core/compaction/apply.ts';
import { plannedOnly, type RunReport } from '../../core/compaction/run-report.ts';
import { assertWithinBudget } from '../../core/retention/budget.ts';
import { checkPlanAgainst } from '../../core/retention/plan-check.ts';
import { readPlanFile, type SavedPlan } from '../../core/retention/plan-file.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { humanSize, plural } from '../../ui/human.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import type { CompactFlags } from './compact-options.ts';
import {
  type ApplyOptions,
  addApplyOptions,
  addLockOptions,
  parseApply,
} from './compact-options.ts';
import { compactRequest } from './compact-request.ts';
import { askFirst, withProgress } from './consent.ts';
import { withMetrics } from './metrics-file.ts';
import { clearTheWay, openEngine, withRunLock } from './open-engine.ts';
import { judgeIndex } from './plan-compaction.ts';
import { exitOf, writeOutcome } from './report.ts';

export function applyCommand(runtime: CommandRuntime): Command {
  const command = new Command('apply')
    .description('carry out exactly a plan that was kept as a file, or refuse')
    .argument('<plan>', 'the file that compact plan -o wrote');
  return addLockOptions(addApplyOptions(command)).action(runtime.action(runApply));
}

const runApply: Run<CompactFlags> = async (context, args, _flags, command) => {
  const flags = command.optsWithGlobals<CompactFlags>();
  const options = parseApply(flags);
  const file = args[0] ?? '';
  const plan = await readPlan(file);
  if (options.dryRun) {
    const engine = await openEngine(context);
    const judged = await judgeIndex(context, engine);
    const segments = checkPlanAgainst(plan, judged.input);
    await writeOutcome(context, { ...plannedOnly(segments.length), dryRun: true });
    return undefined;
  }
  const bytes = plan.delete.reduce((sum, { entry }) => sum + entry.sizeBytes, 0n);
  const what = `${plural(plan.delete.length, 'segment')} (${humanSize(bytes)})`;
  if (!options.yes && !(await askFirst(context, `carry out ${file}: ${what} go?`)))
    return undefined;
  const work = async () => await carryOutPlan(context, plan, file, options);
  const locked = async () => await withRunLock(context, 'compact apply', flags, work);
  return exitOf(await withMetrics(context, options.metricsFile, locked));
};

async function carryOutPlan(
  context: Context,
  plan: SavedPlan,
  file: string,
  options: ApplyOptions,
): Promise<RunReport[]> {
  return await withProgress(context, 'deleting', async (onProgress) => {
    const engine = await openEngine(context, onProgress);
    const settled = await clearTheWay(context, engine);
    if (settled.some(({ state }) => state === 'interrupted')) return settled;
    const judged = await judgeIndex(context, engine);
    const segments = checkPlanAgainst(plan, judged.input);
    assertWithinBudget(plan.settings.maxDelete, {
      deleteSegments: segments.length,
      deleteBytes: segments.reduce((sum, { entry }) => sum + entry.sizeBytes, 0n),
      totalBytes: judged.index.totals().bytes,
    });
    const request = compactRequest(judged, segments, options, {
      request: `compact apply ${file}`,
      nowMs: context.nowMs,
    });
    const report = await applyDeletions(engine, request);
    await writeOutcome(context, { ...report, dryRun: false });
    return [...settled, report];
  });
}

async function readPlan(file: string): Promise<SavedPlan> {
  try {
    return await readPlanFile(createReadStream(file));
  } catch (error) {
    if (error instanceof SegctlError) throw error;
    const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new SegctlError(`can't read the plan ${file} (${errno})`, {
      code: 'plan-unreadable',
      exit: 'usage',
      facts: { file, errno },
      remedy: 'make a plan with: segctl compact plan -o plan.json',
      cause: error,
    });
  }
}
