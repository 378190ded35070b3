import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import { segmentIdOf } from '../verify/entry-findings.ts';
import type { ScannedArchive } from '../verify/scan-archive.ts';

/** The literal that the server writes, although its archives are gzip. */
const COMPRESSION = 'snappy';

/**
 * An archive's entry, as the server writes it, but from the documents: the timestamps are those of
 * records where the server takes those of batches, and the count is that of records that are there.
 * `created_at` is when the archive was packed. Undefined for an archive without records.
 */
export function archiveEntry(
  scanned: ScannedArchive,
  objectStorePath: string,
  sizeBytes: number,
): SegmentEntry | undefined {
  const { topic, partition, stats, createdAtSeconds } = scanned;
  const { minOffset, maxOffset, minTimestamp, maxTimestamp } = stats;
  if (minOffset === undefined || maxOffset === undefined) return undefined;
  if (minTimestamp === undefined || maxTimestamp === undefined) return undefined;
  return {
    segmentId: segmentIdOf({ topic, partition, minOffset, maxOffset }),
    topic,
    partition,
    minOffset,
    maxOffset,
    recordCount: BigInt(stats.records),
    minTimestamp,
    maxTimestamp,
    objectStorePath,
    sizeBytes: BigInt(sizeBytes),
    createdAtSeconds,
    compression: COMPRESSION,
  };
}

/**
 * The entry that an existing one should be: what the archive tells is put right, what only the
 * server knows (its spelling of the path, when it indexed) stays.
 */
export function correctedEntry(
  entry: SegmentEntry,
  scanned: ScannedArchive,
  sizeBytes: number,
): SegmentEntry | undefined {
  const right = archiveEntry(scanned, entry.objectStorePath, sizeBytes);
  if (right === undefined) return undefined;
  const { createdAtSeconds, compression } = entry;
  return { ...right, createdAtSeconds, compression };
}
