import { type Context, renderOptions } from '../../context.ts';
import type {
  ApplyRequest,
  EntryRemoval,
  ObjectRemoval,
} from '../../core/compaction/apply-request.ts';
import type { GcDeletion, GcKept, GcPlan } from '../../core/gc/gc-plan.ts';
import { spanOf } from '../../core/gc/member.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import type { Column } from '../../ui/column.ts';
import { humanSize, plural } from '../../ui/human.ts';
import { type JsonValue, jsonInteger, toJson } from '../../ui/json.ts';
import { renderList } from '../../ui/result.ts';
import { rfc3339 } from '../../ui/rfc3339.ts';
import type { JudgedGarbage } from './collect-garbage.ts';

const PLAN_VERSION = 1;
/** So many archives are named in a table; JSON has them all. */
const SHOWN = 200;

const DELETION_COLUMNS: readonly Column<GcDeletion>[] = [
  { key: 'archive', header: 'ARCHIVE', type: 'text', value: ({ info }) => info.key },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: ({ info }) => info.sizeBytes },
  { key: 'reason', header: 'REASON', type: 'text', cut: 'never', value: ({ reason }) => reason },
  {
    key: 'keeper',
    header: 'RECORDS STAY IN',
    type: 'text',
    value: ({ keeper }) => keeper?.info.key ?? null,
  },
];

export function deletedBytes(plan: GcPlan): bigint {
  return plan.delete.reduce((sum, { info }) => sum + BigInt(info.sizeBytes), 0n);
}

export async function showGcPlan(context: Context, judged: JudgedGarbage): Promise<void> {
  const { plan, rules, estimatedBytes } = judged;
  const rows = plan.delete.slice(0, SHOWN);
  const more = plan.delete.length - rows.length;
  await context.write(
    renderList(
      { columns: DELETION_COLUMNS, rows, empty: 'no archive is superfluous' },
      renderOptions(context),
    ),
  );
  const won = `${plural(plan.delete.length, 'archive')} of ${plan.archives}, ${humanSize(deletedBytes(plan))} of ${humanSize(plan.archiveBytes)}`;
  const lines = [
    ...(more > 0 ? [`and ${more} more`] : []),
    rules.trustNames
      ? `by offset ranges alone, unread: ${won}`
      : `proven by their records: ${won} (estimated: ${humanSize(estimatedBytes)})`,
    ...unreferencedLines(plan),
    ...keptLines(plan.keep),
  ];
  await context.write(`\n${lines.map((line) => `${line}\n`).join('')}`);
}

/** Never silently: these may hold records that nothing else holds. */
function unreferencedLines(plan: GcPlan): string[] {
  const own = plan.delete.filter(({ reason }) => reason === 'unreferenced');
  if (own.length === 0) return [];
  const bytes = own.reduce((sum, { info }) => sum + info.sizeBytes, 0);
  return [
    `of these, ${plural(own.length, 'archive')} (${humanSize(bytes)}) that no entry names and whose records NOTHING ELSE may hold`,
  ];
}

const KEPT_TEXT: Readonly<Record<GcKept['reason'], string>> = {
  'too-young': 'younger than --min-age',
  live: 'which a running server will write again',
  'own-records':
    'not in use, with records of their own or not readable (--unreferenced takes unnamed ones)',
  'keeper-changed': 'whose keeper was written anew',
};

function keptLines(kept: readonly GcKept[]): string[] {
  const counts = new Map<GcKept['reason'], number>();
  for (const { reason } of kept) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(
    ([reason, count]) => `kept: ${plural(count, 'archive')} ${KEPT_TEXT[reason]}`,
  );
}

export function questionOf({ plan, rules }: JudgedGarbage, graceMs: number | null): string {
  const verb = graceMs === null ? 'delete' : 'move to the trash';
  const how = rules.trustNames ? ' unread, by their names alone' : '';
  return `${verb} ${plural(plan.delete.length, 'archive')} (${humanSize(deletedBytes(plan))})${how}?`;
}

/** What the engine is to do; entries that name what goes leave the index with it. */
export function gcRequest(
  deletions: readonly GcDeletion[],
  index: SegmentIndex,
  graceUntilMs: number | null,
): ApplyRequest {
  const remove: EntryRemoval[] = [];
  const objects: ObjectRemoval[] = [];
  for (const deletion of deletions) {
    const { member, info, reason } = deletion;
    const needs = member.entries.map((identity) => {
      remove.push({ identity, reason: reasonText(deletion) });
      return remove.length - 1;
    });
    const { topic, partition } = member.stored.place;
    const { min, max } = spanOf(member);
    objects.push({
      key: info.key,
      segmentId: member.entries[0]?.entry.segmentId ?? null,
      needs,
      expectVersion: info.version,
      ...(reason === 'unreferenced'
        ? { covers: { topic, partition, minOffset: min, maxOffset: max } }
        : {}),
    });
  }
  return {
    command: 'gc',
    request: 'gc',
    remove,
    objects,
    entriesMode: 'remove',
    objectsMode: 'delete',
    graceUntilMs,
    indexDigest: index.origin.digest ?? null,
  };
}

function reasonText({ reason, keeper }: GcDeletion): string {
  return keeper === undefined ? reason : `${reason} by ${keeper.info.key}`;
}

/** The plan in the form of a compaction's, with what gc knows besides. */
export function* gcPlanJson(context: Context, judged: JudgedGarbage): Generator<string> {
  const { plan, rules, estimatedBytes, index } = judged;
  const head = {
    version: PLAN_VERSION,
    createdAt: rfc3339(context.io.now()),
    at: rfc3339(rules.nowMs),
    indexDigest: index.origin.digest ?? null,
    policy: {
      minAgeMs: rules.minAgeMs,
      trustNames: rules.trustNames,
      unreferenced: rules.unreferenced,
      includeLive: rules.includeLive,
    },
    summary: {
      archives: plan.archives,
      archiveBytes: jsonInteger(plan.archiveBytes),
      deleteArchives: plan.delete.length,
      deleteBytes: jsonInteger(deletedBytes(plan)),
      estimatedBytes: jsonInteger(estimatedBytes),
    },
  };
  yield toJson(head).slice(0, -1);
  yield* arrayOf('delete', plan.delete, deletionJson);
  yield* arrayOf('keep', plan.keep, ({ member, reason }) =>
    itemJson(member, member.stored.info, [reason]),
  );
  yield '}\n';
}

function* arrayOf<T>(
  name: string,
  items: readonly T[],
  json: (item: T) => JsonValue,
): Generator<string> {
  yield `,\n${toJson(name)}: [`;
  for (const [i, item] of items.entries()) yield `${i === 0 ? '\n' : ',\n'}${toJson(json(item))}`;
  yield ']';
}

function deletionJson(deletion: GcDeletion): JsonValue {
  const { member, info, reason, keeper } = deletion;
  return {
    ...itemJson(member, info, [reason]),
    records: member.stats?.records ?? null,
    heldBy: keeper?.info.key ?? null,
    heldByVersion: keeper?.info.version ?? null,
  };
}

function itemJson(
  member: GcDeletion['member'],
  info: GcDeletion['info'],
  reasons: readonly string[],
): { [key: string]: JsonValue } {
  const { min, max } = spanOf(member);
  const { topic, partition } = member.stored.place;
  return {
    segmentId: member.entries[0]?.entry.segmentId ?? null,
    topic,
    partition,
    minOffset: jsonInteger(min),
    maxOffset: jsonInteger(max),
    sizeBytes: info.sizeBytes,
    objectStorePath: info.key,
    reasons: [...reasons],
  };
}
