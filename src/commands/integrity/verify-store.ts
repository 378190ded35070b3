import type { Context } from '../../context.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import { finding } from '../../core/findings.ts';
import { parseCount, parseDuration, parseSize } from '../../core/quantities.ts';
import { deletedRuns } from '../../core/reindex/deleted-runs.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { entrySubject } from '../../core/verify/entry-findings.ts';
import type { EntryFilter } from '../../core/verify/index-findings.ts';
import type { Sample } from '../../core/verify/select-reads.ts';
import { type VerifyOptions, type VerifyReport, verify } from '../../core/verify/verify.ts';
import { humanSize, plural } from '../../ui/human.ts';
import { jsonInteger } from '../../ui/json.ts';
import { withProgress } from '../compact/consent.ts';
import { parseSelector, selectionFilter, selectPartitions } from '../selection.ts';
import type { VerifyFlags } from '../verify.ts';
import { findingsExit, type ReportSummary, writeFindings } from './findings-report.ts';
import { gatherFacts, openLedger } from './store-facts.ts';

/** Archives that are read at once where nothing is said. */
const CONCURRENCY = 4;

export async function verifyStore(
  context: Context,
  args: readonly string[],
  flags: VerifyFlags,
): Promise<ExitName | undefined> {
  const options = verifyOptions(context, args, flags);
  const facts = await gatherFacts(context);
  const { index, listing, store, history, returned, leftOver } = facts;
  if (index === undefined) {
    const nothing = {
      members: {},
      sentences: ['nothing was verified: no index leads to archives'],
    };
    await writeFindings(context, facts.findings, nothing);
    return findingsExit(facts.findings);
  }
  selectPartitions(index, args.map(parseSelector));
  const ledger = await openLedger(context);
  const filter = entryFilter(args);
  const report = await withProgress(context, 'verifying', async (onProgress) =>
    verify(
      {
        index,
        listing,
        store,
        ledger,
        filter,
        leftOver,
        returnedRows: new Set(returned.map(({ row }) => row)),
        deleted: (topic, partition) => deletedRuns(history.deletions, topic, partition),
      },
      {
        ...options,
        onRead: ({ key }, done, total) => {
          context.log.debug('read archive', { key });
          onProgress(done, total);
        },
      },
    ),
  );
  const back = returned
    .filter(({ identity }) => filter === undefined || filter(identity.entry))
    .map(({ identity, runId }) =>
      finding('deleted-yet-back', { ...entrySubject(identity.entry), runId }),
    );
  const findings = [...facts.findings, ...back, ...report.findings];
  await writeFindings(context, findings, summaryOf(report));
  return report.interrupted ? 'interrupted' : findingsExit(findings);
}

export function entryFilter(args: readonly string[]): EntryFilter | undefined {
  const filter = selectionFilter(args.map(parseSelector));
  return filter === undefined ? undefined : (one) => filter(one);
}

function verifyOptions(
  context: Context,
  args: readonly string[],
  flags: VerifyFlags,
): VerifyOptions {
  const { settings, io, signal, nowMs } = context;
  const { budget, maxTime, sample } = flags;
  return {
    quick: flags.quick === true,
    unreferenced: flags.unreferenced === true,
    ...(budget === undefined ? {} : { budgetBytes: parseSize(budget, '--budget') }),
    ...(maxTime === undefined
      ? {}
      : { deadlineMs: io.now() + parseDuration(maxTime, '--max-time') }),
    ...(sample === undefined ? {} : { sample: parseSample(sample) }),
    resume: flags.resume,
    selection: JSON.stringify([[...args].sort(), flags.unreferenced === true]),
    limits: { maxUnpackedBytes: Number(parseSize(flags.maxUnpacked, '--max-unpacked')) },
    concurrency: settings.concurrency ?? CONCURRENCY,
    nowMs,
    clock: io.now,
    signal,
  };
}

function parseSample(text: string): Sample {
  const share = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text.trim())?.[1];
  if (share === undefined) return { count: Number(parseCount(text, '--sample')) };
  const percent = Number(share);
  if (percent <= 100) return { percent };
  throw new SegctlError(`--sample: "${text}" is more than all`, {
    code: 'invalid-number',
    exit: 'usage',
    facts: { option: '--sample', value: text },
    remedy: 'write it as 100 or 5%',
  });
}

function summaryOf(report: VerifyReport): ReportSummary {
  const { archives, read, readBytes, skipped, neverRead, interrupted } = report;
  const rest =
    skipped === 0
      ? ''
      : `; ${skipped} not read this time${neverRead === 0 ? '' : `, ${neverRead} of them never yet`}`;
  const sentence = `${plural(read, 'archive')} of ${archives} read (${humanSize(readBytes)})${rest}`;
  return {
    members: {
      archives,
      read,
      readBytes: jsonInteger(readBytes),
      skipped,
      neverRead,
      interrupted,
    },
    sentences: [
      sentence,
      ...(interrupted ? ['interrupted; the same command goes on where this one stopped'] : []),
    ],
  };
}
