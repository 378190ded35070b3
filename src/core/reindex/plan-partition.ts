import { type Finding, type FindingId, finding, type Subject } from '../findings.ts';
import type { Member } from '../gc/member.ts';
import { proveSuperseded } from '../gc/prove-superseded.ts';
import type { Fact } from '../segctl-error.ts';
import { sameEntry } from '../segment-index/entry-format.ts';
import type { RowIdentity } from '../segment-index/index-edit.ts';
import { formatPartitionKey } from '../segment-index/partition-key.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import { entrySubject, objectFindings, scanFindings, told } from '../verify/entry-findings.ts';
import type { StoredArchive } from '../verify/listing.ts';
import { type PlacedEntry, partitionFindings } from '../verify/partition-findings.ts';
import type { ScannedArchive } from '../verify/scan-archive.ts';
import { archiveEntry, correctedEntry } from './archive-entry.ts';
import { deletedRuns, wasDeleted } from './deleted-runs.ts';
import type { EntryChange } from './entry-change.ts';
import { noteDamage, noteScan, type ReadDeps, readUnknown } from './read-all.ts';
import type { ReindexInput } from './reindex-plan.ts';

/** An entry of the present index that a server would load, and its object. */
export interface Present {
  readonly identity: RowIdentity;
  readonly stored: StoredArchive | undefined;
}

/** What there is of one partition: entries, and archives that no entry names. */
export interface PartitionFacts {
  readonly topic: string;
  readonly partition: number;
  readonly present: readonly Present[];
  readonly unnamed: readonly StoredArchive[];
}

export interface PartitionResult {
  readonly changes: EntryChange[];
  readonly findings: Finding[];
  superseded: number;
}

interface Kept extends PlacedEntry {
  readonly identity: RowIdentity;
  readonly stored: StoredArchive;
}

type Held = ReadonlyMap<StoredArchive, StoredArchive>;

/** Decides on the entries of one partition. */
export async function planPartition(
  facts: PartitionFacts,
  input: ReindexInput,
  deps: ReadDeps,
): Promise<PartitionResult> {
  return await new PartitionPlanner(facts, input, deps).plan();
}

class PartitionPlanner {
  readonly #facts: PartitionFacts;
  readonly #input: ReindexInput;
  readonly #deps: ReadDeps;
  readonly #result: PartitionResult = { changes: [], findings: [], superseded: 0 };

  constructor(facts: PartitionFacts, input: ReindexInput, deps: ReadDeps) {
    this.#facts = facts;
    this.#input = input;
    this.#deps = deps;
  }

