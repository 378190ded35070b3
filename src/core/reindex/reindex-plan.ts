import pMap from 'p-map';
import { canonicalKey } from '../../storage/canonical-key.ts';
import type { RecordedDeletions } from '../compaction/recorded-deletions.ts';
import type { ReturnedEntry } from '../compaction/returned-entries.ts';
import { type Finding, finding } from '../findings.ts';
import { type RowIdentity, rowIdentity } from '../segment-index/index-edit.ts';
import { formatPartitionKey } from '../segment-index/partition-key.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import { parseArchiveKey } from '../verify/archive-key.ts';
import { entrySubject, isUnsafeKey } from '../verify/entry-findings.ts';
import { type EntryFilter, indexFindings } from '../verify/index-findings.ts';
import type { ArchiveListing, StoredArchive } from '../verify/listing.ts';
import { type EntryChange, paired } from './entry-change.ts';
import type { PathSpelling } from './path-spelling.ts';
import { type PartitionFacts, type Present, planPartition } from './plan-partition.ts';
import type { ReadDeps } from './read-all.ts';

export interface ReindexInput {
  /** Undefined where there is none to repair. */
  readonly index: SegmentIndex | undefined;
  readonly listing: ArchiveListing;
  readonly spelling: PathSpelling;
  readonly deletions: RecordedDeletions;
  /** Entries that a server wrote back after a recorded deletion. */
  readonly returned: readonly ReturnedEntry[];
  readonly filter?: EntryFilter | undefined;
  /** Make the entries of the archives alone; what the index says counts for nothing. */
  readonly rebuild: boolean;
}

export interface ReindexPlan {
  readonly changes: readonly EntryChange[];
  readonly returned: readonly ReturnedEntry[];
  readonly findings: readonly Finding[];
  /** Entries of the index before. */
  readonly before: number;
  /** Entries that go without one that covers their offsets, those of recorded deletions aside. */
  readonly lost: number;
  readonly superseded: number;
}

/** Works out what index, store and journal say against each other. Changes nothing but the ledger. */
export async function planReindex(input: ReindexInput, deps: ReadDeps): Promise<ReindexPlan> {
  const { index, filter, returned } = input;
  const findings =
    index === undefined
      ? []
      : indexFindings(index, filter, new Set(returned.map(({ row }) => row)));
  for (const { identity, runId } of returned) {
    findings.push(finding('deleted-yet-back', { ...entrySubject(identity.entry), runId }));
  }
  const { groups, drops } = await gather(input, deps);
  const { concurrency, signal } = deps;
  const results = await pMap(groups, (group) => planPartition(group, input, deps), {
    concurrency,
    signal,
  });
  await deps.ledger.flush();
  const found = results.flatMap((result) => result.findings);
  const all = [...drops, ...results.flatMap((result) => result.changes)];
  const changes = paired(input.rebuild ? withoutUnseen(all, found) : all);
  return {
    changes,
    returned,
    findings: [...findings, ...found],
    before: index?.rowCount ?? 0,
    lost: lostEntries(changes),
    superseded: results.reduce((sum, { superseded }) => sum + superseded, 0),
  };
}

/**
 * What a rebuild does but in partitions where the object of an entry could not be read: a store that
 * fails proves nothing against the entry, nor what another archive makes of its partition.
 */
function withoutUnseen(
  changes: readonly EntryChange[],
  found: readonly Finding[],
): readonly EntryChange[] {
  const unseen = new Set(
    found
      .filter(({ id }) => id === 'object-unreadable' || id === 'object-in-flight')
      .map(({ subject }) => canonicalKey(subject.objectStorePath ?? '')),
  );
  if (unseen.size === 0) return changes;
  const left = new Set<string>();
  for (const change of changes) {
    if (change.action === 'drop' && unseen.has(canonicalKey(change.before.entry.objectStorePath))) {
      left.add(partitionOf(change));
    }
  }
  return changes.filter((change) => !left.has(partitionOf(change)));
}

function partitionOf(change: EntryChange): string {
  const { topic, partition } = change.action === 'drop' ? change.before.entry : change.after;
  return formatPartitionKey(topic, partition);
}

