import pMap from 'p-map';
import type { Context } from '../../context.ts';
import type { Engine } from '../../core/compaction/engine.ts';
import { readHistory } from '../../core/compaction/history.ts';
import {
  findReturned,
  type ReturnedEntry,
  withoutRevived,
} from '../../core/compaction/returned-entries.ts';
import { plannerIndex } from '../../core/retention/index-input.ts';
import type { Plan } from '../../core/retention/plan.ts';
import { planRetention } from '../../core/retention/planner.ts';
import type { PlannerIndex } from '../../core/retention/planner-input.ts';
import type { RetentionSettings } from '../../core/retention/policy.ts';
import { renderReason } from '../../core/retention/reasons.ts';
import { type PlanSummary, summarize } from '../../core/retention/summary.ts';
import type { IndexPartition } from '../../core/segment-index/index-partitions.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import { isLivePartition } from '../../storage/live-segments.ts';
import { parseSelector, selectPartitions } from '../selection.ts';
import { indexPathOf } from './open-engine.ts';

/** An index with what retention must know about it besides its entries. */
export interface JudgedIndex {
  readonly index: SegmentIndex;
  /** Without the entries that a running server wrote back. */
  readonly input: PlannerIndex;
  readonly returned: readonly ReturnedEntry[];
}

export interface CompactionPlan extends JudgedIndex {
  readonly plan: Plan;
  readonly summary: PlanSummary;
}

/** Reads the index, finds live partitions and returned entries. `only` names what is judged. */
export async function judgeIndex(
  context: Context,
  engine: Engine,
  only: readonly string[] = [],
): Promise<JudgedIndex> {
  const { loadIndex } = await import('../../storage/index-file.ts');
  const { index } = await loadIndex(indexPathOf(context), { signal: context.signal });
  for (const { kind, key, rowCount, detail } of index.issues) {
    context.log.warn(detail, { issue: kind, key, entries: rowCount });
  }
  const { deletions } = await readHistory(engine.runs);
  const found = findReturned(index, deletions);
  const returned = await withoutRevived(found, engine.store, context.signal);
  if (returned.length > 0) {
    context.log.warn(
      'a running server wrote deleted entries back; they are removed again, and no data is lost',
      { entries: returned.length },
    );
  }
  const gone = new Set(returned.map(({ row }) => row));
  const partitions = selectPartitions(index, only.map(parseSelector)).map((one) =>
    without(one, gone),
  );
  const live = await livePartitions(context, partitions);
  const isLive = (topic: string, partition: number) => live.has(`${topic}-${partition}`);
  return { index, input: plannerIndex(index, isLive, partitions), returned };
}

/** Plans on the index as it is now. */
export async function planCompaction(
  context: Context,
  engine: Engine,
  settings: RetentionSettings,
  only: readonly string[] = [],
): Promise<CompactionPlan> {
  const judged = await judgeIndex(context, engine, only);
  const plan = planRetention(judged.input, settings, context.nowMs);
  const summary = summarize(plan);
  if (context.settings.logLevel === 'debug') logDecisions(context, plan);
  return { ...judged, plan, summary };
}

function without(partition: IndexPartition, gone: ReadonlySet<number>): IndexPartition {
  if (gone.size === 0) return partition;
  return {
    ...partition,
    rows: partition.rows.filter((row) => !gone.has(row)),
    shadowed: partition.shadowed.filter((row) => !gone.has(row)),
  };
}

async function livePartitions(
  context: Context,
  partitions: readonly IndexPartition[],
): Promise<Set<string>> {
  const live = new Set<string>();
  await pMap(
    partitions,
    async (one) => {
      if (await isLivePartition(context.settings.dataDir, one)) {
        live.add(`${one.topic}-${one.partition}`);
      }
    },
    { concurrency: 16 },
  );
  return live;
}

function logDecisions({ log }: Context, plan: Plan): void {
  for (const decisions of [plan.deleted(), plan.kept(), plan.ignored()]) {
    for (const { entry, fate, reasons } of decisions) {
      const why = reasons.map(renderReason).join('; ');
      log.debug('decided', { segment: entry.segmentId, fate, why });
    }
  }
}
