import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { SegctlError } from '../segctl-error.ts';
import { ArchiveError } from './archive-error.ts';
import { type Archive, openArchive, openWholeArchive } from './open-archive.ts';
import type { UnpackLimits } from './unpack-archive.ts';

export interface ReadOptions extends UnpackLimits {
  readonly signal?: AbortSignal;
  /** Check the checksum of every file and the layout too, not only what the records are read from. */
  readonly whole?: boolean;
}

/**
 * What came of a read. `changing`: the object was another one each time, as happens while the server
 * writes it in place. `unreadable`: the store failed; with `brokeOff` in the midst of a body, each
 * time. `damaged` holds for the object in `info`.
 */
export type ReadOutcome<T> =
  | { readonly status: 'read'; readonly info: ObjectInfo; readonly value: T }
  | { readonly status: 'damaged'; readonly info: ObjectInfo; readonly error: ArchiveError }
  | { readonly status: 'missing' }
  | { readonly status: 'changing' }
  | { readonly status: 'unreadable'; readonly error: SegctlError; readonly brokeOff: boolean };

/** Anything but a read. */
export type FailedRead = Exclude<ReadOutcome<unknown>, { status: 'read' }>;

/** An open archive; whoever gets it closes it. */
export interface OpenArchive {
  readonly status: 'read';
  readonly info: ObjectInfo;
  readonly archive: Archive;
}

const TRIES = 3;
/** What a fresh read may not meet again once a body has begun: it broke off, or stalled. */
const BROKEN_OFF = new Set(['body-cut-short', 'store-timeout', 'store-unreachable']);

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
  let failed: FailedRead = { status: 'changing' };
  for (let attempt = 1; attempt <= TRIES && isPassing(failed); attempt++) {
    const opened = await openOnce(store, key, options);
    if (opened.status !== 'read') {
      failed = opened;
      continue;
    }
    const { archive, info } = opened;
    try {
      return { status: 'read', info, value: await use(archive, info) };
    } catch (error) {
      failed = await failedRead(store, key, options, error, info);
    } finally {
      archive.close();
    }
  }
  return failed;
}

/** The same, with the archive left open. */
export async function openTied(
  store: ObjectStore,
  key: string,
  options: ReadOptions,
): Promise<OpenArchive | FailedRead> {
  let outcome: OpenArchive | FailedRead = { status: 'changing' };
  for (let attempt = 1; attempt <= TRIES && isPassing(outcome); attempt++) {
    outcome = await openOnce(store, key, options);
  }
  return outcome;
}

function isPassing(outcome: OpenArchive | FailedRead): boolean {
  if (outcome.status === 'changing') return true;
  return outcome.status === 'unreadable' && outcome.brokeOff;
}

async function openOnce(
  store: ObjectStore,
  key: string,
  options: ReadOptions,
): Promise<OpenArchive | FailedRead> {
  let info: ObjectInfo | undefined;
  try {
    const body = await store.get(key, callOptions(options));
    info = body.info;
    const open = options.whole === true ? openWholeArchive : openArchive;
    return { status: 'read', info, archive: await open(body, options) };
  } catch (error) {
    return await failedRead(store, key, options, error, info);
  }
}

/** What an error while reading means; throws what is neither the archive's nor the store's. */
async function failedRead(
  store: ObjectStore,
  key: string,
  options: ReadOptions,
  error: unknown,
  info: ObjectInfo | undefined,
): Promise<FailedRead> {
  options.signal?.throwIfAborted();
  const unlessReplaced = async (failed: FailedRead): Promise<FailedRead> => {
    const now = await store.head(key, callOptions(options));
    if (now === undefined) return { status: 'missing' };
    return now.version === info?.version ? failed : { status: 'changing' };
  };
  if (error instanceof ArchiveError && info !== undefined) {
    return await unlessReplaced({ status: 'damaged', info, error });
  }
  if (!(error instanceof SegctlError)) throw error;
  if (error.code === 'object-missing') return { status: 'missing' };
  if (error.code === 'object-changed') return { status: 'changing' };
  // Before there is a body, the store itself has tried again already.
  if (info === undefined || !BROKEN_OFF.has(error.code)) {
    return { status: 'unreadable', error, brokeOff: false };
  }
  return await unlessReplaced({ status: 'unreadable', error, brokeOff: true });
}

function callOptions({ signal }: ReadOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
