import { type Context, renderOptions } from '../../context.ts';
import type { RunReport } from '../../core/compaction/run-report.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import type { Column } from '../../ui/column.ts';
import { machineRow } from '../../ui/column.ts';
import { humanDuration, humanSize, plural } from '../../ui/human.ts';
import { toJson } from '../../ui/json.ts';
import { renderList } from '../../ui/result.ts';

/** What a run came to, and whether anything was done at all. */
export interface Outcome extends RunReport {
  readonly dryRun: boolean;
}

export const REPORT_COLUMNS: readonly Column<Outcome>[] = [
  { key: 'runId', header: 'RUN', type: 'text', cut: 'never', value: (row) => row.runId },
  {
    key: 'dryRun',
    header: 'DRY RUN',
    type: 'boolean',
    show: 'machine',
    value: (row) => row.dryRun,
  },
  { key: 'state', header: 'STATE', type: 'text', value: (row) => row.state },
  { key: 'identified', header: 'IDENTIFIED', type: 'count', value: (row) => row.identified },
  { key: 'deleted', header: 'DELETED', type: 'count', value: (row) => row.deleted },
  { key: 'failed', header: 'FAILED', type: 'count', value: (row) => row.failed },
  { key: 'kept', header: 'KEPT', type: 'count', value: (row) => row.kept },
  { key: 'missing', header: 'MISSING', type: 'count', value: (row) => row.missing },
  { key: 'bytesFreed', header: 'FREED', type: 'size', value: (row) => row.bytesFreed },
  { key: 'bytesInTrash', header: 'IN TRASH', type: 'size', value: (row) => row.bytesInTrash },
  {
    key: 'entriesRemoved',
    header: 'ENTRIES REMOVED',
    type: 'count',
    value: (row) => row.entriesRemoved,
  },
  {
    key: 'entriesRestored',
    header: 'ENTRIES RESTORED',
    type: 'count',
    value: (row) => row.entriesRestored,
  },
  {
    key: 'returnedRemoved',
    header: 'RETURNED REMOVED',
    type: 'count',
    value: (row) => row.returnedRemoved,
  },
  {
    key: 'indexChanged',
    header: 'INDEX CHANGED',
    type: 'boolean',
    value: (row) => row.indexChanged,
  },
  { key: 'durationMs', header: 'DURATION', type: 'duration', value: (row) => row.durationMs },
  {
    key: 'failures',
    header: 'FAILURES',
    type: 'json',
    value: (row) => row.failures.map(({ key, error }) => ({ key, error })),
    text: (row) => row.failures.map(({ key, error }) => `${key}: ${error}`).join('\n') || '-',
  },
];

/**
 * Writes what a run came to: sentences for people, the row elsewhere. The JSON document has the
 * members of `plan` too, an object that comes as chunks of JSON text.
 */
export async function writeOutcome(
  context: Context,
  outcome: Outcome,
  plan?: Iterable<string>,
): Promise<void> {
  const options = renderOptions(context);
  if (options.format === 'table' || options.format === 'wide') {
    await context.write(`${sentences(outcome).join('\n')}\n`);
  } else if (options.format === 'json') {
    await context.write(jsonDocument(outcome, plan));
  } else {
    await context.write(renderList({ columns: REPORT_COLUMNS, rows: [outcome] }, options));
  }
}

async function* jsonDocument(
  outcome: Outcome,
  plan: Iterable<string> | undefined,
): AsyncGenerator<string> {
  const row = toJson(machineRow(REPORT_COLUMNS, outcome));
  if (plan === undefined) {
    yield `${row}\n`;
    return;
  }
  yield `${row.slice(0, -1)},`;
  let isFirst = true;
  for (const chunk of plan) {
    // The two objects become one: the plan's opening brace gives way to the comma.
    yield isFirst ? chunk.replace('{', '') : chunk;
    isFirst = false;
  }
}

export function sentences(outcome: Outcome): string[] {
  const { runId, state, identified, deleted, kept, failed, missing } = outcome;
  if (outcome.dryRun) {
    return [`dry run: ${plural(identified, 'segment')} would go, nothing was changed`];
  }
  if (runId === null) {
    const why = kept === 0 ? '' : `: ${plural(kept, 'segment')} changed since the plan was made`;
    return [`nothing to do${why}`];
  }
  const lines = [
    `run ${runId}: ${state} after ${humanDuration(outcome.durationMs)}`,
    outcome.entriesRestored > 0
      ? `${plural(outcome.entriesRestored, 'segment')} of ${identified} brought back`
      : `${plural(deleted, 'segment')} of ${identified} gone, ${humanSize(outcome.bytesFreed)} freed`,
  ];
  const also = [
    [
      outcome.bytesInTrash,
      `${humanSize(outcome.bytesInTrash)} moved to the trash: segctl compact undo ${runId}`,
    ],
    [missing, `${plural(missing, 'object')} had been missing already`],
    [
      kept,
      `${plural(kept, 'segment')} kept, since they changed or another entry needs their object`,
    ],
    [
      outcome.returnedRemoved,
      `${plural(outcome.returnedRemoved, 'entry', 'entries')} removed again that a running server had written back`,
    ],
    [
      failed,
      `${plural(failed, 'object')} could not be deleted; try again with: segctl compact resume`,
    ],
  ] as const;
  for (const [count, line] of also) {
    if (count > 0) lines.push(line);
  }
  for (const { key, error } of outcome.failures.slice(0, 10)) lines.push(`  ${key}: ${error}`);
  if (state === 'interrupted') lines.push('interrupted; finish it with: segctl compact resume');
  return lines;
}

/** The exit that the states of all runs of an invocation come to. */
export function exitOf(reports: readonly Pick<RunReport, 'state'>[]): ExitName | undefined {
  const states = new Set(reports.map(({ state }) => state));
  if (states.has('interrupted')) return 'interrupted';
  if (states.has('partial')) return 'partial';
  return undefined;
}
