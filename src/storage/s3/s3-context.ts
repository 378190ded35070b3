import type { S3Client } from '@aws-sdk/client-s3';
import type { Limiter } from '../limiter.ts';
import type { CallOptions } from '../object-store.ts';
import { type RetryPolicy, type Timing, withRetries } from '../retry.ts';
import { type S3Call, type Scrub, s3Error } from './s3-errors.ts';
import { isTransient } from './s3-failure.ts';

/** What every S3 request of one store shares. */
export interface S3Context {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string | undefined;
  readonly storeUrl: string;
  readonly endpoint: string;
  readonly region: string;
  readonly limiter: Limiter;
  readonly concurrency: number;
  readonly retry: RetryPolicy;
  readonly timing: Timing;
  readonly scrub: Scrub;
  /** Unix time in ms. */
  readonly now: () => number;
  readonly onCall: ((call: { action: string; key: string }) => void) | undefined;
}

type CallFacts = Omit<S3Call, 'storeUrl' | 'bucket' | 'endpoint' | 'region'>;

/**
 * Sends a request: with the others' number bounded, again after failures that pass, and with its
 * error worded. `isRetryable` narrows what is repeated, for requests that must not run twice.
 */
export async function send<Answer>(
  context: S3Context,
  facts: CallFacts,
  options: CallOptions,
  request: (http: { abortSignal?: AbortSignal }) => Promise<Answer>,
  isRetryable: (error: unknown) => boolean = isTransient,
): Promise<Answer> {
  const { signal } = options;
  context.onCall?.({ action: facts.action, key: facts.key ?? '' });
  const http = signal === undefined ? {} : { abortSignal: signal };
  try {
    return await withRetries(
      context.retry,
      context.timing,
      () => context.limiter.run(() => request(http)),
      isRetryable,
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw s3Error(error, callOf(context, facts), context.scrub);
  }
}

/** The call's description with what all calls of the store share. */
export function callOf(context: S3Context, facts: CallFacts): S3Call {
  const { storeUrl, bucket, endpoint, region } = context;
  return { storeUrl, bucket, endpoint, region, ...facts };
}
