import { Command } from 'commander';
import type { Context } from '../../context.ts';
import { plannedOnly } from '../../core/compaction/run-report.ts';
import { applyUndo } from '../../core/compaction/undo.ts';
import { type Loss, planUndo, type UndoPlan } from '../../core/compaction/undo-plan.ts';
import { humanSize, plural } from '../../ui/human.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import type { CompactFlags } from './compact-options.ts';
import { addLockOptions } from './compact-options.ts';
import { askFirst, withProgress } from './consent.ts';
import { openEngine, withRunLock } from './open-engine.ts';
import { exitOf, writeOutcome } from './report.ts';

export function undoCommand(runtime: CommandRuntime): Command {
  const command = new Command('undo')
    .description('bring back what a run deleted, as far as it is still there')
    .argument('<run>', 'the run id, as compact history lists it')
    .option('--dry-run', 'show what would come back, and do nothing')
    .option('-y, --yes', 'do it without asking');
  return addLockOptions(command).action(runtime.action(runUndo));
}

const runUndo: Run<CompactFlags> = async (context, args, _flags, command) => {
  const flags = command.optsWithGlobals<CompactFlags>();
  const runId = args[0] ?? '';
  const engine = await openEngine(context);
  const plan = await planUndo(engine, runId);
  tellUndo(context, plan);
  if (flags.dryRun === true) {
    await writeOutcome(context, { ...plannedOnly(plan.entries.length), dryRun: true });
    return undefined;
  }
  const what = plural(plan.entries.length, 'segment');
  if (flags.yes !== true && !(await askFirst(context, `bring back ${what} of run ${runId}?`))) {
    return undefined;
  }
  return await withRunLock(
    context,
    'compact undo',
    flags,
    async () =>
      await withProgress(context, 'bringing back', async (onProgress) => {
        const locked = await openEngine(context, onProgress);
        // Looked at again: another run may have been at work until now.
        const report = await applyUndo(locked, await planUndo(locked, runId));
        await writeOutcome(context, { ...report, dryRun: false });
        return exitOf([report]);
      }),
  );
};

const LOST: Readonly<Record<Loss['why'], string>> = {
  'object-deleted': 'its archive was deleted for good',
  'object-replaced': 'a newer archive has its place in the store',
  'offset-taken': 'a newer entry has its offset in the index',
};

function tellUndo({ log }: Context, { entries, objects, losses }: UndoPlan): void {
  const bytes = objects.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  log.info('can be brought back', {
    entries: entries.length,
    objectsFromTrash: objects.length,
    size: humanSize(bytes),
  });
  for (const { segmentId, key, why } of losses) {
    log.warn('can not be brought back', { segment: segmentId, key, why: LOST[why] });
  }
}
