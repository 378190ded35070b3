import { rowIdentity } from '../segment-index/index-edit.ts';
import type { IndexPartition } from '../segment-index/index-partitions.ts';
import { formatPartitionKey } from '../segment-index/partition-key.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import type { EntryFilter } from '../verify/index-findings.ts';
import type { ArchiveListing, StoredArchive } from '../verify/listing.ts';
import type { Member, Standing } from './member.ts';

export interface PartitionMembers {
  readonly topic: string;
  readonly partition: number;
  readonly members: readonly Member[];
}

/**
 * The archives of a listing by partition, each with the entries that name it. An archive is left
 * alone, and is in no group, when an entry names it that belongs to another partition or stands
 * under a key that the server skips: what such an entry means is not for a collector to decide.
 */
export function gatherMembers(
  index: SegmentIndex,
  listing: ArchiveListing,
  filter?: EntryFilter,
): PartitionMembers[] {
  const rowsOf = new Map<StoredArchive, number[]>();
  for (let row = 0; row < index.rowCount; row++) {
    const stored = listing.find(index.objectStorePath(row));
    if (stored === undefined) continue;
    const rows = rowsOf.get(stored);
    if (rows === undefined) rowsOf.set(stored, [row]);
    else rows.push(row);
  }
  const groups = new Map<string, { topic: string; partition: number; members: Member[] }>();
  const standings = new Standings(index);
  for (const stored of listing.archives) {
    const { topic, partition } = stored.place;
    if (filter !== undefined && !filter({ topic, partition })) continue;
    const rows = rowsOf.get(stored) ?? [];
    const standing = standings.of(stored, rows);
    if (standing === undefined) continue;
    const key = formatPartitionKey(topic, partition);
    const group = groups.get(key) ?? { topic, partition, members: [] };
    groups.set(key, group);
    group.members.push({ stored, standing, entries: rows.map((row) => rowIdentity(index, row)) });
  }
  return [...groups.values()].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
}

class Standings {
  readonly #index: SegmentIndex;
  readonly #loaded = new Set<number>();
  readonly #skipped = new Set<number>();

  constructor(index: SegmentIndex) {
    this.#index = index;
    for (const { rows, shadowed } of index.partitions) {
      for (const row of rows) this.#loaded.add(row);
      for (const row of shadowed) this.#skipped.add(row);
    }
  }

  /** Undefined for an archive that is to be left alone. */
  of({ place }: StoredArchive, rows: readonly number[]): Standing | undefined {
    if (rows.length === 0) return 'unnamed';
    const partition = this.#index.partition(place.topic, place.partition);
    if (!rows.every((row) => this.#isOwn(row, partition))) return undefined;
    return rows.some((row) => this.#loaded.has(row)) ? 'indexed' : 'skipped';
  }

  #isOwn(row: number, partition: IndexPartition | undefined): boolean {
    if (partition === undefined) return false;
    if (!this.#loaded.has(row) && !this.#skipped.has(row)) return false;
    const { topic, partition: number } = this.#index.entry(row);
    const key = this.#index.keyOf(row).partition;
    return (
      topic === partition.topic &&
      number === partition.partition &&
      key?.topic === partition.topic &&
      key.partition === partition.partition
    );
  }
}
