import { SegctlError } from '../segctl-error.ts';
import type { Budget } from './budget.ts';
import type { Hold } from './hold.ts';
import { topicMatcher } from './topic-glob.ts';

export const STRATEGIES = ['time', 'size', 'offset', 'hybrid'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** How hybrid joins its limits; `chronik` as Chronik's own compactor does. */
export const COMBINES = ['any', 'all', 'chronik'] as const;
export type Combine = (typeof COMBINES)[number];

/** What age counts from: when the archive was indexed, or its largest record timestamp. */
export const AGE_BASES = ['created', 'record'] as const;
export type AgeBy = (typeof AGE_BASES)[number];

/** How the segments of one topic are judged. A limit that is null is switched off. */
export interface Retention {
  readonly strategy: Strategy;
  /** Condemned when older than this. */
  readonly maxAgeMs: number | null;
  /** Per partition, u64. */
  readonly maxSizeBytes: bigint | null;
  /** Offsets below the partition's highest one that stay, i64 >= 0. */
  readonly keepOffsets: bigint | null;
  readonly combine: Combine;
  readonly ageBy: AgeBy;
  /** Judge each segment alone, instead of deleting a contiguous prefix of the partition. */
  readonly allowGaps: boolean;
}

/** What flags, the environment or one place of segctl.yaml say; the rest comes from below it. */
export type RetentionLayer = Partial<Retention>;

export interface TopicRetention<R = Retention> {
  /** See topicMatcher. */
  readonly topic: string;
  readonly retention: R;
}

/** Everything that a plan depends on besides the index and the clock. */
export interface RetentionSettings {
  readonly default: Retention;
  /** The first whose pattern matches judges the topic instead of `default`. */
  readonly topics: readonly TopicRetention[];
  readonly holds: readonly Hold[];
  /** At most so many segments a run, null for no cap. */
  readonly maxDeletions: number | null;
  /** A plan beyond it is refused. */
  readonly maxDelete: Budget | null;
  /** Judge also the segments that a running server would write again. */
  readonly includeLive: boolean;
}

export const DEFAULT_RETENTION: Retention = {
  strategy: 'hybrid',
  maxAgeMs: 7 * 86_400_000,
  maxSizeBytes: 10n * 1024n ** 3n,
  keepOffsets: 1_000_000n,
  combine: 'any',
  ageBy: 'created',
  allowGaps: false,
};

export const DEFAULT_MAX_DELETIONS = 100;

export interface SettingsLayers {
  /** Flags and environment: they win over everything, per-topic settings too. */
  readonly flags?: RetentionLayer;
  /** segctl.yaml's per-topic settings, in its order. */
  readonly topics?: readonly TopicRetention<RetentionLayer>[];
  /** segctl.yaml's settings for every topic. */
  readonly file?: RetentionLayer;
}

type RunSettings = Omit<RetentionSettings, 'default' | 'topics'>;

/**
 * Joins the layers: flags, then the topic's own, then the file's, then the defaults. Throws a usage
 * error for a single-limit strategy whose limit is switched off, and for a bad topic pattern.
 */
export function resolveSettings(
  layers: SettingsLayers,
  run: Partial<RunSettings> = {},
): RetentionSettings {
  const resolve = (layer: RetentionLayer, topic: string | null): Retention =>
    checked({ ...DEFAULT_RETENTION, ...layers.file, ...layer, ...layers.flags }, topic);
  return {
    default: resolve({}, null),
    topics: (layers.topics ?? []).map(({ topic, retention }) => {
      topicMatcher(topic);
      return { topic, retention: resolve(retention, topic) };
    }),
    holds: run.holds ?? [],
    maxDeletions: run.maxDeletions === undefined ? DEFAULT_MAX_DELETIONS : run.maxDeletions,
    maxDelete: run.maxDelete ?? null,
    includeLive: run.includeLive ?? false,
  };
}

/** A topic's retention, and the pattern it comes from: null for the default. */
export interface ResolvedPolicy {
  readonly pattern: string | null;
  readonly retention: Retention;
}

/** The policy of one topic: the first pattern that matches, else the default. */
export function resolvePolicy(topic: string, settings: RetentionSettings): ResolvedPolicy {
  return policyResolver(settings)(topic);
}

/** As resolvePolicy, with the patterns compiled once and each topic's answer kept. */
export function policyResolver(settings: RetentionSettings): (topic: string) => ResolvedPolicy {
  const matchers = settings.topics.map(({ topic, retention }) => ({
    matches: topicMatcher(topic),
    policy: { pattern: topic, retention: withoutIdleLimits(retention) },
  }));
  const fallback = { pattern: null, retention: withoutIdleLimits(settings.default) };
  const known = new Map<string, ResolvedPolicy>();
  return (topic) => {
    let policy = known.get(topic);
    if (policy === undefined) {
      policy = matchers.find(({ matches }) => matches(topic))?.policy ?? fallback;
      known.set(topic, policy);
    }
    return policy;
  };
}

/** A strategy with one limit leaves the other two out, whatever they are set to. */
function withoutIdleLimits(retention: Retention): Retention {
  const { strategy } = retention;
  return strategy === 'hybrid'
    ? retention
    : {
        ...retention,
        maxAgeMs: strategy === 'time' ? retention.maxAgeMs : null,
        maxSizeBytes: strategy === 'size' ? retention.maxSizeBytes : null,
        keepOffsets: strategy === 'offset' ? retention.keepOffsets : null,
      };
}

const LIMIT_OF = {
  time: { field: 'maxAgeMs', flag: '--max-age' },
  size: { field: 'maxSizeBytes', flag: '--max-size' },
  offset: { field: 'keepOffsets', flag: '--keep-offsets' },
} as const;

function checked(retention: Retention, topic: string | null): Retention {
  const { strategy } = retention;
  if (strategy !== 'hybrid' && retention[LIMIT_OF[strategy].field] === null) {
    const { flag } = LIMIT_OF[strategy];
    throw new SegctlError(`strategy ${strategy} is left without its limit ${flag}`, {
      code: 'strategy-without-limit',
      exit: 'usage',
      facts: { strategy, ...(topic === null ? {} : { topic }) },
      remedy: `give ${flag}, or choose another --strategy`,
    });
  }
  return retention;
}
