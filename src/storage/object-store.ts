/**
 * What segctl needs of an object store, and no more. Keys are the literal `object_store_path`
 * values of the index (`/data/tantivy_indexes/...`, `./data/...`): an adapter maps them to places,
 * never the caller. All methods throw SegctlError; a missing object is a value where it is normal
 * (`head`, `delete`) and the error `object-missing` where it is not (`get`).
 */
export interface ObjectStore {
  readonly kind: 'fs' | 's3' | 'memory';
  /** The store as a URL without credentials, for messages: `file:///var/lib/x`, `s3://bucket/prefix`. */
  readonly url: string;
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /**
   * The bytes of an object, or of `range` of it. The body must be consumed or destroyed. Reading it
   * fails with `body-cut-short` when it ends before its announced length, and with `object-changed`
   * when the object was rewritten meanwhile: both are worth a fresh read (`isWorthAnotherRead`).
   * With `ifVersion`, fails with `object-changed` when the object is no longer that version.
   * A range that begins past the end is the error `range-past-end`.
   */
  get(key: string, options?: GetOptions): Promise<ObjectBody>;
  /**
   * Every object whose key begins with `prefix` (a plain string prefix, '' for all), page by page,
   * in no promised order. Keys come back as the store knows them: compare them by `canonicalKey`.
   * The file system and stores that fold keys compare the prefix by `canonicalPrefix`; a store that
   * keeps keys literal compares it literally. A key that comes back can be given to `get`, `delete`.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectInfo>;
  /** Server-side where the store can. Fails with `object-missing` when `from` is not there. */
  copy(from: string, to: string, options?: CallOptions): Promise<void>;
  /**
   * Deleting what is not there is the outcome 'missing', never an error. S3 answers both cases
   * alike: there 'deleted' means that the object is not there now.
   */
  delete(key: string, options?: CallOptions): Promise<'deleted' | 'missing'>;
  /**
   * Deletes in batches (S3: 1,000 keys a request) and gives one outcome for every key, in no
   * promised order. A key that failed is an outcome, not a throw; only what stops the whole
   * operation (no such bucket, aborted) throws.
   */
  deleteMany(keys: Iterable<string>, options?: CallOptions): AsyncIterable<DeleteOutcome>;
  /** Closes sockets. The store is not used afterwards. */
  close(): Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ByteRange {
  /** First byte, counted from 0. */
  readonly start: number;
  /** The byte after the last one; absent means to the end. */
  readonly end?: number;
}

export interface GetOptions extends CallOptions {
  readonly range?: ByteRange;
  readonly ifVersion?: string;
}

export interface ListOptions extends CallOptions {
  /** Upper bound of keys a page, for tests and slow stores; adapters choose their own default. */
  readonly pageSize?: number;
  /**
   * How many listings of folders below `prefix` may run side by side; default 1. Worth it on
   * stores with a high latency and many keys: the folders are found by listing with a delimiter.
   */
  readonly parallel?: number;
}

export interface PutOptions extends CallOptions {
  /** Fail with `object-exists` when there is an object under this key already. */
  readonly ifAbsent?: boolean;
  /** Fail with `object-changed` unless the present object is this version. */
  readonly ifVersion?: string;
}

export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Unix time in ms. */
  readonly lastModifiedMs: number;
  /**
   * The object's identity: another value means other bytes may be there. S3: the ETag without
   * quotes. File system: inode, size and mtime in ns. Opaque to callers, compared for equality only.
   */
  readonly version: string;
}

export interface ObjectBody extends AsyncIterable<Uint8Array> {
  /** The object that the bytes belong to; `sizeBytes` is the whole object's size, also for a range. */
  readonly info: ObjectInfo;
  /** Gives up the rest of the body and frees its file handle or socket. Harmless when consumed. */
  destroy(): Promise<void>;
}

export type DeleteOutcome =
  | { readonly key: string; readonly outcome: 'deleted' | 'missing' }
  | { readonly key: string; readonly outcome: 'failed'; readonly error: Error };