  async plan(): Promise<PartitionResult> {
    const { topic, partition, present, unnamed } = this.#facts;
    const held = await this.#proveHeld();
    const adding = unnamed.filter((one) => !held.has(one) && !this.#wasDeleted(one));
    const reading = [...present.flatMap((one) => one.stored ?? []), ...adding];
    this.#result.findings.push(...(await readUnknown(reading, this.#deps)));
    this.#reportUnnamed(held);
    const kept = present.flatMap((one) => this.#judgePresent(one));
    const additions = this.#chooseAdditions(adding, kept, held);
    const staying = this.#giveWay(kept, additions, held);
    const final = [...staying, ...additions.values()].sort((a, b) =>
      a.entry.minOffset < b.entry.minOffset ? -1 : 1,
    );
    const deleted = deletedRuns(this.#input.deletions, topic, partition);
    this.#result.findings.push(...partitionFindings(final, deleted));
    return this.#result;
  }

  /** Archives that another one holds all records of, each with that other one. */
  async #proveHeld(): Promise<Map<StoredArchive, StoredArchive>> {
    const { present, unnamed } = this.#facts;
    if (unnamed.length === 0) return new Map();
    const held = this.#knownHeld();
    const named = new Set(present.flatMap((one) => one.stored ?? []));
    const members = [...named, ...unnamed]
      .filter((one) => !held.has(one))
      .map((stored) => this.#neutralMember(stored, named.has(stored)));
    const { store, limits, signal, onRead } = this.#deps;
    const proofs = await proveSuperseded(members, {
      store,
      limits,
      signal,
      onScan: (_, info, scan) => noteScan(info, scan, this.#deps),
      onDamaged: (_, info, error) => noteDamage(info, error, this.#deps),
      ...(onRead === undefined ? {} : { onRead }),
    });
    for (const { member, keeper, keeperInfo } of proofs) {
      held.set(member.stored, keeper.stored);
      const { key, version } = keeperInfo;
      const row = this.#deps.ledger.find(member.stored.info);
      if (row !== undefined) await this.#deps.ledger.put({ ...row, heldBy: { key, version } });
    }
    return held;
  }

  /** Neutral: which archives an index should name is what is to be found out. */
  #neutralMember(stored: StoredArchive, isNamed: boolean): Member {
    const stats = this.#deps.ledger.find(stored.info)?.scanned?.stats;
    return {
      stored,
      standing: 'unnamed',
      preferred: isNamed,
      entries: [],
      ...(stats === undefined ? {} : { stats, documents: stats.records }),
    };
  }

  /** What an earlier run proved, of objects that are the same still. */
  #knownHeld(): Map<StoredArchive, StoredArchive> {
    const known = new Map<StoredArchive, StoredArchive>();
    for (const one of this.#facts.unnamed) {
      const heldBy = this.#deps.ledger.find(one.info)?.heldBy;
      const keeper = heldBy === undefined ? undefined : this.#input.listing.find(heldBy.key);
      if (keeper !== undefined && keeper.info.version === heldBy?.version) known.set(one, keeper);
    }
    // A keeper that is held in turn keeps nothing by itself; what it held is proven anew.
    const chained = [...known].filter(([, keeper]) => known.has(keeper));
    for (const [one] of chained) known.delete(one);
    return known;
  }

  #wasDeleted(stored: StoredArchive): boolean {
    return wasDeleted(stored, this.#input.deletions, this.#deps.ledger);
  }

  #found(id: FindingId, subject: Subject, facts: Readonly<Record<string, Fact>> = {}): void {
    this.#result.findings.push(finding(id, subject, facts));
  }

  #reportUnnamed(held: Held): void {
    for (const stored of this.#facts.unnamed) {
      const { info } = stored;
      const keeper = held.get(stored);
      if (keeper !== undefined) {
        this.#result.superseded++;
        const facts = { sizeBytes: info.sizeBytes, heldBy: keeper.info.key };
        this.#found('object-superseded', subjectOf(stored), facts);
      } else if (this.#wasDeleted(stored)) {
        this.#found('object-of-deleted', subjectOf(stored), { sizeBytes: info.sizeBytes });
      }
    }
  }

  #judgePresent({ identity, stored }: Present): Kept[] {
    const { entry } = identity;
    if (stored === undefined) {
      this.#result.findings.push(...objectFindings(entry, undefined));
      this.#result.changes.push({ action: 'drop', before: identity, reason: 'its object is gone' });
      return [];
    }
    const row = this.#deps.ledger.find(stored.info);
    if (row === undefined) return [{ identity, stored, entry }];
    this.#result.findings.push(...told(row.problems, entrySubject(entry)));
    const { scanned } = row;
    // A damaged archive says nothing about its entry.
    if (scanned === undefined) return [{ identity, stored, entry }];
    this.#result.findings.push(
      ...objectFindings(entry, stored.info),
      ...scanFindings(entry, scanned),
    );
    const right = isMisplaced(scanned, stored)
      ? entry
      : (correctedEntry(entry, scanned, stored.info.sizeBytes) ?? entry);
    return [{ identity, stored, entry: right, runs: scanned.stats.runs }];
  }

  /** Of several archives that begin at one offset a server keeps one: the one written last. */
  #chooseAdditions(
    adding: readonly StoredArchive[],
    kept: readonly Kept[],
    held: Held,
  ): Map<bigint, PlacedEntry & { readonly stored: StoredArchive }> {
    const chosen = new Map<bigint, PlacedEntry & { readonly stored: StoredArchive }>();
    const standing = new Map(kept.map((one) => [one.entry.minOffset, one]));
    for (const stored of [...adding].sort((a, b) => this.#byCreation(a, b))) {
      const { info } = stored;
      const row = this.#deps.ledger.find(info);
      if (row === undefined || this.#wasDeleted(stored)) continue;
      const { scanned } = row;
      const entry =
        scanned === undefined || isMisplaced(scanned, stored)
          ? undefined
          : archiveEntry(scanned, this.#input.spelling.of(info.key), info.sizeBytes);
      if (!this.#input.rebuild || entry === undefined) {
        this.#found('object-not-in-index', subjectOf(stored), { sizeBytes: info.sizeBytes });
      }
      this.#result.findings.push(...told(row.problems, subjectOf(stored)));
      if (entry === undefined) continue;
      const { minOffset } = entry;
      const other = standing.get(minOffset);
      const isInTheWay = other !== undefined && held.get(other.stored) !== stored;
      const winner = chosen.get(minOffset)?.entry ?? (isInTheWay ? other.entry : undefined);
      if (winner !== undefined) {
        this.#found('entry-skipped', entrySubject(entry), { keptInstead: winner.segmentId });
        continue;
      }
      chosen.set(minOffset, { entry, stored, runs: scanned?.stats.runs });
      this.#result.changes.push({
        action: 'add',
        after: entry,
        reason: 'its archive is in the store',
      });
    }
    return chosen;
  }

  /**
   * An entry that stands goes only for an archive that begins where it does and holds all of its
   * records; the others stay, put right.
   */
  #giveWay(
    kept: readonly Kept[],
    additions: ReadonlyMap<bigint, { readonly stored: StoredArchive }>,
    held: Held,
  ): Kept[] {
    return kept.filter(({ identity, entry, stored }) => {
      const addition = additions.get(entry.minOffset)?.stored;
      if (addition !== undefined && held.get(stored) === addition) {
        const reason = 'an archive that is added holds all of its records';
        this.#result.changes.push({ action: 'drop', before: identity, reason });
        return false;
      }
      const isUnderItsKey = identity.key === formatPartitionKey(entry.topic, entry.partition);
      if (!isUnderItsKey || !sameEntry(identity.entry, entry)) this.#correct(identity, entry);
      return true;
    });
  }

  #correct(before: RowIdentity, after: SegmentEntry): void {
    const reason = 'as its archive says';
    this.#result.changes.push({ action: 'correct', before, after, reason });
  }

  /** Newest first. */
  #byCreation(a: StoredArchive, b: StoredArchive): number {
    const createdAt = ({ info }: StoredArchive): bigint =>
      this.#deps.ledger.find(info)?.scanned?.createdAtSeconds ?? 0n;
    const [x, y] = [createdAt(a), createdAt(b)];
    if (x !== y) return x > y ? -1 : 1;
    if (a.info.sizeBytes !== b.info.sizeBytes) return b.info.sizeBytes - a.info.sizeBytes;
    return a.info.key < b.info.key ? -1 : 1;
  }
}

function subjectOf({ info, place }: StoredArchive): Subject {
  return { topic: place.topic, partition: place.partition, objectStorePath: info.key };
}

function isMisplaced(scanned: ScannedArchive, { place }: StoredArchive): boolean {
  return scanned.topic !== place.topic || scanned.partition !== place.partition;
}
