import { rfc3339 } from '../quantity-text.ts';
import { JsonFault } from '../segment-index/json-fault.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import { parseBudget } from './budget.ts';
import type { Hold } from './hold.ts';
import { JsonItems, type JsonMembers, type JsonValue } from './json-items.ts';
import { JsonShape, malformed } from './json-shape.ts';
import { FATES } from './partition-plan.ts';
import type { Decision } from './plan.ts';
import { PLAN_VERSION } from './plan-json.ts';
import {
  AGE_BASES,
  COMBINES,
  type Retention,
  type RetentionSettings,
  STRATEGIES,
} from './policy.ts';
import { RULES, type RuleId, renderReason, type Verdict } from './reasons.ts';

/** A decision whose reasons are told and no longer computed with. */
export interface PlannedSegment extends Omit<Decision, 'reasons'> {
  readonly reasons: readonly PlannedReason[];
}

export interface PlannedReason {
  readonly rule: RuleId;
  readonly verdict: Verdict;
  readonly text: string;
}

/** A plan as a file keeps it. */
export interface SavedPlan {
  readonly createdAtMs: number;
  readonly atMs: number;
  readonly indexDigest: string;
  readonly settings: RetentionSettings;
  /** In the order of deletion. */
  readonly delete: readonly PlannedSegment[];
}

/** What a live plan and a plan file have in common, for carrying out either. */
export function plannedSegment(decision: Decision): PlannedSegment {
  const reasons = decision.reasons.map((reason) => ({
    rule: reason.rule,
    verdict: reason.verdict,
    text: renderReason(reason),
  }));
  return { ...decision, reasons };
}

const ARRAYS = ['partitions', 'delete', 'keep', 'ignored'];
const MEMBERS = ['version', 'createdAt', 'at', 'indexDigest', 'policy', 'summary', ...ARRAYS];

/**
 * Reads a plan file to its end. Whatever is not a plan as planJson writes it, one of another version
 * or one whose counts disagree, is the usage error `plan-malformed` that names the byte or the
 * path. Items of `keep` and `ignored` are handed to `onStaying` and not kept; without it they are
 * counted and checked for JSON's syntax alone, since nothing is done by them.
 */
export async function readPlanFile(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onStaying?: (segment: PlannedSegment) => void,
): Promise<SavedPlan> {
  const deletions: PlannedSegment[] = [];
  const counts = { delete: 0, keep: 0, ignored: 0 };
  const streamed = new Set(ARRAYS);
  const skipped = new Set(
    ARRAYS.filter((name) => name === 'partitions' || (name !== 'delete' && !onStaying)),
  );
  const items = new JsonItems(streamed, skipped, (array, nth, item) => {
    const shape = new JsonShape(item, `${array}[${nth}]`);
    if (array === 'delete') {
      counts.delete++;
      deletions.push(readSegment(shape, array));
    } else if (array === 'keep' || array === 'ignored') {
      counts[array]++;
      onStaying?.(readSegment(shape, array));
    }
  });
  try {
    for await (const chunk of chunks) {
      items.push(chunk);
    }
    items.finish();
  } catch (error) {
    throw error instanceof JsonFault
      ? malformed(`the plan is not JSON at byte ${error.byteOffset}: ${error.message}`, {
          byte: error.byteOffset,
          expected: error.expected,
          found: error.found,
        })
      : error;
  }
  return readDocument(items.members, deletions, counts);
}

interface ItemCounts {
  readonly delete: number;
  readonly keep: number;
  readonly ignored: number;
}

function readDocument(
  members: JsonMembers,
  deletions: readonly PlannedSegment[],
  counts: ItemCounts,
): SavedPlan {
  const version = new JsonShape(members.get('version'), 'version');
  if (version.value !== BigInt(PLAN_VERSION)) {
    version.fail(`${PLAN_VERSION}, the version that this segctl reads`);
  }
  const member = new JsonShape(members, '').object(MEMBERS);
  for (const name of ARRAYS) {
    member(name).array();
  }
  const summary = member('summary').object(['delete', 'keep', 'ignored'], true);
  checkCount(summary('delete').object(['segments'], true)('segments'), counts.delete);
  checkCount(summary('keep').object(['segments'], true)('segments'), counts.keep);
  checkCount(summary('ignored'), counts.ignored);
  checkPlaces(deletions);
  return {
    createdAtMs: member('createdAt').instant(),
    atMs: member('at').instant(),
    indexDigest: member('indexDigest').string(),
    settings: readSettings(member('policy')),
    delete: deletions,
  };
}

function checkCount(shape: JsonShape, items: number): void {
  if (shape.count() !== items) {
    shape.fail(`${items}, the number of items in the array`);
  }
}

function checkPlaces(deletions: readonly PlannedSegment[]): void {
  const seen = new Set<number>();
  for (const [nth, { place }] of deletions.entries()) {
    if (seen.has(place)) {
      new JsonShape(BigInt(place), `delete[${nth}].place`).fail('a place that comes once');
    }
    seen.add(place);
  }
}

