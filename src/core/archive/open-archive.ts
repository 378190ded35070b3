import type { FieldSchema, SegmentInfo, TantivyIndex } from 'tantivy-napi';
import type { RecordColumns } from '../record-batch/record-columns.ts';
import { ArchiveError } from './archive-error.ts';
import type { ArchiveMetadata } from './archive-metadata.ts';
import { checkArchiveSchema, checkFieldOrder } from './archive-schema.ts';
import { batchAligned } from './batch-aligned.ts';
import { RECORD_FIELDS, recordColumns } from './document-columns.ts';
import { withTantivyErrors } from './tantivy-errors.ts';
import {
  checkFileNames,
  type UnpackedArchive,
  type UnpackLimits,
  unpackArchive,
} from './unpack-archive.ts';

export interface OffsetRange {
  /** Inclusive. */
  readonly min: bigint;
  /** Inclusive. */
  readonly max: bigint;
}

/** An archive with its Tantivy index open. Close it: its bytes live outside of the JS heap. */
export interface Archive {
  readonly metadata: ArchiveMetadata;
  readonly segments: readonly SegmentInfo[];
  readonly schema: readonly FieldSchema[];
  /** Documents of the index; less than `metadata.recordCount` where the writer's cap dropped some. */
  readonly documents: number;
  readonly unpackedBytes: number;
  /** All members of the tar file in their order. */
  readonly members: readonly { readonly name: string; readonly sizeBytes: number }[];
  /**
   * The records in ascending offset order over all Tantivy segments, in pieces that never part the
   * records of one batch. `range` restricts to offsets. Throws ArchiveError for damage.
   */
  records(range?: OffsetRange): AsyncGenerator<RecordColumns, void, void>;
  /**
   * Checks the CRC-32 in the footer of every file that the archive was opened with and that its
   * segments need. Throws ArchiveError for the first that is missing or wrong.
   */
  verifyFiles(): Promise<void>;
  close(): void;
}

/**
 * Opens an archive from its tar.gz bytes, in memory. Throws ArchiveError for damage of any layer;
 * errors of `body` itself pass through unchanged.
 */
export async function openArchive(
  body: AsyncIterable<Uint8Array>,
  limits: UnpackLimits,
): Promise<Archive> {
  const unpacked = await unpackArchive(body, limits);
  return await openUnpacked(unpacked, neededFiles(unpacked.files), limits);
}

/**
 * Opens the index of an unpacked archive from `files`, which are its own or those of them that the
 * reading needs. Throws ArchiveError for damage.
 */
async function openUnpacked(
  { metadata, unpackedBytes, members }: UnpackedArchive,
  files: ReadonlyMap<string, Uint8Array>,
  limits: UnpackLimits,
): Promise<Archive> {
  const { TantivyIndex } = await import('tantivy-napi');
  const index = await withTantivyErrors(() => TantivyIndex.open(files));
  try {
    checkArchiveSchema(index.schema);
  } catch (error) {
    index.close();
    throw error;
  }
  return {
    metadata,
    segments: index.segments,
    documents: index.numDocs,
    unpackedBytes,
    members: members.map(({ name, data }) => ({ name, sizeBytes: data.length })),
    schema: index.schema,
    records: (range) => batchAligned(readRecords(index, limits, range)),
    verifyFiles: () => verifyFiles(index, files),
    close: () => index.close(),
  };
}

/**
 * Opens an archive with all of its files, so that `verifyFiles` can check every one of them. Further
 * checks what a reader of the stored fields alone can do without: that no file is foreign, and that
 * the schema is Chronik's in the order of its fields too.
 */
export async function openWholeArchive(
  body: AsyncIterable<Uint8Array>,
  limits: UnpackLimits,
): Promise<Archive> {
  const unpacked = await unpackArchive(body, limits);
  checkFileNames(unpacked.files);
  const archive = await openUnpacked(unpacked, unpacked.files, limits);
  try {
    checkFieldOrder(archive.schema);
  } catch (error) {
    archive.close();
    throw error;
  }
  return archive;
}

/** Fails with ArchiveError for the first file that is missing or does not match its checksum. */
async function verifyFiles(
  index: TantivyIndex,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const results = await withTantivyErrors(() => index.verifyChecksums());
  for (const { name, ok, code, message } of results) {
    if (ok) continue;
    const facts = { member: `index/${name}`, tantivy: message ?? '' };
    if (!files.has(name)) throw new ArchiveError('archive-member-missing', facts);
    const unsupported = code === 'TANTIVY_UNSUPPORTED_VERSION';
    throw new ArchiveError(
      unsupported ? 'archive-format-unsupported' : 'archive-checksum-mismatch',
      facts,
    );
  }
}

async function* readRecords(
  index: TantivyIndex,
  limits: UnpackLimits,
  range: OffsetRange | undefined,
): AsyncGenerator<RecordColumns, void, void> {
  const batches = index.read({
    fields: RECORD_FIELDS,
    orderBy: '_offset',
    maxBytes: Math.min(limits.maxUnpackedBytes, 2 ** 31 - 1),
    ...(range === undefined ? {} : { range: { field: '_offset', ...range } }),
  });
  try {
    while (true) {
      const batch = await withTantivyErrors(() => batches.nextBatch());
      if (batch === null) return;
      yield recordColumns(batch);
    }
  } finally {
    batches.close();
  }
}

/** Stored fields alone are read, so term dictionaries and postings need not be copied. */
function neededFiles(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const needed = [...files].filter(
    ([name]) => name === 'meta.json' || name.endsWith('.store') || name.endsWith('.del'),
  );
  return new Map(needed);
}
