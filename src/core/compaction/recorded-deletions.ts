import { createHash } from 'node:crypto';
import { canonicalKey } from '../../storage/canonical-key.ts';
import { formatEntry } from '../segment-index/entry-format.ts';
import { formatPartitionKey, type TopicPartition } from '../segment-index/partition-key.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import type { ObjectOutcome, OffsetCover, RunCommand } from './journal-record.ts';
import type { RecordedRun } from './recorded-run.ts';

/** Offsets that runs deleted. */
export interface DeletedRange extends OffsetCover {
  /** The first and the last run that deleted something of it; the same one unless condensed. */
  readonly firstRun: string;
  readonly lastRun: string;
  readonly command: RunCommand;
  /** Epoch ms of the last run. */
  readonly atMs: number;
  /** Null where several segments were condensed into one range. */
  readonly segmentId: string | null;
  /** Null where several were condensed, or there was no entry. */
  readonly objectStorePath: string | null;
  /** Epoch ms until which the objects wait in the trash; null where they are gone or were kept. */
  readonly inTrashUntilMs: number | null;
  /** Whether undo can bring it back: its object is in the trash, or was never touched. */
  readonly undoable: boolean;
}

/** An entry that a run took out of the index, and what it did with its object. */
export interface DeletedEntry {
  /** See entryPrint. */
  readonly print: string;
  readonly minOffset: bigint;
  readonly runId: string;
  /** Whether the run left the object in the store, or never got to it. */
  readonly objectLeft: boolean;
}

/** An object that a run was to delete or whose entry it removed, by its canonical key. */
export interface DeletedObject {
  readonly runId: string;
  readonly atMs: number;
  /** Null where the run kept objects, or the object was missing already. */
  readonly version: string | null;
  readonly outcome: 'gone' | 'left';
}

/** Equal for entries that are equal in all twelve fields: 128 bits of SHA-256, base64url. */
export function entryPrint(entry: SegmentEntry): string {
  return createHash('sha256').update(formatEntry(entry)).digest('base64url').slice(0, 22);
}

/**
 * What recorded runs deleted, by partition. Runs that were undone count only for what did not come
 * back. Memory grows with the journals it is fed; `compact` condenses those (see history.ts).
 */
export class RecordedDeletions {
  readonly #partitions = new Map<string, PartitionDeletions>();
  readonly #objects = new Map<string, DeletedObject>();
  readonly #only: string | undefined;

  /** With `only`, all other partitions are passed over. */
  constructor(only?: TopicPartition) {
    this.#only = only === undefined ? undefined : formatPartitionKey(only.topic, only.partition);
  }

  /** Takes in a run, which must not have been taken in before. Runs come oldest first. */
  addRun(run: RecordedRun): void {
    const { command } = run.begin;
    // Without the index step nothing was changed; undo and purge delete no data of their own.
    if (run.index === undefined || command === 'undo' || command === 'purge') return;
    const restored = new Set(run.undone?.restored ?? []);
    const objects = new Map(run.objects.map((object) => [canonicalKey(object.key), object]));
    // A repair deletes no records: the entries it takes out had no object, or come back put right.
    for (const removal of command === 'reindex' ? [] : run.removals) {
      if (restored.has(removal.n)) continue;
      const { entry } = removal;
      const object = objects.get(canonicalKey(entry.objectStorePath));
      const outcome = object === undefined ? undefined : run.outcome(object);
      const gone = outcome === 'deleted' || outcome === 'missing' || outcome === 'trashed';
      const range = this.#rangeOf(run, entry, entry, outcome);
      const deleted = {
        print: entryPrint(entry),
        minOffset: entry.minOffset,
        runId: run.id,
        objectLeft: !gone,
      };
      this.addEntry(entry, run.begin.entries === 'keep' ? undefined : deleted, range);
      this.#noteObject(entry.objectStorePath, run, object?.version ?? null, gone);
    }
    // What a repair put into the index on purpose is there rightly, whoever had deleted it before.
    for (const { entry } of run.undone === undefined ? run.additions : []) {
      const name = formatPartitionKey(entry.topic, entry.partition);
      this.#partitions.get(name)?.entries.delete(entryPrint(entry));
    }
    for (const object of run.objects) {
      const outcome = run.outcome(object);
      const gone = outcome === 'deleted' || outcome === 'missing' || outcome === 'trashed';
      this.#noteObject(object.key, run, object.version, gone);
      if (object.covers === null || !gone || run.undone?.complete === true) continue;
      const range = this.#rangeOf(run, object.covers, null, outcome);
      this.addEntry(object.covers, undefined, range);
    }
  }

