/**
 * Reads and writes Tantivy indexes held in memory, in columns.
 *
 * Everything asynchronous runs on libuv's thread pool. Every failure is a {@link TantivyError} with a `code`.
 */

/** `facet`, `ip` and `json` are listed in a schema, but can be neither read nor written. */
export type FieldType =
  | 'i64'
  | 'u64'
  | 'f64'
  | 'bool'
  | 'date'
  | 'bytes'
  | 'text'
  | 'facet'
  | 'ip'
  | 'json';

export interface FieldSchema {
  readonly name: string;
  readonly type: FieldType;
  readonly indexed: boolean;
  /** Only stored fields can be read. */
  readonly stored: boolean;
  readonly fast: boolean;
  /** Name of the analyzer, for indexed text. */
  readonly tokenizer?: string;
}

export interface SegmentInfo {
  /** 32 hex digits; a segment's files are called after it. */
  readonly id: string;
  /** Documents in the segment's files, deleted ones included. */
  readonly maxDoc: number;
  readonly numDocs: number;
  readonly deletedDocs: number;
  /** The files that the segment consists of, whether they were given or not. */
  readonly files: readonly string[];
}

export interface ChecksumResult {
  readonly name: string;
  readonly ok: boolean;
  /** Why it is not: `TANTIVY_CORRUPT_FILE`, `TANTIVY_MISSING_FILE` or `TANTIVY_UNSUPPORTED_VERSION`. */
  readonly code?: TantivyErrorCode;
  readonly message?: string;
}

/** A bitmap of the rows without a value: bit `i & 7` of byte `i >> 3` is set for row `i`. Null when all rows have one. */
export type Nulls = Uint8Array | null;

/** A row without a value holds 0. */
export interface I64Column {
  readonly type: 'i64';
  readonly values: BigInt64Array;
  readonly nulls: Nulls;
}

/** Nanoseconds since 1970-01-01T00:00:00Z, exactly as stored. A row without a value holds 0. */
export interface DateColumn {
  readonly type: 'date';
  readonly values: BigInt64Array;
  readonly nulls: Nulls;
}

/** A row without a value holds 0. */
export interface U64Column {
  readonly type: 'u64';
  readonly values: BigUint64Array;
  readonly nulls: Nulls;
}

/** A row without a value holds 0. */
export interface F64Column {
  readonly type: 'f64';
  readonly values: Float64Array;
  readonly nulls: Nulls;
}

/** 0 or 1 for each row. A row without a value holds 0. */
export interface BoolColumn {
  readonly type: 'bool';
  readonly values: Uint8Array;
  readonly nulls: Nulls;
}

/** Row `i` is `data.subarray(offsets[i], offsets[i + 1])`. An empty value and no value differ in `nulls` alone. */
interface Blob {
  readonly data: Uint8Array;
  /** One entry more than there are rows. */
  readonly offsets: Uint32Array;
  readonly nulls: Nulls;
}

export interface BytesColumn extends Blob {
  readonly type: 'bytes';
}

/** Every row is UTF-8 of its own. */
export interface TextColumn extends Blob {
  readonly type: 'text';
}

export type BlobColumn = BytesColumn | TextColumn;

export type Column =
  | I64Column
  | DateColumn
  | U64Column
  | F64Column
  | BoolColumn
  | BytesColumn
  | TextColumn;

/**
 * The arrays are the caller's own, each over a buffer of its own outside V8's heap: they outlive the index. To another
 * thread Node.js copies such buffers, even where it is told to transfer them.
 */
export interface ColumnBatch {
  /** At least 1. */
  readonly numDocs: number;
  /** By field name, in the order of `fields`. The object has no prototype. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Each row's place in `TantivyIndex.segments`; only with `withDocIds`. */
  readonly segmentOrds?: Uint32Array;
  /** Each row's document id in its segment; only with `withDocIds`. */
  readonly docIds?: Uint32Array;
}

export interface OpenOptions {
  /** Check the CRC-32 of each file before it is first read. Default true. */
  verifyChecksums?: boolean;
}

export interface ReadOptions {
  /** The stored fields to read; default all of them. */
  fields?: readonly string[];
  /**
   * Only documents whose value lies between `min` and `max`, both inclusive; those without a value are left out. The
   * field is a stored i64, u64 or date (nanoseconds). The stored value decides, which is exact where a fast date is not.
   */
  range?: { field: string; min?: bigint; max?: bigint };
  /**
   * Ascending order of a stored i64, u64 or date field over all segments. Documents with equal values come by segment,
   * then document id; those without a value come last. Default: stored order, by segment, then document id.
   */
  orderBy?: string;
  /** A batch ends at this many documents. Default 16384. */
  batchDocs?: number;
  /** A batch ends with the document that makes its columns this many bytes. Default 8 MiB, at most 1 GiB. */
  batchBytes?: number;
  /** Refuse an index whose documents unpack to more than this, with `TANTIVY_LIMIT`. Default 1 GiB, at most 2 GiB. */
  maxBytes?: number;
  /** Add `segmentOrds` and `docIds` to each batch. Default false. */
  withDocIds?: boolean;
  /** A document with two values in a field: `TANTIVY_MULTI_VALUED`, or the first value. Default `error`. */
  multiValued?: 'error' | 'first';
}

