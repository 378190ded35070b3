import { Command } from 'commander';
import { renderOptions } from '../../context.ts';
import { resumeAll, unfinishedRuns } from '../../core/compaction/resume.ts';
import { plannedOnly } from '../../core/compaction/run-report.ts';
import { plural } from '../../ui/human.ts';
import { renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import type { CompactFlags } from './compact-options.ts';
import { addLockOptions } from './compact-options.ts';
import { askFirst, wantsSentences, withProgress } from './consent.ts';
import { openEngine, withRunLock } from './open-engine.ts';
import { exitOf, type Outcome, REPORT_COLUMNS, sentences } from './report.ts';

export function resumeCommand(runtime: CommandRuntime): Command {
  const command = new Command('resume')
    .description('finish runs that were killed, interrupted, or left objects behind')
    .option('--dry-run', 'list the runs, and do nothing')
    .option('-y, --yes', 'do it without asking');
  return addLockOptions(command).action(runtime.action(runResume));
}

const runResume: Run<CompactFlags> = async (context, _args, _flags, command) => {
  const flags = command.optsWithGlobals<CompactFlags>();
  const engine = await openEngine(context);
  const unfinished = await unfinishedRuns(engine);
  const show = async (outcomes: readonly Outcome[]): Promise<void> => {
    if (wantsSentences(context)) {
      const lines = outcomes.flatMap(sentences);
      await context.write(`${lines.length === 0 ? 'no run is unfinished' : lines.join('\n')}\n`);
    } else {
      await context.write(
        renderList({ columns: REPORT_COLUMNS, rows: outcomes }, renderOptions(context)),
      );
    }
  };
  if (flags.dryRun === true || unfinished.length === 0) {
    await show(unfinished.map((runId) => ({ ...plannedOnly(0), runId, dryRun: true })));
    return undefined;
  }
  const question = `finish ${plural(unfinished.length, 'run')} (${unfinished.join(', ')})?`;
  if (flags.yes !== true && !(await askFirst(context, question))) return undefined;
  return await withRunLock(
    context,
    'compact resume',
    flags,
    async () =>
      await withProgress(context, 'finishing', async (onProgress) => {
        const reports = await resumeAll(await openEngine(context, onProgress));
        await show(reports.map((report) => ({ ...report, dryRun: false })));
        return exitOf(reports);
      }),
  );
};