const SEGMENT_MEMBERS = [
  'segmentId',
  'topic',
  'partition',
  'minOffset',
  'maxOffset',
  'recordCount',
  'sizeBytes',
  'minTimestamp',
  'minTimestampMs',
  'maxTimestamp',
  'maxTimestampMs',
  'createdAt',
  'createdAtMs',
  'compression',
  'objectStorePath',
  'place',
  'fate',
  'newest',
  'drops',
  'keepsObject',
  'reasons',
];

const FATES_OF_ARRAY = {
  delete: ['delete'],
  keep: FATES.filter((fate) => fate !== 'delete'),
  ignored: ['ignored'],
} as const;

function readSegment(shape: JsonShape, array: keyof typeof FATES_OF_ARRAY): PlannedSegment {
  const member = shape.object(SEGMENT_MEMBERS);
  const entry: SegmentEntry = {
    segmentId: member('segmentId').string(),
    topic: member('topic').string(),
    partition: member('partition').i32(),
    minOffset: member('minOffset').i64(),
    maxOffset: member('maxOffset').i64(),
    recordCount: member('recordCount').u64(),
    minTimestamp: readTime(member, 'minTimestamp'),
    maxTimestamp: readTime(member, 'maxTimestamp'),
    objectStorePath: member('objectStorePath').string(),
    sizeBytes: member('sizeBytes').u64(),
    createdAtSeconds: readSeconds(member, 'createdAt'),
    compression: member('compression').string(),
  };
  const reasons = member('reasons').array().map(readReason);
  if (reasons.length === 0) {
    member('reasons').fail('at least one reason');
  }
  return {
    entry,
    place: member('place').count(),
    fate: member('fate').oneOf<PlannedSegment['fate']>(FATES_OF_ARRAY[array]),
    newest: member('newest').boolean(),
    drops: member('drops')
      .array()
      .map((place) => place.count()),
    keepsObject: member('keepsObject').boolean(),
    reasons,
  };
}

/** A time's two members, which have to agree. */
function readTime(member: (name: string) => JsonShape, name: string, perUnit = 1n): bigint {
  const epochMs = member(`${name}Ms`).i64(perUnit);
  const text = member(name);
  return text.value === rfc3339(epochMs) ? epochMs : text.fail(`the time that ${name}Ms has`);
}

/** An int64 of seconds, which the file has in ms. */
function readSeconds(member: (name: string) => JsonShape, name: string): bigint {
  const epochMs = readTime(member, name, 1000n);
  return epochMs % 1000n === 0n ? epochMs / 1000n : member(`${name}Ms`).fail('whole seconds');
}

function readReason(shape: JsonShape): PlannedReason {
  const member = shape.object(['rule', 'verdict', 'text'], true);
  const rule = member('rule');
  return {
    rule: isRuleId(rule.value) ? rule.value : rule.fail('a rule of this version'),
    verdict: member('verdict').oneOf<Verdict>(['delete', 'keep']),
    text: member('text').string(),
  };
}

function isRuleId(value: JsonValue | undefined): value is RuleId {
  return typeof value === 'string' && Object.hasOwn(RULES, value);
}

function readSettings(shape: JsonShape): RetentionSettings {
  const member = shape.object([
    'default',
    'topics',
    'holds',
    'maxDeletions',
    'maxDelete',
    'includeLive',
  ]);
  return {
    default: readRetention(member('default')),
    topics: member('topics')
      .array()
      .map((item) => {
        const field = item.object(['topic', 'retention']);
        return { topic: field('topic').string(), retention: readRetention(field('retention')) };
      }),
    holds: member('holds').array().map(readHold),
    maxDeletions: member('maxDeletions').orNull((value) => value.count()),
    maxDelete: member('maxDelete').orNull((value) => parseBudget(value.string(), value.path)),
    includeLive: member('includeLive').boolean(),
  };
}

function readRetention(shape: JsonShape): Retention {
  const member = shape.object([
    'strategy',
    'maxAgeMs',
    'maxSizeBytes',
    'keepOffsets',
    'combine',
    'ageBy',
    'allowGaps',
  ]);
  return {
    strategy: member('strategy').oneOf(STRATEGIES),
    maxAgeMs: member('maxAgeMs').orNull((value) => value.count()),
    maxSizeBytes: member('maxSizeBytes').orNull((value) => value.u64()),
    keepOffsets: member('keepOffsets').orNull((value) => value.i64()),
    combine: member('combine').oneOf(COMBINES),
    ageBy: member('ageBy').oneOf(AGE_BASES),
    allowGaps: member('allowGaps').boolean(),
  };
}

function readHold(shape: JsonShape): Hold {
  const member = shape.object(['topic', 'partition', 'fromOffset', 'toOffset', 'until', 'reason']);
  return {
    topic: member('topic').string(),
    partition: member('partition').orNull((value) => value.i32()),
    fromOffset: member('fromOffset').orNull((value) => value.i64()),
    toOffset: member('toOffset').orNull((value) => value.i64()),
    untilMs: member('until').orNull((value) => value.instant()),
    reason: member('reason').string(),
  };
}
