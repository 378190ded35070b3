import { Command } from 'commander';
import { renderOptions } from '../../context.ts';
import { type RunSummary, readHistory } from '../../core/compaction/history.ts';
import { FsRunFiles } from '../../storage/run-files.ts';
import type { Column } from '../../ui/column.ts';
import { renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';

export const HISTORY_COLUMNS: readonly Column<RunSummary>[] = [
  { key: 'runId', header: 'RUN', type: 'text', cut: 'never', value: (run) => run.runId },
  { key: 'command', header: 'COMMAND', type: 'text', value: (run) => run.command },
  { key: 'startedAt', header: 'STARTED', type: 'time', value: (run) => run.startedAtMs },
  { key: 'state', header: 'STATE', type: 'text', value: (run) => run.state },
  { key: 'segments', header: 'SEGMENTS', type: 'count', value: (run) => run.segments },
  { key: 'bytes', header: 'SIZE', type: 'size', value: (run) => run.bytes },
  { key: 'failed', header: 'FAILED', type: 'count', show: 'wide', value: (run) => run.failed },
  {
    key: 'durationMs',
    header: 'DURATION',
    type: 'duration',
    show: 'wide',
    value: (run) => run.durationMs,
  },
  {
    key: 'graceUntil',
    header: 'GRACE UNTIL',
    type: 'time',
    show: 'wide',
    value: (run) => run.graceUntilMs,
  },
];

export function historyCommand(runtime: CommandRuntime): Command {
  return new Command('history')
    .description('list the runs that changed data, oldest first')
    .action(runtime.action(runHistory));
}

const runHistory: Run<Record<string, never>> = async (context) => {
  const { runs } = await readHistory(new FsRunFiles(context.settings.dataDir));
  await context.write(
    renderList(
      { columns: HISTORY_COLUMNS, rows: runs, empty: 'no run is recorded' },
      renderOptions(context),
    ),
  );
  return undefined;
};
