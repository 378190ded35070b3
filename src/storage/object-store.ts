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
   * The bytes of an object, or of `range` of it. The body must be consumed or destroyed.
   * With `ifVersion`, fails with `object-changed` when the object is no longer that version.
   */
  get(key: string, options?: GetOptions): Promise<ObjectBody>;
  /**
   * Every object whose key begins with `prefix` (a plain string prefix, '' for all), page by page,
   * in no promised order. Keys come back as the store knows them: compare them by `canonicalKey`.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectInfo>;
  /** Server-side where the store can. Fails with `object-missing` when `from` is not there. */
  copy(from: string, to: string, options?: CallOptions): Promise<void>;
  /** Deleting what is not there is the outcome 'missing', never an error. */
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
}

export type DeleteOutcome =
  | { readonly key: string; readonly outcome: 'deleted' | 'missing' }
  | { readonly key: string; readonly outcome: 'failed'; readonly error: Error };
