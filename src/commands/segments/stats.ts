import { Command } from 'commander';
import { renderOptions } from '../../context.ts';
import type { IndexPartition } from '../../core/segment-index/index-partitions.ts';
import {
  type OffsetGap,
  type PartitionStats,
  partitionStats,
} from '../../core/segment-index/partition-stats.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import type { Column } from '../../ui/column.ts';
import { rangeBar } from '../../ui/range-bar.ts';
import { renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { parseSelector, selectionFilter, selectPartitions } from '../selection.ts';

interface StatsRow extends PartitionStats, Pick<IndexPartition, 'topic' | 'partition'> {
  /** A picture of which offsets the segments cover, for wide tables. */
  readonly coverage: () => string;
}

const STATS_COLUMNS: readonly Column<StatsRow>[] = [
  { key: 'topic', header: 'TOPIC', type: 'text', cut: 'middle', value: (row) => row.topic },
  { key: 'partition', header: 'PARTITION', type: 'integer', value: (row) => row.partition },
  { key: 'segments', header: 'SEGMENTS', type: 'count', drop: 1, value: (row) => row.segments },
  { key: 'recordCount', header: 'RECORDS', type: 'count', value: (row) => row.records },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: (row) => row.bytes },
  {
    key: 'offsets',
    header: 'OFFSETS',
    type: 'text',
    cut: 'never',
    show: 'human',
    value: ({ minOffset, maxOffset }) => (minOffset === null ? null : `${minOffset}-${maxOffset}`),
  },
  {
    key: 'minOffset',
    header: 'MIN OFFSET',
    type: 'integer',
    show: 'machine',
    value: (row) => row.minOffset,
  },
  {
    key: 'maxOffset',
    header: 'MAX OFFSET',
    type: 'integer',
    show: 'machine',
    value: (row) => row.maxOffset,
  },
  {
    key: 'minTimestamp',
    header: 'MIN TIMESTAMP',
    type: 'time',
    drop: 4,
    value: (row) => row.minTimestamp,
  },
  {
    key: 'maxTimestamp',
    header: 'MAX TIMESTAMP',
    type: 'time',
    drop: 5,
    value: (row) => row.maxTimestamp,
  },
  {
    key: 'missingOffsets',
    header: 'MISSING',
    type: 'count',
    drop: 2,
    value: (row) => row.missingOffsets,
  },
  {
    key: 'gaps',
    header: 'GAPS',
    drop: 3,
    type: 'json',
    value: (row) => row.gaps.map(({ from, to }) => ({ from, to })),
    text: (row) => gapsText(row.gaps),
  },
];

const COVERAGE: Column<StatsRow> = {
  key: 'coverage',
  header: 'COVERAGE',
  type: 'text',
  cut: 'never',
  show: 'human',
  drop: 6,
  value: (row) => row.coverage(),
};
const COVERAGE_WIDTH = 24;

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
      coverage: () => coverage(index, one),
    }),
  );
  const totals = index.totals(partitions);
  await context.write(
    renderList(
      {
        columns: options.format === 'wide' ? [...STATS_COLUMNS, COVERAGE] : STATS_COLUMNS,
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

function coverage(index: SegmentIndex, { rows }: IndexPartition): string {
  const ranges = Array.from(rows, (row) => ({
    first: index.minOffset(row),
    last: index.maxOffset(row),
  }));
  const [head] = ranges;
  if (head === undefined) return '';
  const whole = ranges.reduce(
    ({ first, last }, one) => ({
      first: one.first < first ? one.first : first,
      last: one.last > last ? one.last : last,
    }),
    head,
  );
  return rangeBar(ranges, whole, COVERAGE_WIDTH);
}

function gapsText(gaps: readonly OffsetGap[]): string {
  if (gaps.length === 0) return '-';
  const shown = gaps
    .slice(0, SHOWN_GAPS)
    .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  const more = gaps.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}
