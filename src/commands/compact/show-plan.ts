import { type Context, renderOptions } from '../../context.ts';
import type { Fate } from '../../core/retention/partition-plan.ts';
import type { Plan } from '../../core/retention/plan.ts';
import { RULES, type RuleId } from '../../core/retention/reasons.ts';
import { type PartitionSummary, renderBlocker } from '../../core/retention/summary.ts';
import { writeOut } from '../../io.ts';
import type { Column } from '../../ui/column.ts';
import { humanDuration, humanSize, humanTime, humanTimeRange, plural } from '../../ui/human.ts';
import { renderList } from '../../ui/result.ts';
import { escapeForTerminal } from '../../ui/terminal-text.ts';
import type { ApplyOptions } from './compact-options.ts';
import { wantsSentences } from './consent.ts';
import type { CompactionPlan } from './plan-compaction.ts';

interface PlanRow extends PartitionSummary {
  readonly why: string;
}

const COLUMNS: readonly Column<PlanRow>[] = [
  { key: 'topic', header: 'TOPIC', type: 'text', cut: 'middle', value: (row) => row.topic },
  { key: 'partition', header: 'PARTITION', type: 'integer', value: (row) => row.partition },
  { key: 'delete', header: 'GO', type: 'count', value: (row) => row.byFate.delete.segments },
  { key: 'bytes', header: 'SIZE', type: 'size', value: (row) => row.byFate.delete.bytes },
  {
    key: 'offsets',
    header: 'OFFSETS',
    type: 'text',
    cut: 'never',
    value: ({ byFate: { delete: gone } }) =>
      gone.minOffset === null ? null : `${gone.minOffset}-${gone.maxOffset}`,
  },
  {
    key: 'created',
    header: 'CREATED',
    type: 'text',
    value: ({ byFate: { delete: gone } }) =>
      gone.oldestCreatedAtMs === null || gone.newestCreatedAtMs === null
        ? null
        : humanTimeRange(gone.oldestCreatedAtMs, gone.newestCreatedAtMs),
  },
  { key: 'stay', header: 'STAY', type: 'count', value: (row) => row.keep.segments },
  { key: 'stayBytes', header: 'SIZE', type: 'size', value: (row) => row.keep.bytes },
  { key: 'why', header: 'WHY', type: 'text', value: (row) => row.why },
];

/** The plan for people: what goes and stays per partition, why, and what a guard or cap left. */
export async function showPlan(
  context: Context,
  planned: CompactionPlan,
  options: ApplyOptions,
): Promise<void> {
  const { plan, summary, returned } = planned;
  const why = rulesPerPartition(plan);
  const rows = summary.partitions
    .filter(({ byFate }) => byFate.delete.segments > 0)
    .map((one): PlanRow => ({ ...one, why: why.get(partitionName(one)) ?? '' }));
  const render = renderOptions(context);
  // Where stdout carries data, what people read goes to stderr.
  const stream = wantsSentences(context) ? context.io.stdout : context.io.stderr;
  const table = renderList(
    { columns: COLUMNS, rows, empty: 'no segment is condemned' },
    { ...render, format: render.format === 'wide' ? 'wide' : 'table' },
  );
  context.screen.clear();
  for await (const chunk of table) await writeOut(stream, chunk);
  const { delete: gone } = summary.byFate;
  const lines = [
    `${plural(gone.segments, 'segment')} of ${summary.total.segments} go, ${humanSize(gone.bytes)}; ${plural(summary.keep.segments, 'segment')} stay, ${humanSize(summary.keep.bytes)}`,
    ...planNotes(planned),
    ...modeNotes(options),
  ];
  if (returned.length > 0) {
    lines.push(
      `${plural(returned.length, 'entry', 'entries')} that a running server wrote back after a recorded deletion leave the index again`,
    );
  }
  await writeOut(stream, `\n${lines.map(escapeForTerminal).join('\n')}\n`);
}

function planNotes({ summary }: CompactionPlan): string[] {
  const left: Readonly<Partial<Record<Fate, string>>> = {
    cap: 'left for the next run by --max-deletions',
    live: 'left alone: a running server writes them again (--include-live)',
    hold: 'left alone: they are held',
    'prefix-guard': 'left alone: an older segment of their partition stays (--allow-gaps)',
  };
  const notes = Object.entries(left).flatMap(([fate, text]) => {
    const tally = Object.entries(summary.byFate).find(([name]) => name === fate)?.[1];
    if (tally === undefined || tally.segments === 0) return [];
    return [`${plural(tally.segments, 'condemned segment')}, ${humanSize(tally.bytes)}, ${text}`];
  });
  for (const { topic, partition, blocker } of summary.partitions) {
    if (blocker !== null) notes.push(`${topic}:${partition}: ${renderBlocker(blocker)}`);
  }
  if (summary.ageUnknown > 0) {
    notes.push(
      `${plural(summary.ageUnknown, 'segment')} of unknown age by record stay: the index lost their max_timestamp`,
    );
  }
  if (summary.inFuture > 0) {
    notes.push(`${plural(summary.inFuture, 'segment')} lie in the future of this clock`);
  }
  if (summary.ignored > 0) {
    notes.push(
      `${plural(summary.ignored, 'entry', 'entries')} take no part: the server does not load them`,
    );
  }
  if (summary.sharedObjects > 0) {
    notes.push(
      `${plural(summary.sharedObjects, 'object')} stay, since an entry that stays names them too`,
    );
  }
  if (!summary.withinBudget) notes.push('this is beyond the budget of --max-delete, and refused');
  return notes;
}

function modeNotes({ objectsMode, entriesMode, graceMs }: ApplyOptions): string[] {
  if (entriesMode === 'keep') return ['the index keeps the entries, which then point at nothing'];
  if (objectsMode === 'keep') return ['the archives stay in the store, named by no entry'];
  if (graceMs !== null) {
    return [
      `the archives wait in the trash for ${humanDuration(graceMs)}, where undo can bring them back`,
    ];
  }
  return [];
}

/** Which rules condemned how many segments, for each partition. */
function rulesPerPartition(plan: Plan): Map<string, string> {
  const counts = new Map<string, Map<RuleId, number>>();
  for (const { entry, reasons } of plan.deleted()) {
    const name = partitionName(entry);
    const rules = counts.get(name) ?? new Map<RuleId, number>();
    counts.set(name, rules);
    for (const { rule, verdict } of reasons) {
      if (verdict === 'delete') rules.set(rule, (rules.get(rule) ?? 0) + 1);
    }
  }
  return new Map(
    Array.from(counts, ([name, rules]) => [
      name,
      Array.from(rules, ([rule, count]) => `${count} ${RULES[rule]}`).join('; '),
    ]),
  );
}

function partitionName({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}:${partition}`;
}

/** The question that a person is asked. */
export function question(
  { summary }: CompactionPlan,
  options: ApplyOptions,
  nowMs: number,
): string {
  const { delete: gone } = summary.byFate;
  const what = `${plural(gone.segments, 'segment')} (${humanSize(gone.bytes)})`;
  if (options.objectsMode === 'keep') return `take ${what} out of the index?`;
  if (options.graceMs === null) return `delete ${what} for good?`;
  return `move ${what} to the trash until ${humanTime(nowMs + options.graceMs)}?`;
}
