import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { applyDeletions } from '../../core/compaction/apply.ts';
import { nothingToDo, plannedOnly, type RunReport } from '../../core/compaction/run-report.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import { type PlannedSegment, plannedSegment } from '../../core/retention/plan-file.ts';
import { planJson } from '../../core/retention/plan-json.ts';
import type { RetentionSettings } from '../../core/retention/policy.ts';
import { assertPlanWithinBudget } from '../../core/retention/summary.ts';
import { sameEntry } from '../../core/segment-index/entry-format.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { applyCommand } from './apply.ts';
import {
  type ApplyOptions,
  addApplyOptions,
  addLockOptions,
  addRetentionOptions,
  type CompactFlags,
  parseApply,
  retentionSettings,
} from './compact-options.ts';
import { compactRequest } from './compact-request.ts';
import { askFirst, assertCanAsk, wantsSentences, withProgress } from './consent.ts';
import { historyCommand } from './history.ts';
import { withMetrics } from './metrics-file.ts';
import { clearTheWay, openEngine, withRunLock } from './open-engine.ts';
import { planCommand } from './plan.ts';
import { type CompactionPlan, planCompaction } from './plan-compaction.ts';
import { purgeCommand } from './purge.ts';
import { exitOf, writeOutcome } from './report.ts';
import { resumeCommand } from './resume.ts';
import { showCommand } from './show.ts';
import { question, showPlan } from './show-plan.ts';
import { undoCommand } from './undo.ts';

export function compactCommand(runtime: CommandRuntime): Command {
  const command = new Command('compact').description(
    'delete archived segments by retention (archives, not the write-ahead log)',
  );
  for (const add of [addRetentionOptions, addApplyOptions, addLockOptions]) add(command);
  return command
    .action(runtime.action(runCompact))
    .addCommand(planCommand(runtime))
    .addCommand(applyCommand(runtime))
    .addCommand(historyCommand(runtime))
    .addCommand(showCommand(runtime))
    .addCommand(undoCommand(runtime))
    .addCommand(resumeCommand(runtime))
    .addCommand(purgeCommand(runtime));
}

const runCompact: Run<CompactFlags> = async (context, _args, _flags, command) => {
  const flags = command.optsWithGlobals<CompactFlags>();
  const options = parseApply(flags);
  const settings = retentionSettings(flags, context.settings.config);
  if (options.dryRun) return await dryRun(context, settings, options, flags);
  if (!options.yes) {
    const confirmed = await planAndAsk(context, settings, options, flags);
    if (confirmed === undefined) return undefined;
    return await applyUnderLock(context, settings, options, flags, confirmed);
  }
  return await applyUnderLock(context, settings, options, flags, undefined);
};

async function dryRun(
  context: Context,
  settings: RetentionSettings,
  options: ApplyOptions,
  flags: CompactFlags,
): Promise<ExitName | undefined> {
  const engine = await openEngine(context);
  const planned = await planCompaction(context, engine, settings, flags.only);
  if (wantsSentences(context)) await showPlan(context, planned, options);
  const identified = planned.summary.byFate.delete.segments;
  const outcome = { ...plannedOnly(identified), dryRun: true };
  await writeOutcome(context, outcome, planDocument(context, planned));
  assertPlanWithinBudget(planned.plan, planned.summary);
  return undefined;
}

/** Shows the plan and asks; gives the segments that a person said yes to, undefined for none. */
async function planAndAsk(
  context: Context,
  settings: RetentionSettings,
  options: ApplyOptions,
  flags: CompactFlags,
): Promise<readonly PlannedSegment[] | undefined> {
  await assertCanAsk(context);
  const engine = await openEngine(context);
  const planned = await planCompaction(context, engine, settings, flags.only);
  const confirmed = Array.from(planned.plan.deleted(), plannedSegment);
  if (confirmed.length + planned.returned.length === 0) {
    if (wantsSentences(context)) await showPlan(context, planned, options);
    await writeOutcome(context, { ...nothingToDo(0), dryRun: false });
    return undefined;
  }
  await showPlan(context, planned, options);
  assertPlanWithinBudget(planned.plan, planned.summary);
  const isYes = await askFirst(context, question(planned, options, context.nowMs));
  return isYes ? confirmed : undefined;
}

/**
 * Plans again under the lock, as the index may have changed while somebody thought, and deletes what
 * was confirmed and is still condemned.
 */
async function applyUnderLock(
  context: Context,
  settings: RetentionSettings,
  options: ApplyOptions,
  flags: CompactFlags,
  confirmed: readonly PlannedSegment[] | undefined,
): Promise<ExitName | undefined> {
  const work = async (): Promise<RunReport[]> =>
    await withProgress(context, 'deleting', async (onProgress) => {
      const engine = await openEngine(context, onProgress);
      const settled = await clearTheWay(context, engine);
      if (settled.some(({ state }) => state === 'interrupted')) return settled;
      const planned = await planCompaction(context, engine, settings, flags.only);
      if (confirmed === undefined && wantsSentences(context)) {
        await showPlan(context, planned, options);
      }
      assertPlanWithinBudget(planned.plan, planned.summary);
      const all = Array.from(planned.plan.deleted(), plannedSegment);
      const segments = confirmed === undefined ? all : stillConfirmed(all, confirmed);
      const request = compactRequest(planned, segments, options, {
        request: 'compact',
        nowMs: context.nowMs,
      });
      const report = await applyDeletions(engine, request);
      await writeOutcome(context, { ...report, dryRun: false }, planDocument(context, planned));
      return [...settled, report];
    });
  const locked = async () => await withRunLock(context, 'compact', flags, work);
  return exitOf(await withMetrics(context, options.metricsFile, locked));
}

function stillConfirmed(
  condemned: readonly PlannedSegment[],
  confirmed: readonly PlannedSegment[],
): PlannedSegment[] {
  const byId = new Map(confirmed.map((one) => [one.entry.segmentId, one.entry]));
  return condemned.filter(({ entry }) => {
    const before = byId.get(entry.segmentId);
    return before !== undefined && sameEntry(before, entry);
  });
}

function planDocument(context: Context, planned: CompactionPlan): Iterable<string> {
  return planJson(planned.plan, planned.summary, {
    createdAtMs: context.io.now(),
    indexDigest: planned.index.origin.digest ?? '',
  });
}