  addEntry(where: TopicPartition, entry: DeletedEntry | undefined, range?: DeletedRange): void {
    const name = formatPartitionKey(where.topic, where.partition);
    if (this.#only !== undefined && this.#only !== name) return;
    let deletions = this.#partitions.get(name);
    if (deletions === undefined) {
      const { topic, partition } = where;
      deletions = { topic, partition, entries: new Map(), ranges: [] };
      this.#partitions.set(name, deletions);
    }
    if (entry !== undefined) deletions.entries.set(entry.print, entry);
    if (range !== undefined) deletions.ranges.push(range);
  }

  get partitions(): Iterable<PartitionDeletions> {
    return this.#partitions.values();
  }

  /** Ranges of one partition in the order of their runs; they may overlap. */
  ranges(topic: string, partition: number): readonly DeletedRange[] {
    return this.#partitions.get(formatPartitionKey(topic, partition))?.ranges ?? [];
  }

  /** The latest run that deleted this offset, undefined where none did. */
  rangeAt(topic: string, partition: number, offset: bigint): DeletedRange | undefined {
    return this.ranges(topic, partition).findLast(
      ({ minOffset, maxOffset }) => minOffset <= offset && offset <= maxOffset,
    );
  }

  /**
   * What a run did to the object under this key. `left` with an equal version is an object whose
   * entry was deleted on purpose: a rebuild of the index must not bring it back.
   */
  object(key: string): DeletedObject | undefined {
    return this.#objects.get(canonicalKey(key));
  }

  /** Whether a run took this very entry (equal in all fields) out of the index. */
  deletedEntry(entry: SegmentEntry): DeletedEntry | undefined {
    const name = formatPartitionKey(entry.topic, entry.partition);
    return this.#partitions.get(name)?.entries.get(entryPrint(entry));
  }

  #rangeOf(
    run: RecordedRun,
    { topic, partition, minOffset, maxOffset }: OffsetCover,
    entry: SegmentEntry | null,
    outcome: ObjectOutcome | undefined,
  ): DeletedRange {
    const inTrash = outcome === 'trashed' && run.purged === undefined;
    return {
      topic,
      partition,
      minOffset,
      maxOffset,
      firstRun: run.id,
      lastRun: run.id,
      command: run.begin.command,
      atMs: run.begin.startedAtMs,
      segmentId: entry?.segmentId ?? null,
      objectStorePath: entry?.objectStorePath ?? null,
      inTrashUntilMs: inTrash ? run.begin.graceUntilMs : null,
      undoable: inTrash || (outcome !== 'deleted' && outcome !== 'trashed'),
    };
  }

  #noteObject(key: string, run: RecordedRun, version: string | null, gone: boolean): void {
    if (this.#only !== undefined) return;
    const atMs = run.begin.startedAtMs;
    const outcome = gone ? 'gone' : 'left';
    this.#objects.set(canonicalKey(key), { runId: run.id, atMs, version, outcome });
  }
}

export interface PartitionDeletions extends TopicPartition {
  /** By their prints; a later run's deletion of the same entry counts. */
  readonly entries: Map<string, DeletedEntry>;
  readonly ranges: DeletedRange[];
}
