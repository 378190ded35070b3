import { join } from 'node:path';
import { type Context, renderOptions } from '../../context.ts';
import type { ExitName } from '../../core/exit-codes.ts';

import { parseSize } from '../../core/quantities.ts';
import type { EntryChange } from '../../core/reindex/entry-change.ts';
import { PathSpelling } from '../../core/reindex/path-spelling.ts';
import { planReindex, type ReindexPlan } from '../../core/reindex/reindex-plan.ts';
import { guardShrink, parseShare } from '../../core/reindex/shrink-guard.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import type { SegmentEntry } from '../../core/segment-index/segment-entry.ts';
import { allPaths } from '../../core/verify/verify.ts';
import { backUpIndex } from '../../storage/index-backup.ts';
import type { Column } from '../../ui/column.ts';
import { plural } from '../../ui/human.ts';
import { renderList } from '../../ui/result.ts';
import { askFirst, assertCanAsk, wantsSentences, withProgress } from '../compact/consent.ts';
import { clearTheWay, indexPathOf, openEngine, withRunLock } from '../compact/open-engine.ts';
import type { ReindexFlags } from '../reindex.ts';
import { applyReindex } from './apply-reindex.ts';
import { findingsExit, writeFindings } from './findings-report.ts';
import { gatherFacts, openLedger, type StoreFacts } from './store-facts.ts';
import { entryFilter } from './verify-store.ts';

const CONCURRENCY = 4;

interface Planned {
  readonly facts: StoreFacts;
  readonly plan: ReindexPlan;
}

export async function reindexStore(
  context: Context,
  args: readonly string[],
  flags: ReindexFlags,
): Promise<ExitName | undefined> {
  const maxShrinkPercent = parseShare(flags.maxShrink, '--max-shrink');
  if (flags.check === true) return await check(context, args, flags);
  const guard = { maxShrinkPercent, accepted: flags.acceptShrink === true };
  const guarded = async ({ plan }: Planned): Promise<void> =>
    guardShrink(plan, guard, async () => (await planNow(context, args, flags)).plan.lost);
  if (flags.dryRun === true) {
    const planned = await planNow(context, args, flags);
    await show(context, planned.plan, { dryRun: true, backup: null, runId: null });
    await guarded(planned);
    return undefined;
  }
  if (flags.yes !== true) {
    await assertCanAsk(context);
    const planned = await planNow(context, args, flags);
    if (isEmpty(planned)) {
      await show(context, planned.plan, { dryRun: false, backup: null, runId: null });
      return undefined;
    }
    await showForPeople(context, planned.plan);
    await guarded(planned);
    if (!(await askFirst(context, `change the index: ${sentence(planned.plan)}?`)))
      return undefined;
  }
  return await withRunLock(context, 'reindex', flags, async () => {
    const engine = await openEngine(context);
    const settled = await clearTheWay(context, engine);
    if (settled.some(({ state }) => state === 'interrupted')) return 'interrupted';
    const planned = await planNow(context, args, flags);
    if (flags.yes === true && wantsSentences(context)) await showForPeople(context, planned.plan);
    await guarded(planned);
    if (isEmpty(planned)) {
      await show(context, planned.plan, { dryRun: false, backup: null, runId: null });
      return undefined;
    }
    const folder = join(context.settings.dataDir, '.segctl', 'backups');
    const backup = await backUpIndex(indexPathOf(context), folder, context.io.now());
    if (backup !== undefined) context.log.info('kept the old index', { file: backup });
    const { runId, state } = await applyReindex(context, engine, planned.facts.index, planned.plan);
    await show(context, planned.plan, { dryRun: false, backup: backup ?? null, runId });
    return state === 'interrupted' ? 'interrupted' : undefined;
  });
}

async function check(
  context: Context,
  args: readonly string[],
  flags: ReindexFlags,
): Promise<ExitName | undefined> {
  const { facts, plan } = await planNow(context, args, flags);
  const findings = [...facts.findings, ...plan.findings];
  await writeFindings(context, findings, {
    members: { changes: plan.changes.map(changeJson), ...countsOf(plan) },
    sentences: [`reindex would change the index: ${sentence(plan)}`],
  });
  return findingsExit(findings);
}

async function planNow(
  context: Context,
  args: readonly string[],
  flags: ReindexFlags,
): Promise<Planned> {
  const { settings, signal, io, log } = context;
  const rebuild = flags.rebuild === true;
  const facts = await gatherFacts(context, { keyRoot: flags.keyRoot, searchAll: true });
  const { index, listing, store, history, returned } = facts;
  if (index === undefined && !rebuild && flags.check !== true) throw noIndex(indexPathOf(context));
  assertListingIsPlausible(facts, flags);
  const ledger = await openLedger(context);
  const plan = await withProgress(context, 'reading', async (onProgress) => {
    let done = 0;
    return await planReindex(
      {
        index,
        listing,
        spelling: new PathSpelling(index === undefined ? [] : allPaths(index), settings.dataDir),
        deletions: history.deletions,
        returned,
        filter: entryFilter(args),
        rebuild,
      },
      {
        store,
        ledger,
        limits: { maxUnpackedBytes: Number(parseSize(flags.maxUnpacked, '--max-unpacked')) },
        concurrency: settings.concurrency ?? CONCURRENCY,
        signal,
        clock: io.now,
        onRead: ({ key }) => {
          log.debug('read archive', { key });
          done++;
          onProgress(Math.min(done, listing.archives.length), listing.archives.length);
        },
      },
    );
  });
  for (const { id, subject, facts: of } of plan.findings) {
    if (id !== 'object-unreadable' && id !== 'object-in-flight') continue;
    log.warn('an archive could not be read: its entries stay as they are', {
      key: subject.objectStorePath ?? null,
      ...of,
    });
  }
  return { facts, plan };
}

