import type { RowIdentity } from '../segment-index/index-edit.ts';
import type { StoredArchive } from '../verify/listing.ts';
import type { RecordStats } from '../verify/record-stats.ts';
import { nameRange } from '../verify/unnamed-findings.ts';

/**
 * How the index stands to an archive: named by an entry that a server loads, by one that it would
 * skip, or by none.
 */
export type Standing = 'indexed' | 'skipped' | 'unnamed';

/** One archive of a partition, and what is known of it before and after it was read. */
export interface Member {
  readonly stored: StoredArchive;
  readonly standing: Standing;
  /** Entries that name it; none for an unnamed one. */
  readonly entries: readonly RowIdentity[];
  /** Stays rather than one that holds as many records. */
  readonly preferred?: boolean;
  /** Exact, once the archive was read; whoever reads it sets it. */
  stats?: RecordStats;
  /** Documents, known as soon as the archive was opened. */
  documents?: number;
  /** Epoch ms at which the server packed it, by its own metadata; known once it was opened. */
  packedAtMs?: number;
}

export interface OffsetSpan {
  readonly min: bigint;
  readonly max: bigint;
  /** False for what a name says: names follow write order and can be narrower than the records. */
  readonly exact: boolean;
}

export function spanOf(member: Member): OffsetSpan {
  const { stats, entries, stored } = member;
  if (stats?.minOffset !== undefined && stats.maxOffset !== undefined) {
    return { min: stats.minOffset, max: stats.maxOffset, exact: true };
  }
  const [named] = entries;
  if (named !== undefined) {
    return { min: named.entry.minOffset, max: named.entry.maxOffset, exact: false };
  }
  const [min, max] = nameRange(stored.place);
  return { min, max, exact: false };
}

function expectedRecords(member: Member): bigint {
  const { stats, documents, entries } = member;
  if (stats !== undefined) return BigInt(stats.records);
  if (documents !== undefined) return BigInt(documents);
  const [named] = entries;
  if (named !== undefined) return named.entry.recordCount;
  const { min, max } = spanOf(member);
  return max - min + 1n;
}

const STANDING_ORDER: Readonly<Record<Standing, number>> = { indexed: 0, skipped: 1, unnamed: 2 };

/**
 * The order in which archives may prove others superseded: an earlier one proves a later one, never
 * the other way round, so of two equal archives exactly one stays. Those that the index leads to
 * come first, then the wider one, then the newer one.
 */
export function byStrength(a: Member, b: Member): number {
  if (a.standing !== b.standing) return STANDING_ORDER[a.standing] - STANDING_ORDER[b.standing];
  const [recordsA, recordsB] = [expectedRecords(a), expectedRecords(b)];
  if (recordsA !== recordsB) return recordsA > recordsB ? -1 : 1;
  if (a.preferred !== b.preferred) return a.preferred === true ? -1 : 1;
  const [infoA, infoB] = [a.stored.info, b.stored.info];
  if (infoA.lastModifiedMs !== infoB.lastModifiedMs) {
    return infoB.lastModifiedMs - infoA.lastModifiedMs;
  }
  if (infoA.sizeBytes !== infoB.sizeBytes) return infoB.sizeBytes - infoA.sizeBytes;
  return infoA.key < infoB.key ? -1 : 1;
}

/** Whether the keeper can hold all of the candidate's records, by all that is known so far. */
export function mayHold(keeper: Member, candidate: Member): boolean {
  if (candidate.standing === 'indexed' && keeper.standing !== 'indexed') return false;
  const [outer, inner] = [spanOf(keeper), spanOf(candidate)];
  if (inner.max > outer.max) return false;
  const outerIsClaimed = outer.exact || keeper.entries.length > 0;
  if (outerIsClaimed && inner.min < outer.min) return false;
  const [held, holds] = [candidate.documents, keeper.documents];
  if (held !== undefined && holds !== undefined && held > holds) return false;
  // A fetch goes by the index: what moves under the keeper must be found under its entry.
  return candidate.standing !== 'indexed' || entryCovers(keeper, inner);
}

export function entryCovers(keeper: Member, span: OffsetSpan): boolean {
  return keeper.entries.some(
    ({ entry }) => entry.minOffset <= span.min && entry.maxOffset >= span.max,
  );
}
