import { Command } from 'commander';
import { renderOptions } from '../../context.ts';
import type { IndexPartition } from '../../core/segment-index/index-partitions.ts';
import {
  type OffsetGap,
  type PartitionStats,
  partitionStats,
} from '../../core/segment-index/partition-stats.ts';
import type { Column } from '../../ui/column.ts';
import { renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { parseSelector, selectionFilter, selectPartitions } from '../selection.ts';

type StatsRow = Pick<IndexPartition, 'topic' | 'partition'> & PartitionStats;

const STATS_COLUMNS: readonly Column<StatsRow>[] = [
  { key: 'topic', header: 'TOPIC', type: 'text', cut: 'middle', value: (row) => row.topic },
  { key: 'partition', header: 'PARTITION', type: 'integer', value: (row) => row.partition },
  { key: 'segments', header: 'SEGMENTS', type: 'count', value: (row) => row.segments },
  { key: 'recordCount', header: 'RECORDS', type: 'count', value: (row) => row.records },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: (row) => row.bytes },
  { key: 'minOffset', header: 'MIN OFFSET', type: 'integer', value: (row) => row.minOffset },
  { key: 'maxOffset', header: 'MAX OFFSET', type: 'integer', value: (row) => row.maxOffset },
  { key: 'minTimestamp', header: 'MIN TIMESTAMP', type: 'time', value: (row) => row.minTimestamp },
  { key: 'maxTimestamp', header: 'MAX TIMESTAMP', type: 'time', value: (row) => row.maxTimestamp },
  {
    key: 'missingOffsets',
    header: 'MISSING OFFSETS',
    type: 'count',
    value: (row) => row.missingOffsets,
  },
  {
    key: 'gaps',
    header: 'GAPS BETWEEN SEGMENTS',
    type: 'json',
    value: (row) => row.gaps.map(({ from, to }) => ({ from, to })),
    text: (row) => gapsText(row.gaps),
  },
];

/** So many gaps are named in a table; JSON has them all. */
const SHOWN_GAPS = 3;

export function statsCommand(runtime: CommandRuntime): Command {
  return new Command('stats')
    .description('count segments, records, bytes, ranges and gaps per topic and partition')
    .argument('[selection...]', 'TOPIC or TOPIC:PARTITION; the topic may hold * and ?')
    .action(runtime.action(runStats));
}

const runStats: Run<Record<string, never>> = async (context, args) => {
  const selectors = args.map(parseSelector);
  const options = renderOptions(context);
  const { humanSize, plural } = await import('../../ui/human.ts');
  const index = await context.loadIndex(selectionFilter(selectors));
  const partitions = selectPartitions(index, selectors);
  const rows = partitions.map(
    (one): StatsRow => ({
      topic: one.topic,
      partition: one.partition,
      ...partitionStats(index, one),
    }),
  );
  const totals = index.totals(partitions);
  await context.write(
    renderList(
      {
        columns: STATS_COLUMNS,
        rows,
        empty: 'the index has no segments',
        footer: () =>
          `\n${plural(totals.partitions, 'partition')}, ${plural(totals.segments, 'segment')}, ${plural(totals.records, 'record')}, ${humanSize(totals.bytes)}`,
      },
      options,
    ),
  );
  return undefined;
};

function gapsText(gaps: readonly OffsetGap[]): string {
  if (gaps.length === 0) return '-';
  const shown = gaps
    .slice(0, SHOWN_GAPS)
    .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  const more = gaps.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}