/** Other archives that come in don't make up for those that are gone: the store may be another one. */
function lostEntries(changes: readonly EntryChange[]): number {
  const added = new Map<string, SegmentEntry[]>();
  for (const change of changes) {
    if (change.action !== 'add') continue;
    const key = formatPartitionKey(change.after.topic, change.after.partition);
    const list = added.get(key);
    if (list === undefined) added.set(key, [change.after]);
    else list.push(change.after);
  }
  const isCovered = ({ topic, partition, minOffset, maxOffset }: SegmentEntry): boolean =>
    (added.get(formatPartitionKey(topic, partition)) ?? []).some(
      (one) => one.minOffset <= minOffset && one.maxOffset >= maxOffset,
    );
  return changes.filter((one) => one.action === 'drop' && !isCovered(one.before.entry)).length;
}

interface Gathered {
  readonly groups: readonly PartitionFacts[];
  readonly drops: readonly EntryChange[];
}

/** Puts entries and archives together, by partition. */
async function gather(input: ReindexInput, deps: ReadDeps): Promise<Gathered> {
  const { index, listing, filter, rebuild } = input;
  const drops: EntryChange[] = [];
  const named = new Set<StoredArchive>();
  const groups = new Map<
    string,
    { present: Present[]; unnamed: StoredArchive[] } & PartitionFacts
  >();
  const groupOf = (topic: string, partition: number) => {
    const key = formatPartitionKey(topic, partition);
    const group = groups.get(key) ?? { topic, partition, present: [], unnamed: [] };
    groups.set(key, group);
    return group;
  };
  const states = index === undefined ? [] : statesOf(index, input.returned);
  const unlisted = new Map<string, StoredArchive>();
  for (const { identity: before, state } of states) {
    const { entry } = before;
    if (filter !== undefined && !filter(entry)) continue;
    // Reported, and left to a person: what it may lead to is not known.
    if (isUnsafeKey(entry.objectStorePath)) continue;
    const stored =
      listing.find(entry.objectStorePath) ??
      unlisted.get(entry.objectStorePath) ??
      (await head(entry, deps));
    if (rebuild && stored !== undefined && listing.find(entry.objectStorePath) === undefined) {
      unlisted.set(entry.objectStorePath, stored);
    }
    if (rebuild || state === 'unread') {
      drops.push({
        action: 'drop',
        before,
        reason: rebuild ? 'not in the store' : 'no server loads it',
      });
    } else if (state === 'skipped') {
      // Its object has a name, and gc knows what to do with both.
      if (stored !== undefined) named.add(stored);
    } else if (stored !== undefined && named.has(stored)) {
      drops.push({ action: 'drop', before, reason: 'another entry names its object' });
    } else {
      if (stored !== undefined) named.add(stored);
      groupOf(entry.topic, entry.partition).present.push({ identity: before, stored });
    }
  }
  for (const stored of [...listing.archives, ...unlisted.values()]) {
    const { topic, partition } = stored.place;
    if (named.has(stored) || (filter !== undefined && !filter({ topic, partition }))) continue;
    groupOf(topic, partition).unnamed.push(stored);
  }
  return { groups: [...groups.values()], drops };
}

/**
 * How a server takes each entry: loads it, skips it for a later one of the same min_offset, or never
 * reads its array. Returned entries are left out: they leave the index by themselves.
 */
function* statesOf(
  index: SegmentIndex,
  returned: readonly ReturnedEntry[],
): Generator<{ identity: RowIdentity; state: 'loaded' | 'skipped' | 'unread' }> {
  const leaving = new Set(returned.map(({ row }) => row));
  const loaded = new Set(index.partitions.flatMap(({ rows }) => [...rows]));
  const skipped = new Set(index.partitions.flatMap(({ shadowed }) => [...shadowed]));
  for (let row = 0; row < index.rowCount; row++) {
    if (leaving.has(row)) continue;
    const state = loaded.has(row) ? 'loaded' : skipped.has(row) ? 'skipped' : 'unread';
    yield { identity: rowIdentity(index, row), state };
  }
}

/** An entry's object may lie outside of what was listed, or be newer than the listing. */
async function head(
  { objectStorePath }: SegmentEntry,
  { store, signal }: ReadDeps,
): Promise<StoredArchive | undefined> {
  const place = parseArchiveKey(objectStorePath);
  if (place === undefined) return undefined;
  const info = await store.head(objectStorePath, { signal });
  return info === undefined ? undefined : { info, place };
}
