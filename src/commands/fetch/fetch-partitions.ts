import type { Context } from '../../context.ts';
import { ArchiveSource } from '../../core/archive/archive-source.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import type { ArchivedPartition } from '../../core/fetch/archived-partition.ts';
import { PartitionFetch } from '../../core/fetch/fetch-partition.ts';
import { recordFilter } from '../../core/fetch/record-filter.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { deletionFinder } from '../deletion-finder.ts';
import type { FetchOutput } from './fetch-output.ts';
import type { FetchQuery } from './fetch-query.ts';
import { reportFetch } from './fetch-report.ts';
import { limited } from './limited.ts';

/** How far a fetch has come, for when it is interrupted. */
interface Tally {
  records: number;
  last: { readonly archived: ArchivedPartition; readonly offset: bigint } | undefined;
}

/**
 * Reads the partitions one after the other and writes what is wanted of them. `onProgress` is told
 * how many offsets are behind, and of how many where that is known. When it is interrupted, the
 * error says what was written.
 */
export async function fetchPartitions(
  context: Context,
  query: FetchQuery,
  partitions: readonly ArchivedPartition[],
  output: FetchOutput,
  onProgress: (done: number, total?: number) => void = () => {},
): Promise<ExitName | undefined> {
  const newFetch = await fetchMaker(context, query);
  // With a count, or partitions to come whose windows are not known yet, there is no total.
  const hasTotal = partitions.length === 1 && query.count === Infinity;
  const tally: Tally = { records: 0, last: undefined };
  let exit: ExitName | undefined;
  const ranges = async function* () {
    let left = query.count;
    let behind = 0;
    for (const archived of partitions) {
      if (left <= 0) return;
      const { topic, partition } = archived;
      let done = 0;
      const fetch = newFetch(archived, (offsets, total) => {
        done = Number(offsets);
        onProgress(behind + done, hasTotal ? Number(total) : undefined);
      });
      try {
        for await (const run of limited(fetch.runs(), left)) {
          context.signal.throwIfAborted();
          left -= run.to - run.from;
          yield { topic, partition, ...run };
          tally.records += run.to - run.from;
          tally.last = { archived, offset: run.columns.offset[run.to - 1] ?? 0n };
        }
      } catch (error) {
        // One partition that lacks the offset must not hide the others' records.
        if (partitions.length === 1 || !isDiagnosis(error)) throw error;
        context.log.error(error.message, error.facts);
        exit ??= error.exit;
      }
      behind += done;
      exit = reportFetch(context, archived, fetch.report) ?? exit;
    }
  };
  try {
    await output.write(ranges);
  } catch (error) {
    throw context.signal.aborted ? interrupted(partitions, query, output, tally, error) : error;
  }
  return exit;
}

async function fetchMaker(
  context: Context,
  query: FetchQuery,
): Promise<
  (
    partition: ArchivedPartition,
    onProgress: (done: bigint, total: bigint) => void,
  ) => PartitionFetch
> {
  const { maxUnpackedBytes, format } = query;
  const source = new ArchiveSource(await context.openStore(), { maxUnpackedBytes }, context.signal);
  const shared = {
    spec: query.spec,
    wholeBatches: format.kind === 'raw' || format.kind === 'dump',
    includeControl: query.includeControl,
    readCommitted: query.readCommitted,
    filter: recordFilter(query.filter),
    findDeletion: deletionFinder(context),
  };
  return (partition, onProgress) =>
    new PartitionFetch(source, { ...shared, partition, onProgress });
}

/** Says what was written before Ctrl-C, and how to go on. */
function interrupted(
  partitions: readonly ArchivedPartition[],
  { outputFile }: FetchQuery,
  { isIncremental }: FetchOutput,
  { records, last }: Tally,
  cause: unknown,
): SegctlError {
  const init = { code: 'interrupted', exit: 'interrupted', cause } as const;
  if (!isIncremental || last === undefined) {
    const facts = outputFile === undefined ? {} : { file: outputFile };
    const message = 'interrupted: nothing whole was written';
    return new SegctlError(message, { ...init, facts, remedy: 'run it again' });
  }
  const { archived, offset } = last;
  const facts = {
    recordsWritten: records,
    lastPartition: archived.partition,
    lastOffset: offset,
  };
  const isRead = offset + 1n === archived.endOffset;
  const next = isRead ? partitions[partitions.indexOf(archived) + 1] : archived;
  if (next === undefined) return new SegctlError('interrupted at the very end', { ...init, facts });
  const place = `${next.topic}:${next.partition}${isRead ? '' : ` --offset ${offset + 1n}:`}`;
  const remedy = `go on with: segctl fetch ${place}`;
  return new SegctlError('interrupted', { ...init, facts, remedy });
}

function isDiagnosis(error: unknown): error is SegctlError {
  return error instanceof SegctlError && error.exitCode >= 20 && error.exitCode <= 25;
}
