import { DeleteObjectsCommand, type DeleteObjectsCommandOutput } from '@aws-sdk/client-s3';
import { SegctlError } from '../../core/segctl-error.ts';
import { canonicalKey } from '../canonical-key.ts';
import type { CallOptions, DeleteOutcome } from '../object-store.ts';
import { pooled } from '../pooled.ts';
import { backoffMs } from '../retry.ts';
import { callOf, type S3Context, send } from './s3-context.ts';
import { s3Error } from './s3-errors.ts';
import { isTransient } from './s3-failure.ts';
import { isXmlSafe, toS3Key } from './s3-keys.ts';

/** DeleteObjects takes no more (S3 API reference). */
const BATCH = 1000;

type DeleteOne = (key: string) => Promise<unknown>;

/**
 * Deletes in requests of 1,000 keys. A request is answered with 200 even when keys in it failed, so
 * a key is done only when the answer names it among the deleted ones. Keys that failed for a reason
 * that passes are sent again, alone; keys that the answer doesn't mention, that XML can't carry, or
 * whose spelling the server refuses, are deleted by a request each.
 */
export async function* deleteInBatches(
  context: S3Context,
  keys: Iterable<string>,
  options: CallOptions,
  deleteOne: DeleteOne,
): AsyncGenerator<DeleteOutcome> {
  const batches = pooled(inBatches(keys), context.concurrency, (batch) =>
    deleteBatch(context, batch, options, deleteOne),
  );
  for await (const outcomes of batches) {
    yield* outcomes;
  }
}

function* inBatches(keys: Iterable<string>): Generator<string[]> {
  let batch: string[] = [];
  for (const key of keys) {
    batch.push(key);
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) {
    yield batch;
  }
}

async function deleteBatch(
  context: S3Context,
  batch: readonly string[],
  options: CallOptions,
  deleteOne: DeleteOne,
): Promise<DeleteOutcome[]> {
  const outcomes = new Map<string, DeleteOutcome>();
  const distinct = new Set(batch);
  const single = new Set([...distinct].filter((key) => !isXmlSafe(key)));
  let together = [...distinct].filter((key) => !single.has(key));
  for (let attempt = 1; together.length > 0; attempt += 1) {
    const answered = await deleteTogether(context, together, options);
    const isLast = attempt >= context.retry.attempts;
    const again: string[] = [];
    for (const key of together) {
      const result = answered.get(key);
      if (result === undefined || result === 'alone') {
        single.add(key);
      } else if (result.transient && !isLast) {
        again.push(key);
      } else {
        outcomes.set(key, result.outcome);
      }
    }
    if (again.length > 0) {
      const wait = backoffMs(context.retry, attempt + 1, context.timing.random());
      await context.timing.sleep(wait, options.signal);
    }
    together = again;
  }
  for await (const outcome of pooled(single, context.concurrency, (key) => alone(key, deleteOne))) {
    outcomes.set(outcome.key, outcome);
  }
  return batch.flatMap((key) => outcomes.get(key) ?? []);
}

async function alone(key: string, deleteOne: DeleteOne): Promise<DeleteOutcome> {
  try {
    await deleteOne(key);
    return { key, outcome: 'deleted' };
  } catch (error) {
    if (!(error instanceof SegctlError) || endsTheRun(error)) {
      throw error;
    }
    return { key, outcome: 'failed', error };
  }
}

interface KeyResult {
  readonly outcome: DeleteOutcome;
  /** Worth sending again. */
  readonly transient: boolean;
}

