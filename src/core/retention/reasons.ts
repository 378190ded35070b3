import { formatBytes, formatDuration, formatInstant } from '../quantity-text.ts';
import type { IgnoredBecause } from './partition-rows.ts';
import type { AgeBy } from './policy.ts';
import type { RecordAgeProblem } from './rules.ts';

/** What a reason speaks for. A segment that a guard saves has reasons of both kinds. */
export type Verdict = 'delete' | 'keep';

/** One reason of a decision: the rule, what it says, and the numbers that it compared. */
export type Reason =
  | {
      readonly rule: 'time';
      readonly verdict: Verdict;
      readonly ageBy: AgeBy;
      /** Epoch ms that the age counts from. */
      readonly stampMs: bigint;
      /** Negative where the stamp lies in the future. */
      readonly ageMs: bigint;
      readonly maxAgeMs: number;
    }
  | {
      readonly rule: 'time-unknown';
      readonly verdict: 'keep';
      readonly problem: RecordAgeProblem;
      readonly minTimestampMs: bigint;
      readonly maxTimestampMs: bigint;
    }
  | {
      readonly rule: 'size';
      readonly verdict: Verdict;
      /** Bytes of the segment and all newer ones of its partition. */
      readonly bytesFrom: bigint;
      readonly maxSizeBytes: bigint;
      readonly newest: boolean;
    }
  | {
      readonly rule: 'offset';
      readonly verdict: Verdict;
      readonly maxOffset: bigint;
      /** max_offset of the partition's last segment. */
      readonly highest: bigint;
      readonly keepOffsets: bigint;
    }
  /** `--combine chronik`: older candidates suffice to bring the partition down to the limit. */
  | {
      readonly rule: 'chronik-spared';
      readonly verdict: 'keep';
      readonly totalBytes: bigint;
      readonly maxSizeBytes: bigint;
    }
  /** No limit is switched on, or with `--combine chronik` only the one that never deletes alone. */
  | { readonly rule: 'no-limit'; readonly verdict: 'keep' }
  | {
      readonly rule: 'hold';
      readonly verdict: 'keep';
      readonly topicPattern: string;
      readonly untilMs: number | null;
      readonly holdReason: string;
    }
  /** `keep`: left alone; `delete`: taken all the same, since live segments are included. */
  | { readonly rule: 'live'; readonly verdict: Verdict }
  | {
      readonly rule: 'prefix-guard';
      readonly verdict: 'keep';
      /** The oldest segment of the partition that stays by itself. */
      readonly blockerSegmentId: string;
      readonly blockerPlace: number;
      readonly blockerCreatedAtMs: bigint;
    }
  | { readonly rule: 'cap'; readonly verdict: 'keep'; readonly maxDeletions: number }
  /** The entry goes, its object stays, since an entry that stays names it too. */
  | {
      readonly rule: 'shared-object';
      readonly verdict: 'keep';
      readonly otherSegmentId: string;
      readonly otherPlace: number;
    }
  | ({ readonly rule: 'not-loaded'; readonly verdict: 'keep' } & IgnoredBecause);

export type RuleId = Reason['rule'];

/** Every rule, with the one sentence that help and documentation have for it. */
export const RULES: Readonly<Record<RuleId, string>> = {
  time: 'older than the maximum age',
  'time-unknown': 'its age by record timestamps is not known, so the age limit keeps it',
  size: 'its partition exceeds the maximum size, and it is among the oldest',
  offset: 'too far behind the highest offset of its partition',
  'chronik-spared': 'older candidates suffice to bring the partition down to its maximum size',
  'no-limit': 'no limit that could condemn it is switched on',
  hold: 'exempt by a hold',
  live: 'a running server writes it again',
  'prefix-guard': 'an older segment of its partition stays',
  cap: 'beyond the deletions of one run',
  'shared-object': 'another entry that stays names the same object',
  'not-loaded': 'the server does not load the entry',
};

/** The reason in one line, for people and logs. */
export function renderReason(reason: Reason): string {
  switch (reason.rule) {
    case 'time':
      return renderTime(reason);
    case 'time-unknown':
      return renderTimeUnknown(reason);
    case 'size':
      return renderSize(reason);
    case 'offset': {
      const relation = reason.verdict === 'delete' ? 'below' : 'not below';
      return `max_offset ${reason.maxOffset} is ${relation} ${reason.highest} - ${reason.keepOffsets}`;
    }
    case 'chronik-spared':
      return `older candidates bring the partition's ${formatBytes(reason.totalBytes)} down to ${formatBytes(reason.maxSizeBytes)}`;
    case 'no-limit':
      return 'no limit that could condemn it is switched on';
    case 'hold': {
      const until = reason.untilMs === null ? 'for ever' : `until ${formatInstant(reason.untilMs)}`;
      return `held ${until} by ${reason.topicPattern}: ${reason.holdReason}`;
    }
    case 'live':
      return reason.verdict === 'keep'
        ? 'live: a running server writes it again (--include-live takes it all the same)'
        : 'live, and taken all the same: a running server writes it again';
    case 'prefix-guard':
      return `an older segment stays: ${reason.blockerSegmentId} with created_at ${formatInstant(reason.blockerCreatedAtMs)} (--allow-gaps judges each alone)`;
    case 'cap':
      return `beyond the ${reason.maxDeletions} deletions of one run`;
    case 'shared-object':
      return `its object stays, since ${reason.otherSegmentId} names it too`;
    case 'not-loaded':
      return renderNotLoaded(reason);
  }
}

function renderTime(reason: Reason & { rule: 'time' }): string {
  const stamp = `${reason.ageBy === 'created' ? 'created_at' : 'max_timestamp'} ${formatInstant(reason.stampMs)}`;
  if (reason.ageMs < 0n) {
    return `${stamp} lies ${formatDuration(-reason.ageMs)} in the future`;
  }
  const relation = reason.verdict === 'delete' ? 'more' : 'not more';
  return `${stamp} is ${formatDuration(reason.ageMs)} ago, ${relation} than ${formatDuration(reason.maxAgeMs)}`;
}

function renderTimeUnknown(reason: Reason & { rule: 'time-unknown' }): string {
  const found = {
    lost: 'the index has lost max_timestamp',
    negative: `max_timestamp ${reason.maxTimestampMs} is negative`,
    'below-min': `max_timestamp ${reason.maxTimestampMs} is below min_timestamp ${reason.minTimestampMs}`,
  }[reason.problem];
  return `age by record is not known: ${found} (segctl reindex finds the true one)`;
}

function renderSize(reason: Reason & { rule: 'size' }): string {
  const bytes = formatBytes(reason.bytesFrom);
  const limit = formatBytes(reason.maxSizeBytes);
  if (reason.newest && reason.bytesFrom > reason.maxSizeBytes) {
    return `the size limit never takes a partition's newest segment, though ${bytes} is more than ${limit}`;
  }
  const relation = reason.verdict === 'delete' ? 'more' : 'not more';
  return `with all newer ones it takes ${bytes}, ${relation} than ${limit}`;
}

function renderNotLoaded(reason: Reason & { rule: 'not-loaded' }): string {
  switch (reason.problem) {
    case 'shadowed':
      return `not loaded by the server: ${reason.bySegmentId} has the same min_offset and comes later`;
    case 'misfiled':
      return `takes no part: the entry says ${reason.topic}, partition ${reason.partition}, unlike the key it is under`;
    case 'unreadable-key':
      return `not loaded by the server: it skips the key "${reason.key}"`;
  }
}
