import { Command, Option } from 'commander';
import { type Context, renderOptions } from '../../context.ts';
import { parseCount, parseDuration, parseSize, parseTime } from '../../core/quantities.ts';
import type { IndexPartition } from '../../core/segment-index/index-partitions.ts';
import { PartitionLookup } from '../../core/segment-index/lookup.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import { renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { parseSelector, type Selector, selectionFilter, selectPartitions } from '../selection.ts';
import { SEGMENT_COLUMNS, type SegmentRow } from './segment-row.ts';

const SORT_KEYS = ['offset', 'size', 'records', 'created', 'timestamp'] as const;
type SortKey = (typeof SORT_KEYS)[number];

interface LsFlags {
  readonly offset?: string;
  readonly from?: string;
  readonly to?: string;
  readonly olderThan?: string;
  readonly largerThan?: string;
  readonly damaged?: boolean;
  readonly missing?: boolean;
  readonly maxUnpacked: string;
  readonly sortBy?: SortKey;
  readonly reverse?: boolean;
  readonly limit?: string;
}

export function lsCommand(runtime: CommandRuntime): Command {
  return new Command('ls')
    .description('list segments and totals')
    .argument('[selection...]', 'TOPIC or TOPIC:PARTITION; the topic may hold * and ?')
    .option('--offset <n>', 'only segments whose offset range holds this offset')
    .option('--from <time>', 'only segments that may hold records of this time or later')
    .option('--to <time>', 'only segments that may hold records before this time')
    .option('--older-than <duration>', 'only segments indexed longer ago than this')
    .option('--larger-than <size>', 'only segments of more bytes than this')
    .option('--damaged', 'only segments whose archive is damaged; reads all that are selected')
    .option(
      '--max-unpacked <size>',
      'with --damaged: archives that unpack to more count as damaged',
      '1GiB',
    )
    .option('--missing', 'only segments whose archive is not in the store')
    .addOption(new Option('--sort-by <key>', 'order').choices([...SORT_KEYS]))
    .option('--reverse', 'the other way round')
    .option('--limit <n>', 'at most so many segments')
    .action(runtime.action(runLs));
}

/** What is asked for, as values. */
interface LsQuery {
  readonly selectors: readonly Selector[];
  readonly offset: bigint | undefined;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly createdBeforeSeconds: bigint | undefined;
  readonly largerThanBytes: bigint | undefined;
  readonly sortBy: SortKey | undefined;
  readonly reverse: boolean;
  readonly limit: number;
}

export function parseLs(args: readonly string[], flags: LsFlags, nowMs: number): LsQuery {
  const optional = <T>(text: string | undefined, parse: (text: string) => T): T | undefined =>
    text === undefined ? undefined : parse(text);
  return {
    selectors: args.map(parseSelector),
    offset: optional(flags.offset, (text) => parseCount(text, '--offset')),
    fromMs: optional(flags.from, (text) => parseTime(text, nowMs, '--from')),
    toMs: optional(flags.to, (text) => parseTime(text, nowMs, '--to')),
    createdBeforeSeconds: optional(flags.olderThan, (text) =>
      BigInt(Math.floor((nowMs - parseDuration(text, '--older-than')) / 1000)),
    ),
    largerThanBytes: optional(flags.largerThan, (text) => parseSize(text, '--larger-than')),
    sortBy: flags.sortBy,
    reverse: flags.reverse === true,
    limit: optional(flags.limit, (text) => Number(parseCount(text, '--limit'))) ?? Infinity,
  };
}

