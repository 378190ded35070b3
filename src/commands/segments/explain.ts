import { Command } from 'commander';
import { type Context, renderOptions } from '../../context.ts';
import { type Explanation, explain } from '../../core/retention/explain.ts';
import { renderForesight } from '../../core/retention/foresight.ts';
import { RULES, renderReason } from '../../core/retention/reasons.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import type { Column } from '../../ui/column.ts';
import type { JsonValue } from '../../ui/json.ts';
import { renderDetail, renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import {
  addRetentionOptions,
  type RetentionFlags,
  retentionSettings,
} from '../compact/compact-options.ts';
import { openEngine } from '../compact/open-engine.ts';
import { planCompaction } from '../compact/plan-compaction.ts';

const COLUMNS: readonly Column<Explanation>[] = [
  {
    key: 'segmentId',
    header: 'SEGMENT',
    type: 'text',
    cut: 'never',
    value: ({ decision }) => decision.entry.segmentId,
  },
  {
    key: 'place',
    header: 'PLACE',
    type: 'integer',
    show: 'wide',
    value: ({ decision }) => decision.place,
  },
  { key: 'fate', header: 'FATE', type: 'text', value: ({ decision }) => decision.fate },
  { key: 'goes', header: 'WOULD GO', type: 'text', value: ({ goes }) => renderForesight(goes) },
  {
    key: 'policy',
    header: 'POLICY',
    type: 'text',
    value: ({ policy }) => (policy === undefined ? null : (policy.pattern ?? 'default')),
  },
  {
    key: 'reasons',
    header: 'REASONS',
    type: 'json',
    value: ({ decision }) => decision.reasons.map(reasonJson),
    text: ({ decision }) =>
      decision.reasons.map((reason) => `${reason.verdict}: ${renderReason(reason)}`).join('; '),
  },
  {
    key: 'limits',
    header: 'EACH LIMIT ALONE',
    type: 'json',
    value: ({ limits }) =>
      limits.map(({ reason, goes }) => ({ ...reasonJson(reason), goes: renderForesight(goes) })),
    text: ({ limits }) =>
      limits
        .map(
          ({ reason, goes }) =>
            `${RULES[reason.rule]}: ${renderReason(reason)}; ${renderForesight(goes)}`,
        )
        .join('; ') || '-',
  },
];

function reasonJson(reason: Explanation['decision']['reasons'][number]): {
  readonly [key: string]: JsonValue;
} {
  return { rule: reason.rule, verdict: reason.verdict, text: renderReason(reason) };
}

export function explainCommand(runtime: CommandRuntime): Command {
  const command = new Command('explain')
    .description("tell every rule's verdict on a segment, and when it would go")
    .argument('<segment>', 'the segment id, such as orders-0-0-999');
  return addRetentionOptions(command).action(runtime.action(runExplain));
}

const runExplain: Run<RetentionFlags> = async (context, args, _flags, command) => {
  const flags = command.optsWithGlobals<RetentionFlags>();
  const settings = retentionSettings(flags, context.settings.config);
  const engine = await openEngine(context);
  const { plan, index } = await planCompaction(context, engine, settings, flags.only);
  const rows = placesOf(index, args[0] ?? '').map((place) => explain(plan, place));
  await writeExplanations(context, rows);
  return undefined;
};

async function writeExplanations(context: Context, rows: readonly Explanation[]): Promise<void> {
  const options = renderOptions(context);
  if (options.format === 'table' || options.format === 'wide') {
    for (const row of rows)
      await context.write(await renderDetail({ columns: COLUMNS, row }, options));
    return;
  }
  await context.write(renderList({ columns: COLUMNS, rows }, options));
}

/** Several entries can share an id: a damaged index, or one that was edited by hand. */
function placesOf(index: SegmentIndex, segmentId: string): number[] {
  const places: number[] = [];
  for (let row = 0; row < index.rowCount; row++) {
    if (index.segmentId(row) === segmentId) places.push(row);
  }
  if (places.length > 0) return places;
  throw new SegctlError(`the index has no segment ${JSON.stringify(segmentId)}`, {
    code: 'no-such-segment',
    facts: { segment: segmentId, index: index.origin.name },
    remedy: 'list the segments with: segctl segments ls',
  });
}
