import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { SegctlError } from '../../core/segctl-error.ts';
import { assertRange } from '../byte-range.ts';
import { canonicalKey } from '../canonical-key.ts';
import type {
  ByteRange,
  CallOptions,
  DeleteOutcome,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from '../object-store.ts';
import { objectChanged } from '../store-errors.ts';
import { type S3Context, send } from './s3-context.ts';
import { deleteInBatches } from './s3-delete.ts';
import { isThrottle, isTransient } from './s3-failure.ts';
import { encodeKey, toS3Key } from './s3-keys.ts';
import { listObjects } from './s3-list.ts';
import { etagOf, headInfo, objectBody, versionOf } from './s3-object.ts';
import { KeySpelling } from './s3-spelling.ts';

/**
 * An S3 bucket, or a prefix of it. Keys are sent literally; `KeySpelling` has what is done about
 * servers that fold or refuse spellings like `/data/x` and `./data/x`.
 */
export class S3Store implements ObjectStore {
  readonly kind = 's3';
  readonly url: string;
  private readonly context: S3Context;
  private readonly spelling = new KeySpelling();
  private bucketSeen: Promise<void> | undefined;

  constructor(context: S3Context) {
    this.context = context;
    this.url = context.storeUrl;
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    try {
      return await this.spelled(key, async (s3Key) => {
        try {
          return await this.headSpelled(key, s3Key, options);
        } catch (error) {
          return this.explained(error, key, s3Key, options);
        }
      });
    } catch (error) {
      if (isCode(error, 'object-missing')) {
        await this.assertBucket(options);
        return undefined;
      }
      throw error;
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody> {
    if (options.range !== undefined) {
      assertRange(options.range);
    }
    return this.spelled(key, (s3Key) => this.getSpelled(key, s3Key, options));
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const probe = (s3Key: string): Promise<boolean> => this.probe(s3Key, options);
    return listObjects(this.context, this.spelling, prefix, options, probe);
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    const { ifAbsent, ifVersion } = options;
    const isConditional = ifAbsent === true || ifVersion !== undefined;
    return this.spelled(key, async (s3Key) => {
      const answer = await send(
        this.context,
        {
          action: 's3:PutObject',
          key,
          s3Key,
          ...(ifAbsent === undefined ? {} : { ifAbsent }),
          ...(ifVersion === undefined ? {} : { ifVersion }),
        },
        options,
        (http) =>
          this.context.client.send(
            new PutObjectCommand({
              ...this.place(s3Key),
              Body: body,
              ContentLength: body.length,
              ...(ifAbsent === true ? { IfNoneMatch: '*' } : {}),
              ...(ifVersion === undefined ? {} : { IfMatch: etagOf(ifVersion) }),
            }),
            http,
          ),
        // A conditional put whose answer got lost may have been done: again, it would fail on itself.
        isConditional ? isThrottle : isTransient,
      );
      return {
        key,
        sizeBytes: body.length,
        lastModifiedMs: this.context.now(),
        version: versionOf(answer, body.length),
      };
    });
  }

  async copy(from: string, to: string, options: CallOptions = {}): Promise<void> {
    await this.spelled(from, (source) =>
      this.spelled(to, (s3Key) =>
        send(this.context, { action: 's3:PutObject', key: from, s3Key }, options, (http) =>
          this.context.client.send(
            new CopyObjectCommand({
              ...this.place(s3Key),
              CopySource: `${this.context.bucket}/${encodeKey(source)}`,
            }),
            http,
          ),
        ),
      ),
    );
  }

  /** Always 'deleted': S3 answers alike whether there was an object or not. */
  async delete(key: string, options: CallOptions = {}): Promise<'deleted'> {
    await this.spelled(key, (s3Key) =>
      send(this.context, { action: 's3:DeleteObject', key, s3Key }, options, (http) =>
        this.context.client.send(new DeleteObjectCommand(this.place(s3Key)), http),
      ).catch((error: unknown) => {
        if (!isCode(error, 'object-missing')) {
          throw error;
        }
      }),
    );
    return 'deleted';
  }

  deleteMany(keys: Iterable<string>, options: CallOptions = {}): AsyncIterable<DeleteOutcome> {
    return deleteInBatches(this.context, keys, options, (key) => this.delete(key, options));
  }

  async close(): Promise<void> {
    this.context.client.destroy();
  }

  private place(s3Key: string): { Bucket: string; Key: string } {
    return { Bucket: this.context.bucket, Key: s3Key };
  }

  /** Runs `task` with the key as it is spelled, or folded where the server refuses that spelling. */
  private async spelled<Answer>(
    key: string,
    task: (s3Key: string) => Promise<Answer>,
  ): Promise<Answer> {
    const literal = toS3Key(this.context.prefix, key);
    const folded = canonicalKey(literal);
    if (literal === folded || !this.spelling.isRefused(literal)) {
      try {
        return await task(literal);
      } catch (error) {
        if (literal === folded || !isRefusal(error)) {
          throw error;
        }
      }
    }
    try {
      const answer = await task(folded);
      this.spelling.setRefused(literal);
      return answer;
    } catch (error) {
      if (isCode(error, 'object-missing')) {
        this.spelling.setRefused(literal);
      }
      throw error;
    }
  }

  private async headSpelled(key: string, s3Key: string, options: CallOptions): Promise<ObjectInfo> {
    const answer = await send(
      this.context,
      { action: 's3:GetObject', key, s3Key },
      options,
      (http) => this.context.client.send(new HeadObjectCommand(this.place(s3Key)), http),
    );
    return headInfo(key, answer);
  }

  /**
   * Whether the server takes `s3Key` for an object, or would never: it refuses the spelling. Where
   * asking is denied that is the error: an empty listing would look like deleted archives.
   */
  private async probe(s3Key: string, options: CallOptions): Promise<boolean> {
    try {
      await this.headSpelled(s3Key, s3Key, options);
      return true;
    } catch (error) {
      if (isCode(error, 'object-missing')) {
        return false;
      }
      if (isRefusal(error)) {
        return true;
      }
      throw error;
    }
  }

  /** An answer to HEAD has no body, so why it failed is asked by a GET of one byte. */
  private async explained(
    error: unknown,
    key: string,
    s3Key: string,
    options: CallOptions,
  ): Promise<ObjectInfo> {
    const status = error instanceof SegctlError ? error.facts.httpStatus : undefined;
    if (status !== 400 && status !== 403) {
      throw error;
    }
    const body = await this.getSpelled(key, s3Key, { ...options, range: { start: 0, end: 1 } });
    await body.destroy();
    return body.info;
  }

  private async getSpelled(key: string, s3Key: string, options: GetOptions): Promise<ObjectBody> {
    const { range, ifVersion } = options;
    const answer = await send(
      this.context,
      {
        action: 's3:GetObject',
        key,
        s3Key,
        ...(ifVersion === undefined ? {} : { ifVersion }),
        ...(range === undefined ? {} : { rangeStart: range.start }),
      },
      options,
      (http) =>
        this.context.client.send(
          new GetObjectCommand({
            ...this.place(s3Key),
            ...(range === undefined ? {} : { Range: rangeHeader(range) }),
            ...(ifVersion === undefined ? {} : { IfMatch: etagOf(ifVersion) }),
          }),
          http,
        ),
    );
    const body = objectBody(this.context, key, s3Key, answer, options);
    if (ifVersion !== undefined && body.info.version !== ifVersion) {
      await body.destroy();
      throw objectChanged(this.url, key, ifVersion);
    }
    return body;
  }

  /**
   * HEAD says 404 for a missing bucket too, and a missing bucket must not look like missing archives.
   * Asked once. Where asking isn't allowed, the bucket is believed in.
   */
  private async assertBucket(options: CallOptions): Promise<void> {
    this.bucketSeen ??= this.checkBucket(options).catch((error: unknown) => {
      this.bucketSeen = undefined;
      throw error;
    });
    await this.bucketSeen;
  }

  private async checkBucket(options: CallOptions): Promise<void> {
    try {
      await send(this.context, { action: 's3:ListBucket' }, options, (http) =>
        this.context.client.send(new HeadBucketCommand({ Bucket: this.context.bucket }), http),
      );
    } catch (error) {
      if (!isCode(error, 'store-denied')) {
        throw error;
      }
    }
  }
}

function rangeHeader(range: ByteRange): string {
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof SegctlError && error.code === code;
}

/** 400 without a better-known reason: what MinIO says of a key with empty or `.` parts. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof SegctlError && error.code === 'store-failed' && error.facts.httpStatus === 400
  );
}
