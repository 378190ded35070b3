import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { applyPurge, type PurgePlan, planPurge } from '../../core/compaction/purge.ts';
import { nothingToDo, plannedOnly } from '../../core/compaction/run-report.ts';
import { humanSize, humanTime, plural } from '../../ui/human.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import type { CompactFlags } from './compact-options.ts';
import { addLockOptions } from './compact-options.ts';
import { askFirst, withProgress } from './consent.ts';
import { clearTheWay, openEngine, withRunLock } from './open-engine.ts';
import { exitOf, writeOutcome } from './report.ts';

export function purgeCommand(runtime: CommandRuntime): Command {
  const command = new Command('purge')
    .description('delete for good what is in the trash past its grace')
    .option('--dry-run', 'show what would go, and do nothing')
    .option('-y, --yes', 'do it without asking');
  return addLockOptions(command).action(runtime.action(runPurge));
}

const runPurge: Run<CompactFlags> = async (context, _args, _flags, command) => {
  const flags = command.optsWithGlobals<CompactFlags>();
  const plan = await planPurge(await openEngine(context), context.nowMs);
  tellPurge(context, plan);
  if (flags.dryRun === true) {
    const identified = plan.objects.length;
    await writeOutcome(context, { ...plannedOnly(identified), dryRun: true });
    return undefined;
  }
  if (plan.objects.length === 0) {
    await writeOutcome(context, { ...nothingToDo(0), dryRun: false });
    return undefined;
  }
  const bytes = plan.due.reduce((sum, one) => sum + one.bytes, 0);
  const what = `${plural(plan.objects.length, 'object')} (${humanSize(bytes)})`;
  if (flags.yes !== true && !(await askFirst(context, `delete ${what} for good?`)))
    return undefined;
  return await withRunLock(
    context,
    'compact purge',
    flags,
    async () =>
      await withProgress(context, 'purging', async (onProgress) => {
        const engine = await openEngine(context, onProgress);
        const settled = await clearTheWay(context, engine);
        const now = await planPurge(engine, context.nowMs);
        const report = now.objects.length === 0 ? nothingToDo(0) : await applyPurge(engine, now);
        await writeOutcome(context, { ...report, dryRun: false });
        return exitOf([...settled, report]);
      }),
  );
};

function tellPurge({ log }: Context, { due, waiting }: PurgePlan): void {
  for (const { runId, objects, bytes, graceUntilMs } of [...due, ...waiting]) {
    const state = due.some((one) => one.runId === runId) ? 'due' : 'waiting';
    log.info(`trash of run ${runId}: ${state}`, {
      objects,
      size: humanSize(bytes),
      graceUntil: humanTime(graceUntilMs),
    });
  }
}