/** One pass over the documents. Leaving a `for await` loop early closes it. */
export interface Batches extends AsyncIterableIterator<ColumnBatch> {
  /** The next batch, or null after the last one. */
  nextBatch(): Promise<ColumnBatch | null>;
  /** Frees what the pass holds. Further calls find it at its end. */
  close(): void;
}

export class TantivyIndex {
  private constructor();
  /**
   * Copies the files, then opens the index that they are. `meta.json` is needed, and for reading each segment's
   * `.store` (and `.del`); the others only for `verifyChecksums`.
   */
  static open(
    files: ReadonlyMap<string, Uint8Array> | Readonly<Record<string, Uint8Array>>,
    options?: OpenOptions,
  ): Promise<TantivyIndex>;
  readonly schema: readonly FieldSchema[];
  readonly segments: readonly SegmentInfo[];
  /** Documents that are not deleted, over all segments. */
  readonly numDocs: number;
  /** Stamp of the last commit. */
  readonly opstamp: bigint;
  /** What the writer's last commit attached to meta.json. */
  readonly payload?: string;
  /** The newest index format among the files' footers; absent when no file has a readable one. */
  readonly formatVersion?: number;
  /** The version of Tantivy that wrote that file. */
  readonly libraryVersion?: string;
  /** meta.json as it is. */
  readonly metaJson: string;
  /** Every file that a segment needs and every other one with a footer, by name. meta.json has no checksum. */
  verifyChecksums(): Promise<ChecksumResult[]>;
  read(options?: ReadOptions): Batches;
  /** Frees the files; passes still running end with `TANTIVY_CLOSED`. Closing again does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface FieldDefinition {
  readonly name: string;
  readonly type: FieldType;
  /** Default false. */
  readonly indexed?: boolean;
  /** Default true. */
  readonly stored?: boolean;
  /** Default false. */
  readonly fast?: boolean;
  /** Analyzer of indexed text: `default`, `raw`, `whitespace` or `en_stem`. Default `default`. */
  readonly tokenizer?: string;
  /** What a date is cut to in the index and the fast field; it is stored exactly. Default `seconds`. */
  readonly precision?: 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds';
}

export interface BuilderOptions {
  /** When this much is buffered, a segment is written without waiting for `commit`. At least 15 MB. Default 64 MiB. */
  memoryBudgetBytes?: number;
}

/** Writes an index of one segment a commit, its documents in the order in which they were added. Nothing is merged. */
export class IndexBuilder {
  private constructor();
  static create(
    schema: readonly FieldDefinition[],
    options?: BuilderOptions,
  ): Promise<IndexBuilder>;
  /**
   * One index of one segment with the documents of all: index by index, segment by segment, without deleted ones. All
   * need the same schema, in which every indexed or fast field is also stored: the documents are indexed anew. Several
   * values in a field stay; JSON values cannot be merged. `maxBytes` is as in {@link ReadOptions}.
   */
  static merge(
    indexes: readonly (ReadonlyMap<string, Uint8Array> | Readonly<Record<string, Uint8Array>>)[],
    options?: { maxBytes?: number },
  ): Promise<Map<string, Uint8Array>>;
  /** Copies the batch, then adds its rows. Fields without a column have no value. */
  add(batch: Pick<ColumnBatch, 'numDocs' | 'columns'>): Promise<void>;
  /** Ends the segment, and returns the commit's stamp. `payload` goes into meta.json. */
  commit(payload?: string): Promise<bigint>;
  /** Commits what is not yet, closes the builder and returns the files that make up the index's folder. */
  finish(): Promise<Map<string, Uint8Array>>;
  /** Drops what was added. */
  close(): Promise<void>;
}

export type TantivyErrorCode =
  /** A file is truncated or damaged, or contradicts another one. */
  | 'TANTIVY_CORRUPT_FILE'
  /** A file that is needed was not given. */
  | 'TANTIVY_MISSING_FILE'
  /** Written in an index or doc store format that this build does not read. */
  | 'TANTIVY_UNSUPPORTED_VERSION'
  /** The doc store is packed with a codec that this build does not read. */
  | 'TANTIVY_UNSUPPORTED_CODEC'
  /** The schema lacks that field, or cannot be used as asked. */
  | 'TANTIVY_SCHEMA'
  /** The field's type does not fit, in the schema or in a document. */
  | 'TANTIVY_FIELD_TYPE'
  /** A document has several values in one field. */
  | 'TANTIVY_MULTI_VALUED'
  /** More memory would be needed than allowed. */
  | 'TANTIVY_LIMIT'
  /** A defect here or in Tantivy, caught; mostly met on damaged files that are read without checksums. */
  | 'TANTIVY_PANIC'
  /** The index, cursor or builder is closed. */
  | 'TANTIVY_CLOSED'
  /** An argument has the wrong type or shape. */
  | 'TANTIVY_INVALID_ARG'
  /** Tantivy could not write. */
  | 'TANTIVY_WRITE'
  /** There is no native module for this platform; thrown when the package is imported. */
  | 'TANTIVY_NOT_BUILT';

export class TantivyError extends Error {
  constructor(code: TantivyErrorCode, message: string, file?: string);
  readonly name: 'TantivyError';
  readonly code: TantivyErrorCode;
  /** The file that it happened in, where known. */
  readonly file?: string;
}
