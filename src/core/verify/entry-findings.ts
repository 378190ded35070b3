import { canonicalKey } from '../../storage/canonical-key.ts';
import { type Finding, finding, type Subject } from '../findings.ts';
import type { Fact } from '../segctl-error.ts';
import { LOST_MAX_TIMESTAMP, type SegmentEntry } from '../segment-index/segment-entry.ts';
import type { Problem, ScannedArchive } from './scan-archive.ts';

export function entrySubject(entry: SegmentEntry): Subject {
  const { topic, partition, segmentId, objectStorePath } = entry;
  return { topic, partition, segmentId, objectStorePath };
}

/** `{topic}-{partition}-{min}-{max}`, as the server names a segment. */
export function segmentIdOf(
  entry: Pick<SegmentEntry, 'topic' | 'partition' | 'minOffset' | 'maxOffset'>,
): string {
  return `${entry.topic}-${entry.partition}-${entry.minOffset}-${entry.maxOffset}`;
}

/** What an entry shows by itself. */
export function entryFindings(entry: SegmentEntry): Finding[] {
  const found: Finding[] = [];
  const subject = entrySubject(entry);
  const add = (id: Finding['id'], facts: Readonly<Record<string, Fact>> = {}): void => {
    found.push(finding(id, subject, facts));
  };
  const { minOffset, maxOffset } = entry;
  if (maxOffset < minOffset) add('entry-range-invalid', { minOffset, maxOffset });
  const expected = segmentIdOf(entry);
  if (entry.segmentId !== expected) add('segment-id-differs', { expected });
  if (isUnsafeKey(entry.objectStorePath)) add('entry-key-unsafe');
  if (entry.maxTimestamp === LOST_MAX_TIMESTAMP) add('max-timestamp-lost');
  return found;
}

/** Whether segctl refuses to follow the key; every adapter does so too. */
export function isUnsafeKey(key: string): boolean {
  const parts = canonicalKey(key).split('/');
  return parts[0] === '' || parts.includes('..') || key.includes('\0');
}

/** What a look at the object's size shows, without reading it; `head` is undefined where it is missing. */
export function objectFindings(
  entry: SegmentEntry,
  head: { readonly sizeBytes: number } | undefined,
): Finding[] {
  const subject = entrySubject(entry);
  if (head === undefined) return [finding('object-missing', subject)];
  const objectBytes = head.sizeBytes;
  if (objectBytes === 0) return [finding('archive-empty', subject)];
  if (BigInt(objectBytes) === entry.sizeBytes) return [];
  return [finding('size-differs', subject, { entryBytes: entry.sizeBytes, objectBytes })];
}

/** What the archive's documents contradict in its entry. */
export function scanFindings(entry: SegmentEntry, scanned: ScannedArchive): Finding[] {
  const found: Finding[] = [];
  const subject = entrySubject(entry);
  const { stats } = scanned;
  if (
    entry.recordCount !== BigInt(stats.records) &&
    entry.recordCount !== scanned.metadataRecords
  ) {
    const facts = { entryRecords: entry.recordCount, archiveRecords: stats.records };
    found.push(finding('record-count-differs', subject, facts));
  }
  const { minOffset, maxOffset } = stats;
  if (minOffset === undefined || maxOffset === undefined) return found;
  const isSane = entry.maxOffset >= entry.minOffset;
  if (isSane && (entry.minOffset !== minOffset || entry.maxOffset !== maxOffset)) {
    const facts = {
      entryMinOffset: entry.minOffset,
      entryMaxOffset: entry.maxOffset,
      archiveMinOffset: minOffset,
      archiveMaxOffset: maxOffset,
    };
    found.push(finding('offset-range-differs', subject, facts));
  }
  found.push(...timestampFindings(entry, scanned));
  return found;
}

function timestampFindings(entry: SegmentEntry, { stats }: ScannedArchive): Finding[] {
  const subject = entrySubject(entry);
  const [min, max] = [stats.minTimestamp ?? 0n, stats.maxTimestamp ?? 0n];
  const maxIsLost = entry.maxTimestamp === LOST_MAX_TIMESTAMP;
  const minIsBatches = entry.minTimestamp === stats.minBatchTimestamp;
  const facts = {
    entryMinTimestamp: entry.minTimestamp,
    entryMaxTimestamp: entry.maxTimestamp,
    archiveMinTimestamp: min,
    archiveMaxTimestamp: max,
  };
  if ((entry.minTimestamp !== min && !minIsBatches) || (entry.maxTimestamp !== max && !maxIsLost)) {
    return [finding('timestamp-range-differs', subject, facts)];
  }
  return entry.minTimestamp === min ? [] : [finding('min-timestamp-of-batches', subject, facts)];
}

/** An archive's own problems, told of an entry or an object. */
export function told(problems: readonly Problem[], subject: Subject): Finding[] {
  return problems.map(({ id, facts }) => finding(id, subject, facts));
}
