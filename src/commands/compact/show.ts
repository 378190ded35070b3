import { Command } from 'commander';
import { renderOptions } from '../../context.ts';
import { summaryOf } from '../../core/compaction/history.ts';
import type { RemoveRecord } from '../../core/compaction/journal-record.ts';
import { type RecordedRun, readRun } from '../../core/compaction/recorded-run.ts';
import { reportOf } from '../../core/compaction/run-report.ts';
import { FsRunFiles } from '../../storage/run-files.ts';
import { type Column, machineRow } from '../../ui/column.ts';
import { toJson } from '../../ui/json.ts';
import { renderDetail, renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { HISTORY_COLUMNS } from './history.ts';
import { REPORT_COLUMNS } from './report.ts';

interface ShownObject {
  readonly key: string;
  readonly segmentId: string | null;
  readonly sizeBytes: number | null;
  readonly outcome: string;
  readonly removal: RemoveRecord | undefined;
  readonly error: string | null;
}

const OBJECT_COLUMNS: readonly Column<ShownObject>[] = [
  {
    key: 'segmentId',
    header: 'SEGMENT',
    type: 'text',
    cut: 'never',
    value: (one) => one.segmentId,
  },
  { key: 'outcome', header: 'OUTCOME', type: 'text', value: (one) => one.outcome },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: (one) => one.sizeBytes },
  { key: 'reason', header: 'WHY', type: 'text', value: (one) => one.removal?.reason ?? null },
  { key: 'key', header: 'KEY', type: 'text', show: 'wide', cut: 'middle', value: (one) => one.key },
  { key: 'error', header: 'ERROR', type: 'text', show: 'wide', value: (one) => one.error },
];

export function showCommand(runtime: CommandRuntime): Command {
  return new Command('show')
    .description('show one run: what it did to each segment, and why')
    .argument('<run>', 'the run id, as compact history lists it')
    .action(runtime.action(runShow));
}

const runShow: Run<Record<string, never>> = async (context, args) => {
  const run = await readRun(new FsRunFiles(context.settings.dataDir), args[0] ?? '');
  const options = renderOptions(context);
  const rows = shownObjects(run);
  const summary = machineRow(HISTORY_COLUMNS, summaryOf(run));
  const report = machineRow(REPORT_COLUMNS, { ...reportOf(run), dryRun: false });
  const { request, store, index, host, pid, tool, objects, entries } = run.begin;
  const rest = { ...report, ...summary, request, store, index, host, pid, tool, objects, entries };
  if (options.format === 'json') {
    const segments = rows.map((one) => machineRow(OBJECT_COLUMNS, one));
    await context.write(`${toJson({ ...rest, segmentsList: segments }, 2)}\n`);
    return undefined;
  }
  if (options.format === 'table' || options.format === 'wide') {
    await context.write(
      await renderDetail({ columns: HISTORY_COLUMNS, row: summaryOf(run) }, options),
    );
    await context.write('\n');
  }
  await context.write(
    renderList({ columns: OBJECT_COLUMNS, rows, empty: 'it touched no object' }, options),
  );
  return undefined;
};

/** Objects with their entries, then entries whose object was not the run's to touch. */
function shownObjects(run: RecordedRun): ShownObject[] {
  const byPath = new Map(run.removals.map((removal) => [removal.entry.objectStorePath, removal]));
  const shown = run.objects.map((object): ShownObject => {
    const last = run.outcomes.get(object.n);
    const removal = byPath.get(object.key);
    byPath.delete(object.key);
    return {
      key: object.key,
      segmentId: object.segmentId,
      sizeBytes: object.sizeBytes,
      outcome: last?.outcome ?? 'pending',
      removal,
      error: last?.error ?? null,
    };
  });
  for (const removal of byPath.values()) {
    shown.push({
      key: removal.entry.objectStorePath,
      segmentId: removal.entry.segmentId,
      sizeBytes: null,
      outcome: run.index === undefined ? 'pending' : 'entry removed, object kept',
      removal,
      error: null,
    });
  }
  return shown;
}
