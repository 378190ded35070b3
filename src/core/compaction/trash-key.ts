import { canonicalKey } from '../../storage/canonical-key.ts';
import { SegctlError } from '../segctl-error.ts';

/** Where objects wait for the end of their grace, inside the store's root. */
export const TRASH_PREFIX = '.segctl-trash/';

/** Whether a key of a listing is in the trash: no archive, to whatever lists the store. */
export function isTrashKey(key: string): boolean {
  return canonicalKey(key).startsWith(TRASH_PREFIX);
}

/** All trash of one run. */
export function trashPrefixOf(runId: string): string {
  return `${TRASH_PREFIX}${runId}/`;
}

/** The run that put an object into the trash, undefined where the key is not in the trash. */
export function runOfTrashKey(key: string): string | undefined {
  const canonical = canonicalKey(key);
  if (!canonical.startsWith(TRASH_PREFIX)) return undefined;
  return canonical.slice(TRASH_PREFIX.length).split('/')[0];
}

/**
 * Gives out places in a run's trash: `.segctl-trash/RUN/KEY` with the key in its canonical form, as
 * some S3 servers refuse `.` and empty parts. Keys that become equal by that get their own folder.
 */
export class TrashPlaces {
  readonly #runId: string;
  readonly #taken = new Set<string>();

  constructor(runId: string) {
    this.#runId = runId;
  }

  place(key: string): string {
    let place = `${trashPrefixOf(this.#runId)}${canonicalKey(key)}`;
    for (let i = 2; this.#taken.has(place); i++) {
      place = `${trashPrefixOf(this.#runId)}~${i}/${canonicalKey(key)}`;
    }
    this.#taken.add(place);
    return place;
  }
}

/**
 * Refuses keys that must never be deleted as archives: what leads out of the store, the store's own
 * root, the trash, and tier-2 raw segments, which hold data that consumers still read.
 */
export function assertDeletable(storeUrl: string, key: string): void {
  const parts = key.split('/');
  const canonical = canonicalKey(key);
  const why = parts.includes('..')
    ? "it has a '..' part and leads out of the store"
    : canonical === '' || key.includes('\0')
      ? 'it names no object'
      : isTrashKey(key)
        ? "it lies in segctl's own trash"
        : canonical.endsWith('.segment')
          ? 'it is a raw segment, which consumers still read, and no archive'
          : undefined;
  if (why === undefined) return;
  throw new SegctlError(`refusing to delete an object: ${why}`, {
    code: parts.includes('..') ? 'key-escapes-root' : 'not-an-archive',
    exit: 'refused',
    facts: { store: storeUrl, key: JSON.stringify(key) },
    remedy:
      'nothing was changed; correct the index entry that has this object_store_path, or rebuild it: segctl reindex --check',
  });
}
