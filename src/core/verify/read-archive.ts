import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { ArchiveError } from '../archive/archive-error.ts';
import { type Archive, openArchive, openWholeArchive } from '../archive/open-archive.ts';
import type { UnpackLimits } from '../archive/unpack-archive.ts';
import { SegctlError } from '../segctl-error.ts';

export interface ReadOptions extends UnpackLimits {
  readonly signal?: AbortSignal;
  /** Check the checksum of every file and the layout too, not only what the records are read from. */
  readonly whole?: boolean;
}

/**
 * What came of a read. `changing`: the object was another one each time, as happens while the server
 * writes it in place. `unreadable`: the store failed. `damaged` holds for the object in `info`.
 */
export type ReadOutcome<T> =
  | { readonly status: 'read'; readonly info: ObjectInfo; readonly value: T }
  | { readonly status: 'damaged'; readonly info: ObjectInfo; readonly error: ArchiveError }
  | { readonly status: 'missing' }
  | { readonly status: 'changing' }
  | { readonly status: 'unreadable'; readonly error: SegctlError };

const TRIES = 3;
/** What a fresh read may not meet again: the body broke off, or another object is there now. */
const PASSING = new Set(['body-cut-short', 'object-changed']);

/**
 * Reads one archive and gives it to `use`, tied to one identity of the object: when it changed
 * meanwhile, everything is done again from the start, `use` included. Damage is believed only when
 * the same version is still there afterwards, since Chronik writes archives in place and in pieces.
 */
export async function readArchive<T>(
  store: ObjectStore,
  key: string,
  options: ReadOptions,
  use: (archive: Archive, info: ObjectInfo) => Promise<T>,
): Promise<ReadOutcome<T>> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const outcome = await readOnce(store, key, options, use);
    if (outcome.status !== 'changing') return outcome;
  }
  return { status: 'changing' };
}

async function readOnce<T>(
  store: ObjectStore,
  key: string,
  options: ReadOptions,
  use: (archive: Archive, info: ObjectInfo) => Promise<T>,
): Promise<ReadOutcome<T>> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  let info: ObjectInfo | undefined;
  try {
    const body = await store.get(key, call);
    info = body.info;
    const open = options.whole === true ? openWholeArchive : openArchive;
    const archive = await open(body, options);
    try {
      return { status: 'read', info, value: await use(archive, info) };
    } finally {
      archive.close();
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof ArchiveError && info !== undefined) {
      const now = await store.head(key, call);
      if (now === undefined) return { status: 'missing' };
      if (now.version !== info.version) return { status: 'changing' };
      return { status: 'damaged', info, error };
    }
    if (!(error instanceof SegctlError)) throw error;
    if (error.code === 'object-missing') return { status: 'missing' };
    if (PASSING.has(error.code)) return { status: 'changing' };
    return { status: 'unreadable', error };
  }
}
