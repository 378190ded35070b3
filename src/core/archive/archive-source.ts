import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { SegctlError } from '../segctl-error.ts';
import type { Archive } from './open-archive.ts';
import { openTied } from './read-archive.ts';
import type { UnpackLimits } from './unpack-archive.ts';

/** An archive and the object that its bytes were. */
export interface OpenedArchive {
  readonly archive: Archive;
  readonly info: ObjectInfo;
}

/** Archives of a store by their keys, for those who need the archive or an error. */
export class ArchiveSource {
  readonly #store: ObjectStore;
  readonly #limits: UnpackLimits;
  readonly #signal: AbortSignal | undefined;

  constructor(store: ObjectStore, limits: UnpackLimits, signal?: AbortSignal) {
    this.#store = store;
    this.#limits = limits;
    this.#signal = signal;
  }

  /**
   * Reads one archive whole and opens it. Throws ArchiveError with the key among its facts;
   * `object-missing` with exit objectMissing; and other store errors as they are.
   */
  async open(key: string): Promise<OpenedArchive> {
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    const outcome = await openTied(this.#store, key, { ...this.#limits, ...signal });
    switch (outcome.status) {
      case 'read':
        return outcome;
      case 'damaged':
        throw outcome.error.of(key);
      case 'missing':
        throw missing(key);
      case 'changing':
        throw changing(key);
      case 'unreadable':
        throw outcome.error;
    }
  }
}

function missing(key: string): SegctlError {
  return new SegctlError('the archive is not in the store', {
    code: 'object-missing',
    exit: 'objectMissing',
    facts: { object: key },
    remedy: 'compare index and store with: segctl reindex --check',
  });
}

function changing(key: string): SegctlError {
  return new SegctlError('the archive is being written over and over', {
    code: 'object-changing',
    exit: 'archiveDamaged',
    facts: { object: key },
    remedy: 'a server may be archiving this partition right now: try again in a minute',
  });
}