const runLs: Run<LsFlags> = async (context, args, flags) => {
  const query = parseLs(args, flags, context.nowMs);
  const options = renderOptions(context);
  const { humanSize, plural } = await import('../../ui/human.ts');
  const index = await context.loadIndex(selectionFilter(query.selectors));
  const matching = sorted(matchingRows(index, query), index, query);
  const rows = (
    flags.damaged || flags.missing ? await withDefect(context, index, matching, flags) : matching
  ).slice(0, query.limit);
  let bytes = 0n;
  let records = 0n;
  for (const row of rows) {
    bytes += index.sizeBytes(row);
    records += index.recordCount(row);
  }
  const segments = function* (): Generator<SegmentRow> {
    for (const row of rows) yield { entry: index.entry(row) };
  };
  await context.write(
    renderList(
      {
        columns: SEGMENT_COLUMNS,
        rows: segments(),
        empty: 'no segment matches',
        footer: () =>
          `\n${plural(rows.length, 'segment')}, ${plural(records, 'record')}, ${humanSize(bytes)}`,
      },
      options,
    ),
  );
  return undefined;
};

/** Archives that are looked at at the same time. */
const PARALLEL = 4;

/** The rows whose archive is missing or damaged, as asked; in their order. */
async function withDefect(
  context: Context,
  index: SegmentIndex,
  rows: readonly number[],
  flags: LsFlags,
): Promise<number[]> {
  const [{ default: pMap }, { readSegment }, { ARCHIVE_DAMAGE }] = await Promise.all([
    import('p-map'),
    import('./segment-findings.ts'),
    import('../../core/archive/archive-error.ts'),
  ]);
  const store = await context.openStore();
  const maxUnpackedBytes = Number(parseSize(flags.maxUnpacked, '--max-unpacked'));
  const hasDefect = async (row: number): Promise<boolean> => {
    const entry = index.entry(row);
    if (flags.damaged !== true) return (await store.head(entry.objectStorePath)) === undefined;
    const options = { maxUnpackedBytes, signal: context.signal };
    const { findings } = await readSegment(store, entry, options);
    return findings.some(
      ({ id }) => id in ARCHIVE_DAMAGE || (flags.missing === true && id === 'object-missing'),
    );
  };
  const found = await pMap(rows, hasDefect, { concurrency: PARALLEL, signal: context.signal });
  return rows.filter((_, i) => found[i] === true);
}

function matchingRows(index: SegmentIndex, query: LsQuery): number[] {
  const { createdBeforeSeconds: before, largerThanBytes: larger } = query;
  return selectPartitions(index, query.selectors)
    .flatMap((partition) => candidates(index, partition, query))
    .filter(
      (row) =>
        (before === undefined || index.createdAtSeconds(row) < before) &&
        (larger === undefined || index.sizeBytes(row) > larger),
    );
}

function candidates(index: SegmentIndex, partition: IndexPartition, query: LsQuery): number[] {
  if (query.offset === undefined && query.fromMs === undefined && query.toMs === undefined) {
    return [...partition.rows];
  }
  const lookup = new PartitionLookup(index, partition);
  const byOffset = query.offset === undefined ? undefined : lookup.byOffset(query.offset);
  if (query.fromMs === undefined && query.toMs === undefined) return byOffset ?? [];
  const byTime = lookup.byTime(
    BigInt(query.fromMs ?? Number.MIN_SAFE_INTEGER),
    // --to is exclusive, as the end of an offset range is.
    BigInt(query.toMs ?? Number.MAX_SAFE_INTEGER) - 1n,
  );
  if (byOffset === undefined) return byTime;
  const wanted = new Set(byOffset);
  return byTime.filter((row) => wanted.has(row));
}

function sorted(rows: number[], index: SegmentIndex, query: LsQuery): number[] {
  const value: Record<SortKey, (row: number) => bigint> = {
    offset: (row) => index.minOffset(row),
    size: (row) => index.sizeBytes(row),
    records: (row) => index.recordCount(row),
    created: (row) => index.createdAtSeconds(row),
    timestamp: (row) => index.minTimestamp(row),
  };
  const { sortBy } = query;
  if (sortBy !== undefined) {
    const of = value[sortBy];
    rows.sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
  }
  return query.reverse ? rows.reverse() : rows;
}
