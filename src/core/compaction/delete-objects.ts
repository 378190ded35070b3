import pMap from 'p-map';
import type { ObjectInfo } from '../../storage/object-store.ts';
import type { Engine } from './engine.ts';
import type { ObjectOutcome, ObjectRecord } from './journal-record.ts';
import { referencedObjects } from './references.ts';
import type { RunJournal } from './run-journal.ts';
import { surveyObjects } from './survey.ts';
import { moveToTrash } from './trash-move.ts';

/** One DeleteObjects request of S3 takes so many; the journal is synced after each batch. */
const BATCH_OBJECTS = 1000;
const MOVES_AT_ONCE = 8;

interface Judged {
  readonly object: ObjectRecord;
  readonly info: ObjectInfo;
}

/**
 * Deals with the run's objects that no earlier pass has dealt with. An object goes only if no entry
 * of the index names it and it is the very version that was there when the intent was written; that
 * matters most to a run that is finished hours after a crash. Failures of single objects are
 * outcomes; what stops everything (abort, no such bucket) throws.
 *
 * `indexDigest` is what the index should still be; gives false where somebody wrote it meanwhile.
 */
export async function deleteObjects(
  engine: Engine,
  journal: RunJournal,
  indexDigest: string | undefined,
): Promise<boolean> {
  const { run } = journal;
  const pending = run.pendingObjects();
  if (pending.length === 0) return true;
  let unchanged = true;
  let referenced: ReadonlyMap<number, string> = new Map();
  // What purge deletes lies in the trash, where no entry of an index leads.
  if (run.begin.command !== 'purge') {
    referenced = await engine.index.read(async (index) => {
      unchanged = indexDigest === undefined || index.origin.digest === indexDigest;
      return await referencedObjects(index, engine.store, run.removals, pending);
    });
  }
  for (let at = 0; at < pending.length; at += BATCH_OBJECTS) {
    engine.signal.throwIfAborted();
    const batch = new Batch(engine, journal);
    const judged = await batch.judge(pending.slice(at, at + BATCH_OBJECTS), referenced);
    try {
      await batch.remove(judged);
    } finally {
      // Also when the batch was stopped: what was deleted is known then.
      await journal.sync();
    }
    engine.onProgress?.(Math.min(at + BATCH_OBJECTS, pending.length), pending.length);
  }
  return unchanged;
}

class Batch {
  readonly #engine: Engine;
  readonly #journal: RunJournal;

  constructor(engine: Engine, journal: RunJournal) {
    this.#engine = engine;
    this.#journal = journal;
  }

  /** Notes the outcome of objects that stay or are gone; gives those to delete. */
  async judge(
    objects: readonly ObjectRecord[],
    referenced: ReadonlyMap<number, string>,
  ): Promise<Judged[]> {
    const keys = objects.map(({ key }) => key);
    const found = await surveyObjects(this.#engine.store, keys, this.#engine.signal);
    const judged: Judged[] = [];
    for (const object of objects) {
      const info = found.get(object.key);
      const sharer = referenced.get(object.n);
      if (sharer !== undefined) {
        await this.#note(object, 'referenced', 0, `segment ${sharer} names it too`);
      } else if (info === undefined) {
        await this.#noteMissing(object);
      } else if (info.version !== object.version) {
        await this.#note(object, 'changed', 0, 'somebody wrote it anew');
      } else {
        judged.push({ object, info: { ...info, key: object.key } });
      }
    }
    return judged;
  }

  async remove(judged: readonly Judged[]): Promise<void> {
    const moved = judged.filter(({ object }) => object.trashKey !== null);
    await pMap(moved, (one) => this.#move(one), { concurrency: MOVES_AT_ONCE });
    const byKey = new Map(
      judged.flatMap((one) => (one.object.trashKey === null ? [[one.object.key, one]] : [])),
    );
    if (byKey.size === 0) return;
    const { store, signal } = this.#engine;
    for await (const result of store.deleteMany(byKey.keys(), { signal })) {
      const one = byKey.get(result.key);
      if (one === undefined) continue;
      if (result.outcome === 'failed') {
        await this.#note(one.object, 'failed', 0, result.error.message);
      } else {
        const bytes = result.outcome === 'deleted' ? one.info.sizeBytes : 0;
        await this.#note(one.object, result.outcome, bytes, null);
      }
    }
  }

  async #move({ object, info }: Judged): Promise<void> {
    const { store, signal } = this.#engine;
    signal.throwIfAborted();
    try {
      const outcome = await moveToTrash(store, info, object.trashKey ?? '', signal);
      await this.#note(object, outcome, outcome === 'trashed' ? info.sizeBytes : 0, null);
    } catch (error) {
      signal.throwIfAborted();
      await this.#note(object, 'failed', 0, error instanceof Error ? error.message : String(error));
    }
  }

  /** A crash can have come between the move and its note: then the copy is in the trash. */
  async #noteMissing(object: ObjectRecord): Promise<void> {
    if (object.trashKey === null) return await this.#note(object, 'missing', 0, null);
    const copy = await this.#engine.store.head(object.trashKey);
    if (copy !== undefined && copy.sizeBytes === object.sizeBytes) {
      return await this.#note(object, 'trashed', copy.sizeBytes, null);
    }
    return await this.#note(object, 'missing', 0, null);
  }

  async #note(
    object: ObjectRecord,
    outcome: ObjectOutcome,
    sizeBytes: number,
    error: string | null,
  ): Promise<void> {
    const { log } = this.#engine;
    const facts = {
      run: this.#journal.run.id,
      key: object.key,
      ...(object.segmentId === null ? {} : { segment: object.segmentId }),
    };
    switch (outcome) {
      case 'deleted':
        log.info('deleted object', { ...facts, bytes: sizeBytes });
        break;
      case 'trashed':
        log.info('moved object to the trash', { ...facts, bytes: sizeBytes });
        break;
      case 'missing':
        log.info('object was gone already', facts);
        break;
      case 'failed':
        log.warn('object could not be deleted', { ...facts, error });
        break;
      default:
        log.warn('object kept', { ...facts, why: error });
    }
    await this.#journal.note({ type: 'outcome', n: object.n, outcome, sizeBytes, error });
  }
}
