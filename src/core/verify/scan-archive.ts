import type { Archive } from '../archive/open-archive.ts';
import type { FindingId } from '../findings.ts';
import type { RecordColumns } from '../record-batch/record-columns.ts';
import type { Fact } from '../segctl-error.ts';
import { LOST_MAX_TIMESTAMP } from '../segment-index/segment-entry.ts';
import type { ArchiveKey } from './archive-key.ts';
import { missingOffsets, type RecordStats, RecordStatsBuilder } from './record-stats.ts';

/** The server's writer stops at this many documents, and says nothing. */
export const DOCUMENT_CAP = 1_000_000;

/** What metadata.json says, and what the documents say. */
export interface ScannedArchive {
  readonly topic: string;
  readonly partition: number;
  /** Epoch seconds: when the archive was packed. */
  readonly createdAtSeconds: bigint;
  readonly metadataRecords: bigint;
  readonly stats: RecordStats;
}

/** A finding before it is known which entry it belongs to. */
export interface Problem {
  readonly id: FindingId;
  readonly facts: Readonly<Record<string, Fact>>;
}

export interface Scan {
  readonly scanned: ScannedArchive;
  readonly problems: readonly Problem[];
}

/** Takes an archive's records, all of them and in order, and checks the archive against itself. */
export class ScanBuilder {
  readonly #archive: Archive;
  readonly #place: ArchiveKey | undefined;
  readonly #stats = new RecordStatsBuilder();

  constructor(archive: Archive, place: ArchiveKey | undefined) {
    this.#archive = archive;
    this.#place = place;
  }

  add(piece: RecordColumns): void {
    this.#stats.add(piece);
  }

  finish(): Scan {
    const stats = this.#stats.finish();
    const { topic, partition, createdAtSeconds, recordCount } = this.#archive.metadata;
    const scanned = { topic, partition, createdAtSeconds, metadataRecords: recordCount, stats };
    return { scanned, problems: [...problemsOf(this.#archive, scanned, this.#place)] };
  }
}

/**
 * Reads every record. Throws ArchiveError for what can't be read. Checksums of files that records
 * are not read from are `archive.verifyFiles`' part.
 */
export async function scanArchive(archive: Archive, place: ArchiveKey | undefined): Promise<Scan> {
  const builder = new ScanBuilder(archive, place);
  for await (const piece of archive.records()) builder.add(piece);
  return builder.finish();
}

function* problemsOf(
  archive: Archive,
  { stats, metadataRecords }: ScannedArchive,
  place: ArchiveKey | undefined,
): Generator<Problem> {
  const { topic, partition, maxTimestamp } = archive.metadata;
  if (place !== undefined && (place.topic !== topic || place.partition !== partition)) {
    yield {
      id: 'archive-misplaced',
      facts: {
        keyTopic: place.topic,
        keyPartition: place.partition,
        metadataTopic: topic,
        metadataPartition: partition,
      },
    };
  }
  if (BigInt(stats.records) !== metadataRecords) {
    const capped = stats.records >= DOCUMENT_CAP && metadataRecords > BigInt(stats.records);
    const facts = { metadataRecords, documents: stats.records };
    yield { id: capped ? 'document-cap-hit' : 'archive-record-count-differs', facts };
  } else {
    yield* rangeProblems(archive, stats);
  }
  if (stats.duplicates > 0) {
    yield {
      id: 'offsets-duplicated',
      facts: { duplicates: stats.duplicates, firstOffset: stats.firstDuplicate ?? null },
    };
  }
  const missing = missingOffsets(stats);
  if (missing > 0n) {
    const [run, next] = stats.runs ?? [];
    const firstHole = run === undefined || next === undefined ? null : run.last + 1n;
    yield { id: 'archive-holes', facts: { missingOffsets: missing, firstHole } };
  }
  if (maxTimestamp === LOST_MAX_TIMESTAMP) yield { id: 'archive-max-timestamp-lost', facts: {} };
}

/** Of a capped archive metadata.json describes records that are not in it, so it isn't asked. */
function* rangeProblems(archive: Archive, stats: RecordStats): Generator<Problem> {
  const { baseOffset, lastOffset, minTimestamp } = archive.metadata;
  const { minOffset, maxOffset } = stats;
  if (minOffset === undefined || maxOffset === undefined) return;
  const isWithin = (offset: bigint): boolean => offset >= minOffset && offset <= maxOffset;
  if (!isWithin(baseOffset) || !isWithin(lastOffset)) {
    const facts = { baseOffset, lastOffset, minOffset, maxOffset };
    yield { id: 'archive-range-differs', facts };
  }
  const [min, max] = [stats.minTimestamp ?? 0n, stats.maxTimestamp ?? 0n];
  if (minTimestamp < min || minTimestamp > max) {
    const facts = { metadataMinTimestamp: minTimestamp, minTimestamp: min, maxTimestamp: max };
    yield { id: 'archive-range-differs', facts };
  }
}
