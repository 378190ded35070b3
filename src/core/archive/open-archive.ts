import type { SegmentInfo, TantivyIndex } from 'tantivy-napi';
import type { RecordColumns } from '../record-batch/record-columns.ts';
import type { ArchiveMetadata } from './archive-metadata.ts';
import { checkArchiveSchema } from './archive-schema.ts';
import { batchAligned } from './batch-aligned.ts';
import { RECORD_FIELDS, recordColumns } from './document-columns.ts';
import { withTantivyErrors } from './tantivy-errors.ts';
import { type UnpackLimits, unpackArchive } from './unpack-archive.ts';

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
  /** Documents of the index; less than `metadata.recordCount` where the writer's cap dropped some. */
  readonly documents: number;
  readonly unpackedBytes: number;
  /**
   * The records in ascending offset order over all Tantivy segments, in pieces that never part the
   * records of one batch. `range` restricts to offsets. Throws ArchiveError for damage.
   */
  records(range?: OffsetRange): AsyncGenerator<RecordColumns, void, void>;
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
  const { metadata, files, unpackedBytes } = await unpackArchive(body, limits);
  const { TantivyIndex } = await import('tantivy-napi');
  const index = await withTantivyErrors(() => TantivyIndex.open(neededFiles(files)));
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
    records: (range) => batchAligned(readRecords(index, limits, range)),
    close: () => index.close(),
  };
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
