import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance, injected so that tests of backing off take no time and repeat. */
export interface Timing {
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 up to, not including, 1. */
  random(): number;
}

export const SYSTEM_TIMING: Timing = {
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
  random: Math.random,
};

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number;
  /** The longest wait before the second try; it doubles with every further one, up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, baseDelayMs: 200, maxDelayMs: 10_000 };

/**
 * The wait before try number `attempt` (2, 3, ...), in ms: half of the exponential delay is fixed and
 * half is chance, so that many clients that were throttled together don't come back together.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const full = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 2));
  return full / 2 + (full / 2) * random;
}

/** Repeats `task` while `isRetryable` says so of its error and tries are left. */
export async function withRetries<Result>(
  policy: RetryPolicy,
  timing: Timing,
  task: () => Promise<Result>,
  isRetryable: (error: unknown) => boolean,
  signal?: AbortSignal,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= policy.attempts || !isRetryable(error)) {
        throw error;
      }
      await timing.sleep(backoffMs(policy, attempt + 1, timing.random()), signal);
    }
  }
}