async function deleteTogether(
  context: S3Context,
  keys: readonly string[],
  options: CallOptions,
): Promise<Map<string, KeyResult | 'alone'>> {
  try {
    const answer = await send(context, { action: 's3:DeleteObject' }, options, (http) =>
      context.client.send(
        new DeleteObjectsCommand({
          Bucket: context.bucket,
          Delete: { Objects: keys.map((key) => ({ Key: toS3Key(context.prefix, key) })) },
        }),
        http,
      ),
    );
    return resultsOf(context, keys, answer);
  } catch (error) {
    if (!(error instanceof SegctlError) || endsTheRun(error)) {
      throw error;
    }
    if (isUnsupported(error)) {
      return new Map(keys.map((key) => [key, 'alone']));
    }
    return new Map(
      keys.map((key) => [key, { outcome: { key, outcome: 'failed', error }, transient: false }]),
    );
  }
}

function resultsOf(
  context: S3Context,
  keys: readonly string[],
  answer: DeleteObjectsCommandOutput,
): Map<string, KeyResult | 'alone'> {
  const results = new Map<string, KeyResult | 'alone'>();
  const asked = new KeysAsked(context.prefix, keys);
  for (const { Key } of answer.Deleted ?? []) {
    for (const key of asked.named(Key)) {
      results.set(key, { outcome: { key, outcome: 'deleted' }, transient: false });
    }
  }
  for (const { Key, Code, Message } of answer.Errors ?? []) {
    for (const key of asked.named(Key)) {
      results.set(key, failed(context, key, Code ?? 'Unknown', Message ?? ''));
    }
  }
  return results;
}

function failed(
  context: S3Context,
  key: string,
  code: string,
  message: string,
): KeyResult | 'alone' {
  const s3Key = toS3Key(context.prefix, key);
  if (code === 'NoSuchKey' || code === 'NoSuchVersion') {
    return { outcome: { key, outcome: 'missing' }, transient: false };
  }
  const raw = Object.assign(new Error(message), { name: code });
  const transient = isTransient(raw);
  if (!transient && s3Key !== canonicalKey(s3Key) && !KNOWN_REASON.has(code)) {
    return 'alone';
  }
  const call = callOf(context, { action: 's3:DeleteObject', key, s3Key });
  const error = s3Error(raw, call, context.scrub);
  return {
    outcome: { key, outcome: 'failed', error: error instanceof Error ? error : raw },
    transient,
  };
}

/** Reasons that have nothing to do with how a key is spelled. */
const KNOWN_REASON = new Set(['AccessDenied', 'ObjectLocked', 'InvalidObjectState']);

/** Finds the caller's keys by the key in an answer, which some servers give back folded. */
class KeysAsked {
  private readonly literal = new Map<string, string>();
  private readonly folded = new Map<string, string[]>();

  constructor(prefix: string | undefined, keys: readonly string[]) {
    for (const key of keys) {
      const s3Key = toS3Key(prefix, key);
      this.literal.set(s3Key, key);
      const same = this.folded.get(canonicalKey(s3Key));
      if (same === undefined) {
        this.folded.set(canonicalKey(s3Key), [key]);
      } else {
        same.push(key);
      }
    }
  }

  named(answered: string | undefined): readonly string[] {
    if (answered === undefined) {
      return [];
    }
    const key = this.literal.get(answered);
    if (key !== undefined) {
      return [key];
    }
    const same = this.folded.get(canonicalKey(answered)) ?? [];
    // Two spellings of one key were asked for: which one is meant can't be told, so each is redone.
    return same.length === 1 ? same : [];
  }
}

/** Failures that the next batch would meet as well. */
function endsTheRun(error: SegctlError): boolean {
  return ENDING.has(error.code);
}

const ENDING = new Set([
  'store-no-such-bucket',
  'store-bad-credentials',
  'store-no-credentials',
  'store-expired-token',
  'store-wrong-region',
  'store-clock-skew',
  'store-unreachable',
  'store-tls',
]);

/** A store without DeleteObjects says 405 or 501. */
function isUnsupported(error: SegctlError): boolean {
  const { httpStatus, s3Code } = error.facts;
  return httpStatus === 405 || httpStatus === 501 || s3Code === 'NotImplemented';
}
