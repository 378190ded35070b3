import { Command, Help, Option } from 'commander';
import type { Context } from '../../context.ts';
import { ArchivedPartition } from '../../core/fetch/archived-partition.ts';
import { BYTE_ENCODINGS } from '../../ui/record-output/byte-encoding.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { deletionFinder } from '../deletion-finder.ts';
import { selectionFilter, selectPartitions } from '../selection.ts';
import { showProgress } from '../show-progress.ts';
import { openFetchOutput } from './fetch-output.ts';
import { fetchPartitions } from './fetch-partitions.ts';
import { type FetchFlags, type FetchQuery, ISOLATION_LEVELS, parseFetch } from './fetch-query.ts';

export function fetchCommand(runtime: CommandRuntime): Command {
  return new Command('fetch')
    .summary('get archived records back, as text or as RecordBatch V2 bytes')
    .description(DESCRIPTION)
    .configureHelp({ optionDescription: formatDescription })
    .argument('<partition>', 'TOPIC or TOPIC:PARTITION')
    .option('--offset <offset>', 'N, start, end, -N, +N, a:b, a:, :b, @TIME or @T1:T2', 'start')
    .option('--until <offset>', 'stop before this: N, end, +N, -N or @TIME')
    .option('--count <n>', 'stop after so many records')
    .option('--key <key>', 'only records with this key, read in --encoding')
    .option('--header <key[=value]>', 'only records with this header; repeatable', collect)
    .option('--grep <regexp>', 'only records whose value matches')
    .addOption(
      new Option('--isolation <level>', 'read_committed leaves out what was not committed')
        .choices([...ISOLATION_LEVELS])
        .default('read_uncommitted'),
    )
    .option('--include-control', 'also control records: the markers that end transactions')
    .option('--batch-info', "also the fields of each record's batch")
    .addOption(
      new Option('--encoding <encoding>', 'how bytes are written; auto is base64 where not UTF-8')
        .choices([...BYTE_ENCODINGS])
        .default('auto'),
    )
    .option('--raw', 'RecordBatch V2 bytes, whole batches with valid CRCs')
    .option('--print-data-log', 'with -f dump: keys and values too')
    .option('-o, --output <file>', 'write to this file')
    .option('--max-unpacked <size>', 'refuse archives that unpack to more', '1GiB')
    .action(runtime.action(runFetch));
}

const DESCRIPTION = `get archived records back, as text or as RecordBatch V2 bytes

-f takes table, wide, json, jsonl, csv, hex, dump (as Kafka's DumpLogSegments prints), or a format string as kcat takes it, such as '%o %k %s\\n'. Ends of ranges are exclusive. Without an end or a count, it reads to the end of what is archived.`;

/** The global -f has more to offer here than anywhere else. */
function formatDescription(this: Help, option: Option): string {
  return option.long === '--format'
    ? 'table, wide, json, jsonl, csv, hex, dump or a format string (default: table on a terminal, jsonl elsewhere)'
    : Help.prototype.optionDescription.call(this, option);
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

const runFetch: Run<FetchFlags> = async (context, args, flags) => {
  const terminal = context.io.stdout.isTTY === true;
  const query = parseFetch(args, flags, context.settings.format, {
    nowMs: context.nowMs,
    terminal,
  });
  const partitions = await archivedPartitions(context, query);
  const output = await openFetchOutput(context, query);
  // Records that scroll by on the terminal are all the progress that a person can use.
  if (terminal && query.outputFile === undefined) {
    return await fetchPartitions(context, query, partitions, output);
  }
  const task = { label: 'fetching', unit: 'offsets' };
  return await showProgress(context, task, async (onProgress) =>
    fetchPartitions(context, query, partitions, output, onProgress),
  );
};

async function archivedPartitions(
  context: Context,
  { selector }: FetchQuery,
): Promise<ArchivedPartition[]> {
  const index = await context.loadIndex(selectionFilter([selector]));
  const { topic, partition } = selector;
  const isKnown = index.partitions.some((one) => one.topic === topic);
  if (!isKnown && partition !== null) {
    // All its segments may have been deleted by a recorded run, which is an answer too.
    const deletion = await deletionFinder(context)(topic, partition, null);
    if (deletion !== undefined) {
      const empty = { topic, partition, rows: new Int32Array(0), shadowed: [] };
      return [new ArchivedPartition(index, empty)];
    }
  }
  return selectPartitions(index, [selector]).map((one) => new ArchivedPartition(index, one));
}
