import pMap from 'p-map';
import type { Context } from '../../context.ts';
import { applyDeletions } from '../../core/compaction/apply.ts';
import type { Engine } from '../../core/compaction/engine.ts';
import { nothingToDo, plannedOnly } from '../../core/compaction/run-report.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import { confirmKeepers } from '../../core/gc/confirm-keepers.ts';
import { gatherMembers, type PartitionMembers } from '../../core/gc/gather-members.ts';
import { estimate, type GcPlan, type GcRules, planPartition } from '../../core/gc/gc-plan.ts';
import { parseDuration, parseSize } from '../../core/quantities.ts';
import { assertWithinBudget, parseBudget } from '../../core/retention/budget.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import { isLivePartition } from '../../storage/live-segments.ts';
import { humanSize } from '../../ui/human.ts';
import { askFirst, assertCanAsk, wantsSentences, withProgress } from '../compact/consent.ts';
import { clearTheWay, openEngine, withRunLock } from '../compact/open-engine.ts';
import { exitOf, writeOutcome } from '../compact/report.ts';
import type { GcFlags } from '../gc.ts';
import { deletedBytes, gcPlanJson, gcRequest, questionOf, showGcPlan } from './gc-report.ts';
import { gatherFacts } from './store-facts.ts';
import { entryFilter } from './verify-store.ts';

const CONCURRENCY = 2;

export interface JudgedGarbage {
  readonly index: SegmentIndex;
  readonly plan: GcPlan;
  readonly rules: GcRules;
  readonly estimatedBytes: bigint;
}

export async function collectGarbage(
  context: Context,
  args: readonly string[],
  flags: GcFlags,
): Promise<ExitName | undefined> {
  const budget = flags.maxDelete === undefined ? null : parseBudget(flags.maxDelete);
  const graceMs = flags.grace === undefined ? null : parseDuration(flags.grace, '--grace');
  const rules = gcRules(context, flags);
  const withinBudget = ({ plan }: JudgedGarbage): void =>
    assertWithinBudget(budget, {
      deleteSegments: plan.delete.length,
      deleteBytes: deletedBytes(plan),
      totalBytes: plan.archiveBytes,
    });
  const judgeNow = async (): Promise<JudgedGarbage> => await judge(context, args, flags, rules);
  if (flags.dryRun === true) {
    const judged = await judgeNow();
    if (wantsSentences(context)) await showGcPlan(context, judged);
    const outcome = { ...plannedOnly(judged.plan.delete.length), dryRun: true };
    await writeOutcome(context, outcome, gcPlanJson(context, judged));
    withinBudget(judged);
    return undefined;
  }
  let confirmed: ReadonlySet<string> | undefined;
  if (flags.yes !== true) {
    await assertCanAsk(context);
    const judged = await judgeNow();
    await showGcPlan(context, judged);
    withinBudget(judged);
    if (judged.plan.delete.length === 0) {
      await writeOutcome(context, { ...nothingToDo(0), dryRun: false });
      return undefined;
    }
    if (!(await askFirst(context, questionOf(judged, graceMs)))) return undefined;
    confirmed = new Set(judged.plan.delete.map(({ info }) => `${info.key}\0${info.version}`));
  }
  const reports = await withRunLock(context, 'gc', flags, async () => {
    const engine = await openEngine(context);
    const settled = await clearTheWay(context, engine);
    if (settled.some(({ state }) => state === 'interrupted')) return settled;
    const judged = onlyConfirmed(await judgeNow(), confirmed);
    if (flags.yes === true && wantsSentences(context)) await showGcPlan(context, judged);
    withinBudget(judged);
    const report = await apply(context, engine, judged, graceMs);
    await writeOutcome(context, { ...report, dryRun: false }, gcPlanJson(context, judged));
    return [...settled, report];
  });
  return exitOf(reports);
}

function gcRules(context: Context, flags: GcFlags): GcRules {
  const { settings, nowMs } = context;
  return {
    nowMs,
    minAgeMs: parseDuration(flags.minAge, '--min-age'),
    trustNames: flags.trustNames === true,
    unreferenced: flags.unreferenced === true,
    includeLive: flags.includeLive === true,
    isLive: (topic, partition) => isLivePartition(settings.dataDir, { topic, partition }),
  };
}

async function judge(
  context: Context,
  args: readonly string[],
  flags: GcFlags,
  rules: GcRules,
): Promise<JudgedGarbage> {
  const facts = await gatherFacts(context);
  const { index, listing, store } = facts;
  if (index === undefined || (rules.unreferenced && index.rowCount === 0)) throw noIndex();
  const groups = gatherMembers(index, listing, entryFilter(args));
  const members = groups.flatMap((group) => group.members);
  const estimatedBytes = estimate(groups, rules);
  context.log.info(
    `by names and the index alone, ${humanSize(estimatedBytes)} of ${members.length} archives are to be won`,
  );
  const limits = { maxUnpackedBytes: Number(parseSize(flags.maxUnpacked, '--max-unpacked')) };
  const parts = await withProgress(context, 'reading archives', async (onProgress) => {
    let done = 0;
    const onRead = (): void => {
      done++;
      onProgress(Math.min(done, members.length), members.length);
    };
    const deps = { store, limits, signal: context.signal, onRead };
    const work = (group: PartitionMembers) => planPartition(group, rules, deps);
    const { concurrency } = context.settings;
    return await pMap(groups, work, {
      concurrency: Math.min(concurrency ?? CONCURRENCY, CONCURRENCY),
      signal: context.signal,
    });
  });
  const plan: GcPlan = {
    delete: parts.flatMap((part) => part.delete),
    keep: parts.flatMap((part) => part.keep),
    archives: members.length,
    archiveBytes: members.reduce((sum, { stored }) => sum + BigInt(stored.info.sizeBytes), 0n),
  };
  return { index, plan, rules, estimatedBytes };
}

/** Without an index every archive is unreferenced, and none may go for that. */
function noIndex(): SegctlError {
  return new SegctlError('there is no index that says which archives are in use', {
    code: 'index-not-found',
    exit: 'refused',
    remedy: 'rebuild it first: segctl reindex --rebuild',
  });
}

/** Of what was judged again under the lock, what a person said yes to. */
function onlyConfirmed(
  judged: JudgedGarbage,
  confirmed: ReadonlySet<string> | undefined,
): JudgedGarbage {
  if (confirmed === undefined) return judged;
  const going = judged.plan.delete.filter(({ info }) =>
    confirmed.has(`${info.key}\0${info.version}`),
  );
  return { ...judged, plan: { ...judged.plan, delete: going } };
}

async function apply(
  context: Context,
  engine: Engine,
  judged: JudgedGarbage,
  graceMs: number | null,
) {
  const { plan, index } = judged;
  const sound = await confirmKeepers(plan.delete, engine.store, context.signal);
  for (const { member } of sound.keep) {
    const { key } = member.stored.info;
    context.log.warn('the archive that holds its records was written anew, so it stays', { key });
  }
  const untilMs = graceMs === null ? null : context.nowMs + graceMs;
  return await applyDeletions(engine, gcRequest(sound.delete, index, untilMs));
}
