import { formatInstant, rfc3339 } from '../quantity-text.ts';
import { formatBudget } from './budget.ts';
import type { Hold } from './hold.ts';
import { FATES, type Fate } from './partition-plan.ts';
import type { Decision, Plan } from './plan.ts';
import type { Retention, RetentionSettings } from './policy.ts';
import { type Reason, renderReason } from './reasons.ts';
import {
  type Blocker,
  type PartitionSummary,
  type PlanSummary,
  renderBlocker,
  type Tally,
} from './summary.ts';

export const PLAN_VERSION = 1;

/** What a plan's JSON says besides the plan itself. */
export interface PlanMeta {
  /** When the plan was made, epoch ms; not the clock that it was judged by. */
  readonly createdAtMs: number;
  /** Of the index file that was planned on; opaque here. */
  readonly indexDigest: string;
}

/** Values that JSON can hold; bigints beyond 2^53 become strings. */
type Jsonable = string | number | bigint | boolean | null | readonly Jsonable[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Jsonable;
}

/**
 * The plan's JSON document in pieces, an item a line: the array `keep` can have a million items,
 * and the whole then passes the longest string.
 */
export function* planJson(plan: Plan, summary: PlanSummary, meta: PlanMeta): Iterable<string> {
  const head: JsonObject = {
    version: PLAN_VERSION,
    createdAt: formatInstant(meta.createdAtMs),
    at: formatInstant(plan.atMs),
    indexDigest: meta.indexDigest,
    policy: settingsJson(plan.settings),
    summary: summaryJson(summary),
  };
  let text = '{\n';
  for (const [name, value] of Object.entries(head)) {
    text += `  ${JSON.stringify(name)}: ${toJson(value)},\n`;
  }
  yield text;
  yield* arrayJson('partitions', summary.partitions, partitionJson);
  yield ',\n';
  yield* arrayJson('delete', plan.deleted(), decisionJson);
  yield ',\n';
  yield* arrayJson('keep', plan.kept(), decisionJson);
  yield ',\n';
  yield* arrayJson('ignored', plan.ignored(), decisionJson);
  yield '\n}\n';
}

const CHUNK_CHARACTERS = 65_536;

function* arrayJson<T>(
  name: string,
  items: Iterable<T>,
  itemJson: (item: T) => JsonObject,
): Iterable<string> {
  let text = `  ${JSON.stringify(name)}: [`;
  let separator = '\n    ';
  for (const item of items) {
    text += separator + toJson(itemJson(item));
    separator = ',\n    ';
    if (text.length > CHUNK_CHARACTERS) {
      yield text;
      text = '';
    }
  }
  yield `${text}${separator.startsWith(',') ? '\n  ' : ''}]`;
}

function toJson(value: Jsonable): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'bigint' ? int64Json(member) : member,
  );
}

/** A number while a double holds it exactly, else a string. */
function int64Json(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** One entry's decision, as in the arrays `delete`, `keep` and `ignored`. */
export function decisionJson(decision: Decision): JsonObject {
  const { entry } = decision;
  return {
    segmentId: entry.segmentId,
    topic: entry.topic,
    partition: entry.partition,
    minOffset: entry.minOffset,
    maxOffset: entry.maxOffset,
    recordCount: entry.recordCount,
    sizeBytes: entry.sizeBytes,
    ...timeJson('minTimestamp', entry.minTimestamp),
    ...timeJson('maxTimestamp', entry.maxTimestamp),
    ...timeJson('createdAt', entry.createdAtSeconds * 1000n),
    compression: entry.compression,
    objectStorePath: entry.objectStorePath,
    place: decision.place,
    fate: decision.fate,
    newest: decision.newest,
    drops: decision.drops,
    keepsObject: decision.keepsObject,
    reasons: decision.reasons.map(reasonJson),
  };
}

/** The rule, what it says, the line for people, and the numbers under their own names. */
export function reasonJson(reason: Reason): JsonObject {
  const { rule, verdict, ...numbers } = reason;
  return { rule, verdict, text: renderReason(reason), ...numbers };
}

export function settingsJson(settings: RetentionSettings): JsonObject {
  return {
    default: retentionJson(settings.default),
    topics: settings.topics.map(({ topic, retention }) => ({
      topic,
      retention: retentionJson(retention),
    })),
    holds: settings.holds.map(holdJson),
    maxDeletions: settings.maxDeletions,
    maxDelete: settings.maxDelete === null ? null : formatBudget(settings.maxDelete),
    includeLive: settings.includeLive,
  };
}

function retentionJson(retention: Retention): JsonObject {
  return { ...retention };
}

function holdJson(hold: Hold): JsonObject {
  return {
    topic: hold.topic,
    partition: hold.partition,
    fromOffset: hold.fromOffset,
    toOffset: hold.toOffset,
    until: hold.untilMs === null ? null : formatInstant(hold.untilMs),
    reason: hold.reason,
  };
}

export function summaryJson(summary: PlanSummary): JsonObject {
  return {
    partitions: summary.partitions.length,
    total: totalJson(summary.total),
    delete: totalJson(summary.byFate.delete),
    keep: totalJson(summary.keep),
    keptBy: keptByJson(summary.byFate),
    ignored: summary.ignored,
    ageUnknown: summary.ageUnknown,
    inFuture: summary.inFuture,
    sharedObjects: summary.sharedObjects,
    withinBudget: summary.withinBudget,
  };
}

export function partitionJson(partition: PartitionSummary): JsonObject {
  const { topic, policyPattern, live, ignored, ageUnknown, inFuture } = partition;
  return {
    topic,
    partition: partition.partition,
    policyPattern,
    live,
    delete: tallyJson(partition.byFate.delete),
    keep: tallyJson(partition.keep),
    keptBy: keptByJson(partition.byFate),
    ignored,
    ageUnknown,
    inFuture,
    blocker: partition.blocker === null ? null : blockerJson(partition.blocker),
  };
}

function blockerJson(blocker: Blocker): JsonObject {
  return {
    text: renderBlocker(blocker),
    place: blocker.place,
    ...timeJson('createdAt', blocker.createdAtMs),
    fate: blocker.fate,
    blockers: blocker.blockers,
    heldBack: tallyJson(blocker.heldBack),
  };
}

/** Why the segments that stay do: by themselves (`spared`), or saved although condemned. */
function keptByJson(byFate: Readonly<Record<Fate, Tally>>): JsonObject {
  return Object.fromEntries(
    FATES.filter((fate) => fate !== 'delete').map((fate) => [fate, totalJson(byFate[fate])]),
  );
}

function totalJson({ segments, bytes, records }: Tally): JsonObject {
  return { segments, bytes, records };
}

function tallyJson(tally: Tally): JsonObject {
  return {
    ...totalJson(tally),
    minOffset: tally.minOffset,
    maxOffset: tally.maxOffset,
    ...timeJson('oldestCreatedAt', tally.oldestCreatedAtMs),
    ...timeJson('newestCreatedAt', tally.newestCreatedAtMs),
  };
}

/** A time has two members: RFC 3339 where that can write it, and always the exact epoch ms. */
function timeJson(name: string, epochMs: bigint | null): JsonObject {
  return { [name]: epochMs === null ? null : rfc3339(epochMs), [`${name}Ms`]: epochMs };
}