function noIndex(path: string): SegctlError {
  return new SegctlError('there is no index to repair', {
    code: 'index-not-found',
    facts: { file: path },
    remedy: 'make it from the archives with: segctl reindex --rebuild',
  });
}

/** An empty listing beside an index that names archives is another store, not a thousand losses. */
function assertListingIsPlausible({ index, listing }: StoreFacts, flags: ReindexFlags): void {
  const entries = index?.rowCount ?? 0;
  if (index === undefined && listing.archives.length === 0 && flags.check !== true) {
    throw new SegctlError('the store lists no archive to make an index of', {
      code: 'listing-suspicious',
      exit: 'refused',
      remedy: 'check the store with: segctl doctor',
    });
  }
  if (entries === 0 || listing.archives.length > 0) return;
  if (flags.acceptShrink === true || flags.check === true) return;
  throw new SegctlError('the store lists no archive, though the index names some', {
    code: 'listing-suspicious',
    exit: 'refused',
    facts: { entries },
    remedy:
      'check the store with: segctl doctor; if the archives are really gone, repeat with --accept-shrink',
  });
}

function isEmpty({ facts, plan }: Planned): boolean {
  return facts.index !== undefined && plan.changes.length + plan.returned.length === 0;
}

interface Applied {
  readonly dryRun: boolean;
  readonly backup: string | null;
  readonly runId: string | null;
}

const CHANGE_COLUMNS: readonly Column<EntryChange>[] = [
  { key: 'action', header: 'ACTION', type: 'text', cut: 'never', value: ({ action }) => action },
  { key: 'segmentId', header: 'SEGMENT', type: 'text', value: (row) => entryOf(row).segmentId },
  {
    key: 'topic',
    header: 'TOPIC',
    type: 'text',
    show: 'machine',
    value: (row) => entryOf(row).topic,
  },
  {
    key: 'partition',
    header: 'PARTITION',
    type: 'integer',
    show: 'machine',
    value: (row) => entryOf(row).partition,
  },
  {
    key: 'objectStorePath',
    header: 'OBJECT',
    type: 'text',
    show: 'machine',
    value: (row) => entryOf(row).objectStorePath,
  },
  {
    key: 'fields',
    header: 'FIELDS',
    type: 'json',
    value: (row) => changedFields(row).map(({ name, before, after }) => ({ name, before, after })),
    text: (row) =>
      changedFields(row)
        .map(({ name, before, after }) => `${name} ${before} -> ${after}`)
        .join(', ') || '-',
  },
  { key: 'reason', header: 'REASON', type: 'text', cut: 'end', value: ({ reason }) => reason },
];

function entryOf(change: EntryChange): SegmentEntry {
  return change.action === 'drop' ? change.before.entry : change.after;
}

function changedFields(change: EntryChange): { name: string; before: string; after: string }[] {
  if (change.action !== 'correct') return [];
  const after = new Map<string, unknown>(Object.entries(change.after));
  return Object.entries(change.before.entry)
    .filter(([name, value]) => after.get(name) !== value)
    .map(([name, value]) => ({ name, before: String(value), after: String(after.get(name)) }));
}

function changeJson(change: EntryChange) {
  const { segmentId, objectStorePath } = entryOf(change);
  const { action, reason } = change;
  return { action, segmentId, objectStorePath, fields: changedFields(change), reason };
}

function countsOf(plan: ReindexPlan) {
  const count = (action: EntryChange['action']): number =>
    plan.changes.filter((change) => change.action === action).length;
  return {
    entriesBefore: plan.before,
    added: count('add'),
    corrected: count('correct'),
    dropped: count('drop'),
    returnedRemoved: plan.returned.length,
    superseded: plan.superseded,
  };
}

function sentence(plan: ReindexPlan): string {
  const { added, corrected, dropped, returnedRemoved } = countsOf(plan);
  const back =
    returnedRemoved === 0 ? '' : `, ${returnedRemoved} that a server wrote back removed again`;
  return `${added} added, ${corrected} corrected, ${dropped} dropped of ${plural(plan.before, 'entry', 'entries')}${back}`;
}

async function showForPeople(context: Context, plan: ReindexPlan): Promise<void> {
  const rows = plan.changes.slice(0, 1000);
  await context.write(
    renderList({ columns: CHANGE_COLUMNS, rows, empty: 'no change' }, renderOptions(context)),
  );
}

async function show(context: Context, plan: ReindexPlan, applied: Applied): Promise<void> {
  const options = renderOptions(context);
  if (wantsSentences(context)) {
    if (applied.dryRun) await showForPeople(context, plan);
    const what = applied.dryRun ? 'dry run, nothing was changed' : 'done';
    const lines = [`${what}: ${sentence(plan)}`];
    if (plan.superseded > 0) {
      lines.push(
        `${plural(plan.superseded, 'superseded archive')} left out; next: segctl gc --dry-run`,
      );
    }
    if (applied.backup !== null) lines.push(`the old index is kept as ${applied.backup}`);
    await context.write(lines.map((line) => `${line}\n`).join(''));
    return;
  }
  const document = {
    key: 'changes',
    rest: () => ({ ...countsOf(plan), ...applied }),
  };
  await context.write(
    renderList({ columns: CHANGE_COLUMNS, rows: plan.changes, document }, options),
  );
  if (options.format !== 'json') context.log.info(sentence(plan), { backup: applied.backup });
}
