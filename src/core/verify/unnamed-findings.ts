import { canonicalKey } from '../../storage/canonical-key.ts';
import { type Finding, finding } from '../findings.ts';
import { PartitionLookup } from '../segment-index/lookup.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import type { ArchiveKey } from './archive-key.ts';
import type { StoredArchive } from './listing.ts';
import { larger, type OffsetRun, smaller, uncovered } from './offset-runs.ts';

/** What besides the index tells about archives that no entry names. */
export interface UnnamedContext {
  /** Offsets that recorded runs deleted, ascending. */
  readonly deleted: (topic: string, partition: number) => readonly OffsetRun[];
  /** Canonical keys of objects that an unfinished run was to delete, with the run. */
  readonly leftOver: ReadonlyMap<string, string>;
}

/**
 * Archives that no entry names. By their names alone: one whose offsets lie within an entry's is
 * taken for superseded, as Chronik leaves them; `segctl gc` proves it by the records.
 */
export function unnamedFindings(
  unnamed: readonly StoredArchive[],
  index: SegmentIndex,
  { deleted, leftOver }: UnnamedContext,
): Finding[] {
  const covers = new NameCovers(index);
  return unnamed.map(({ info, place }) => {
    const { topic, partition } = place;
    const subject = { topic, partition, objectStorePath: info.key };
    const facts = { sizeBytes: info.sizeBytes };
    const runId = leftOver.get(canonicalKey(info.key));
    if (runId !== undefined) return finding('object-left-over', { ...subject, runId }, facts);
    if (covers.covers(place)) return finding('object-superseded', subject, facts);
    const [first, last] = nameRange(place);
    const isDeleted = uncovered({ first, last }, deleted(topic, partition)).length === 0;
    return finding(isDeleted ? 'object-of-deleted' : 'object-not-in-index', subject, facts);
  });
}

/** Smallest and largest offset that the name speaks of; it follows write order, so ends may swap. */
export function nameRange({ base, last }: Pick<ArchiveKey, 'base' | 'last'>): [bigint, bigint] {
  return [smaller(base, last), larger(base, last)];
}

/** Tells whether one entry's range holds that of an archive's name. */
class NameCovers {
  readonly #index: SegmentIndex;
  readonly #lookups = new Map<string, PartitionLookup | undefined>();

  constructor(index: SegmentIndex) {
    this.#index = index;
  }

  covers(place: ArchiveKey): boolean {
    const [first, last] = nameRange(place);
    const rows = this.#lookup(place)?.byOffset(first) ?? [];
    return rows.some((row) => this.#index.maxOffset(row) >= last);
  }

  #lookup({ topic, partition }: ArchiveKey): PartitionLookup | undefined {
    const key = `${topic}-${partition}`;
    if (!this.#lookups.has(key)) {
      const found = this.#index.partition(topic, partition);
      this.#lookups.set(
        key,
        found === undefined ? undefined : new PartitionLookup(this.#index, found),
      );
    }
    return this.#lookups.get(key);
  }
}
