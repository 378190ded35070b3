import type { ObjectBody, ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { SegctlError } from '../segctl-error.ts';
import { ArchiveError } from './archive-error.ts';
import { type Archive, openArchive } from './open-archive.ts';
import type { UnpackLimits } from './unpack-archive.ts';

/** An archive and the object that its bytes were. */
export interface OpenedArchive {
  readonly archive: Archive;
  readonly info: ObjectInfo;
}

/** What a second try may cure: the connection broke, or the server wrote the object meanwhile. */
const PASSING = new Set(['body-cut-short', 'object-changed']);
const TRIES = 3;

/** Archives of a store by their keys. */
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
   *
   * Chronik overwrites archives in place, and not atomically: a damaged one is read again when the
   * store has another version of it by then.
   */
  async open(key: string): Promise<OpenedArchive> {
    for (let attempt = 1; ; attempt++) {
      let version: string | undefined;
      try {
        const body = await this.#body(key);
        version = body.info.version;
        return { archive: await openArchive(body, this.#limits), info: body.info };
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (attempt < TRIES && (await this.#isPassing(error, key, version))) continue;
        throw error instanceof ArchiveError ? error.of(key) : error;
      }
    }
  }

  async #body(key: string): Promise<ObjectBody> {
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    try {
      return await this.#store.get(key, options);
    } catch (error) {
      if (error instanceof SegctlError && error.code === 'object-missing')
        throw missing(key, error);
      throw error;
    }
  }

  async #isPassing(error: unknown, key: string, version: string | undefined): Promise<boolean> {
    if (error instanceof ArchiveError && version !== undefined) {
      return (await this.#store.head(key))?.version !== version;
    }
    return error instanceof SegctlError && PASSING.has(error.code);
  }
}

function missing(key: string, cause: SegctlError): SegctlError {
  return new SegctlError('the archive is not in the store', {
    code: 'object-missing',
    exit: 'objectMissing',
    facts: { object: key, ...cause.facts },
    remedy: 'compare index and store with: segctl reindex --check',
    cause,
  });
}
