import { Command, Option } from 'commander';
import type { Context } from '../../context.ts';
import { ArchiveSource } from '../../core/archive/archive-source.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import { ArchivedPartition } from '../../core/fetch/archived-partition.ts';
import { type FetchRequest, PartitionFetch } from '../../core/fetch/fetch-partition.ts';
import { recordFilter } from '../../core/fetch/record-filter.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { BYTE_ENCODINGS } from '../../ui/record-output/byte-encoding.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { deletionFinder } from '../deletion-finder.ts';
import { selectionFilter, selectPartitions } from '../selection.ts';
import { openFetchOutput } from './fetch-output.ts';
import { type FetchFlags, type FetchQuery, ISOLATION_LEVELS, parseFetch } from './fetch-query.ts';
import { reportFetch } from './fetch-report.ts';
import { limited } from './limited.ts';

export function fetchCommand(runtime: CommandRuntime): Command {
  return new Command('fetch')
    .description('get archived records back, as text or as RecordBatch V2 bytes')
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
    .addHelpText('after', FORMATS_HELP)
    .action(runtime.action(runFetch));
}

const FORMATS_HELP = `
Formats (-f): table, wide, json, jsonl, csv, hex, dump (as Kafka's DumpLogSegments prints), or a
format string as kcat takes it, such as '%o %k %s\\n'. Ends of ranges are exclusive.`;

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

const runFetch: Run<FetchFlags> = async (context, args, flags) => {
  const query = parseFetch(args, flags, context.settings.format, {
    nowMs: context.nowMs,
    terminal: context.io.stdout.isTTY === true,
  });
  const partitions = await archivedPartitions(context, query);
  const source = new ArchiveSource(
    await context.openStore(),
    { maxUnpackedBytes: query.maxUnpackedBytes },
    context.signal,
  );
  const findDeletion = deletionFinder(context);
  const requests = partitions.map(
    (partition): FetchRequest => ({
      partition,
      spec: query.spec,
      wholeBatches: query.format.kind === 'raw' || query.format.kind === 'dump',
      includeControl: query.includeControl,
      readCommitted: query.readCommitted,
      filter: recordFilter(query.filter),
      findDeletion,
    }),
  );
  let exit: ExitName | undefined;
  const output = await openFetchOutput(context, query);
  await output.write(async function* () {
    let left = query.count;
    for (const request of requests) {
      if (left <= 0) return;
      const { topic, partition } = request.partition;
      const fetch = new PartitionFetch(source, request);
      try {
        for await (const run of limited(fetch.runs(), left)) {
          context.signal.throwIfAborted();
          left -= run.to - run.from;
          yield { topic, partition, ...run };
        }
      } catch (error) {
        // One partition that lacks the offset must not hide the others' records.
        if (requests.length === 1 || !isDiagnosis(error)) throw error;
        context.log.error(error.message, error.facts);
        exit ??= error.exit;
      }
      exit = reportFetch(context, request.partition, fetch.report) ?? exit;
    }
  });
  return exit;
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

function isDiagnosis(error: unknown): error is SegctlError {
  return error instanceof SegctlError && error.exitCode >= 20 && error.exitCode <= 25;
}
