import type { Context } from '../../context.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import type { ArchivedPartition } from '../../core/fetch/archived-partition.ts';
import type { FetchReport } from '../../core/fetch/fetch-partition.ts';

/** So many gaps are named one by one. */
const NAMED_GAPS = 5;

/**
 * Tells on stderr what the records alone don't: what is missing among them, and why. Gives the exit
 * that it makes: an archive that couldn't be read must not pass for a gap.
 */
export function reportFetch(
  context: Context,
  { topic, partition }: ArchivedPartition,
  report: FetchReport,
): ExitName | undefined {
  const { log } = context;
  const where = { topic, partition };
  for (const { from, to } of report.gaps.slice(0, NAMED_GAPS)) {
    log.warn('no record is archived for these offsets', {
      ...where,
      from,
      to,
      offsets: to - from + 1n,
    });
  }
  const more = report.gaps.slice(NAMED_GAPS);
  if (more.length > 0) {
    const offsets = more.reduce((sum, { from, to }) => sum + to - from + 1n, 0n);
    log.warn('no record is archived for further ranges of offsets', {
      ...where,
      ranges: more.length,
      offsets,
    });
  }
  if (report.firstConflict !== undefined) {
    const { offset, served, other } = report.firstConflict;
    log.warn('two archives hold different records; those indexed last were given', {
      ...where,
      offsets: report.conflicts,
      firstOffset: offset,
      given: served.objectStorePath,
      other: other.objectStorePath,
    });
  }
  if (report.openTransactionRecords > 0) {
    log.warn('records were left out: the end of their transaction is not archived', {
      ...where,
      records: report.openTransactionRecords,
    });
  }
  if (report.controlRecordsHidden > 0) {
    log.info('control records are not shown; --include-control shows them', {
      ...where,
      records: report.controlRecordsHidden,
      ...(report.firstHiddenControl === undefined
        ? {}
        : { firstOffset: report.firstHiddenControl }),
    });
  }
  for (const { entry, error } of report.unreadable) {
    log.error(error.message, {
      ...where,
      segmentId: entry.segmentId,
      minOffset: entry.minOffset,
      maxOffset: entry.maxOffset,
      ...error.facts,
    });
  }
  const [first] = report.unreadable;
  if (first === undefined) return undefined;
  return first.error.exit === 'objectMissing' ? 'objectMissing' : 'archiveDamaged';
}
