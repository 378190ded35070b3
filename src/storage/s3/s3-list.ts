import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { SegctlError } from '../../core/segctl-error.ts';
import { canonicalPrefix } from '../canonical-key.ts';
import { mergePages } from '../merge-pages.ts';
import type { ListOptions, ObjectInfo } from '../object-store.ts';
import { type S3Context, send } from './s3-context.ts';
import { decodeListedKey, fromS3Key, toS3Key } from './s3-keys.ts';
import { versionOf } from './s3-object.ts';
import type { KeySpelling } from './s3-spelling.ts';

const MAX_PAGE = 1000;
/** `data/tantivy_indexes/{topic}/partition-{p}`: deeper there are no folders to go side by side. */
const MAX_DEPTH = 4;

type Page = readonly ObjectInfo[];
type Probe = (s3Key: string) => Promise<boolean>;

/**
 * The objects below `prefix`, listed as it is spelled. Where that gives nothing and its folded
 * spelling does, one object is asked for by the spelling that was not listed: a server that finds it
 * (or refuses such a spelling) folds keys, and is listed by the folded prefix. One that doesn't find
 * it keeps keys literal, and there really is nothing below `prefix`.
 */
export async function* listObjects(
  context: S3Context,
  spelling: KeySpelling,
  prefix: string,
  options: ListOptions,
  probe: Probe,
): AsyncGenerator<ObjectInfo> {
  const literal = toS3Key(context.prefix, prefix);
  const folded = canonicalPrefix(literal);
  if (literal === folded) {
    yield* listPrefix(context, literal, options);
    return;
  }
  if (spelling.folds !== true) {
    let isEmpty = true;
    for await (const info of listPrefix(context, literal, options)) {
      isEmpty = false;
      yield info;
    }
    if (!isEmpty) {
      spelling.folds = false;
    }
    if (spelling.folds === undefined) {
      spelling.folds = await foldsKeys(context, literal, folded, options, probe);
    }
  }
  if (spelling.folds === true) {
    yield* listPrefix(context, folded, options);
  }
}

/** Undefined when there is no object to tell by. */
async function foldsKeys(
  context: S3Context,
  literal: string,
  folded: string,
  options: ListOptions,
  probe: Probe,
): Promise<boolean | undefined> {
  const page = await listPage(context, { Prefix: folded, MaxKeys: 1 }, options);
  const [first] = keysOf(page);
  return first === undefined ? undefined : probe(literal + first.slice(folded.length));
}

async function* listPrefix(
  context: S3Context,
  s3Prefix: string,
  options: ListOptions,
): AsyncGenerator<ObjectInfo> {
  const parallel = Math.min(options.parallel ?? 1, context.concurrency);
  const pages =
    parallel > 1
      ? sideBySide(context, s3Prefix, options, parallel)
      : flatPages(context, s3Prefix, options);
  for await (const page of pages) {
    yield* page;
  }
}

/** Goes down folder by folder until there are enough of them, then lists them side by side. */
async function* sideBySide(
  context: S3Context,
  s3Prefix: string,
  options: ListOptions,
  parallel: number,
): AsyncGenerator<Page> {
  let folders = [s3Prefix];
  for (let depth = 0; depth < MAX_DEPTH && folders.length < parallel; depth += 1) {
    const below: string[] = [];
    yield* mergePages(
      folders.map((folder) => levelPages(context, folder, options, below)),
      parallel,
    );
    folders = below;
  }
  yield* mergePages(
    folders.map((folder) => flatPages(context, folder, options)),
    parallel,
  );
}

/** The objects right in a folder; the folders in it are added to `below`. */
async function* levelPages(
  context: S3Context,
  folder: string,
  options: ListOptions,
  below: string[],
): AsyncGenerator<Page> {
  for await (const page of rawPages(context, { Prefix: folder, Delimiter: '/' }, options)) {
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      if (Prefix !== undefined) {
        below.push(decoded(page, Prefix));
      }
    }
    yield infosOf(context, page);
  }
}

async function* flatPages(
  context: S3Context,
  s3Prefix: string,
  options: ListOptions,
): AsyncGenerator<Page> {
  for await (const page of rawPages(context, { Prefix: s3Prefix }, options)) {
    yield infosOf(context, page);
  }
}

interface ListRequest {
  readonly Prefix: string;
  readonly Delimiter?: string;
  readonly MaxKeys?: number;
  readonly ContinuationToken?: string;
}

async function* rawPages(
  context: S3Context,
  request: ListRequest,
  options: ListOptions,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  const MaxKeys = Math.min(options.pageSize ?? MAX_PAGE, MAX_PAGE);
  let token: string | undefined;
  do {
    const page = await listPage(
      context,
      { ...request, MaxKeys, ...(token === undefined ? {} : { ContinuationToken: token }) },
      options,
    );
    yield page;
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (page.IsTruncated === true && (next === undefined || next === token)) {
      // Ending here would make archives look missing that were only not listed.
      throw new SegctlError('the store says that its listing goes on, but not from where', {
        code: 'store-answer-malformed',
        facts: { store: context.storeUrl, prefix: request.Prefix },
        remedy: 'the store, or a proxy before it, does not support ListObjectsV2 as S3 does',
      });
    }
    token = next;
  } while (token !== undefined);
}

function listPage(
  context: S3Context,
  request: ListRequest,
  options: ListOptions,
): Promise<ListObjectsV2CommandOutput> {
  return send(context, { action: 's3:ListBucket' }, options, (http) =>
    context.client.send(
      // Keys may hold characters that XML can't carry: they come URL-encoded where the server can.
      new ListObjectsV2Command({ Bucket: context.bucket, EncodingType: 'url', ...request }),
      http,
    ),
  );
}

function keysOf(page: ListObjectsV2CommandOutput): string[] {
  return (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : decoded(page, Key)));
}

function decoded(page: ListObjectsV2CommandOutput, text: string): string {
  return page.EncodingType === 'url' ? decodeListedKey(text) : text;
}

function infosOf(context: S3Context, page: ListObjectsV2CommandOutput): Page {
  const infos: ObjectInfo[] = [];
  for (const object of page.Contents ?? []) {
    if (object.Key === undefined) {
      continue;
    }
    const s3Key = decoded(page, object.Key);
    const key = fromS3Key(context.prefix, s3Key);
    // Keys that end in a slash stand for folders: consoles and gateways make them.
    if (key !== undefined && !s3Key.endsWith('/')) {
      const sizeBytes = object.Size ?? 0;
      const lastModifiedMs = object.LastModified?.getTime() ?? 0;
      infos.push({ key, sizeBytes, lastModifiedMs, version: versionOf(object, sizeBytes) });
    }
  }
  return infos;
}
