import { canonicalKey } from '../../storage/canonical-key.ts';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { type ArchiveKey, parseArchiveKey } from './archive-key.ts';

/** An archive that the store has. */
export interface StoredArchive {
  readonly info: ObjectInfo;
  readonly place: ArchiveKey;
}

/**
 * The archives of a store. Stores that fold keys list `./data/x` as `data/x`, so there an entry's path
 * is looked up canonically. A listing with one key that is not canonical shows that the store keeps
 * keys as they are: then `/data/x` and `./data/x` are two objects.
 */
export class ArchiveListing {
  readonly archives: readonly StoredArchive[];
  readonly #byKey: ReadonlyMap<string, StoredArchive>;
  readonly #byCanonical: ReadonlyMap<string, StoredArchive>;
  readonly #folds: boolean;

  constructor(archives: readonly StoredArchive[]) {
    this.archives = archives;
    this.#byKey = new Map(archives.map((one) => [one.info.key, one]));
    this.#byCanonical = new Map(archives.map((one) => [canonicalKey(one.info.key), one]));
    this.#folds = archives.every(({ info }) => info.key === canonicalKey(info.key));
  }

  find(key: string): StoredArchive | undefined {
    const literal = this.#byKey.get(key);
    if (literal !== undefined || !this.#folds) return literal;
    return this.#byCanonical.get(canonicalKey(key));
  }

  /** The archives that none of `keys` names. */
  unnamed(keys: Iterable<string>): StoredArchive[] {
    const named = new Set<StoredArchive>();
    for (const key of keys) {
      const found = this.find(key);
      if (found !== undefined) named.add(found);
    }
    return this.archives.filter((one) => !named.has(one));
  }

  /** The distinct spellings before `tantivy_indexes/`. */
  roots(): string[] {
    return [...new Set(this.archives.map(({ place }) => place.root))];
  }
}

export interface ListArchivesOptions {
  /** What archives' keys begin with; see archivePrefixes. */
  readonly prefixes: readonly string[];
  readonly signal?: AbortSignal;
  readonly onObject?: () => void;
}

/** Lists below every prefix; what is not an archive's key, tier-2 segments above all, is left out. */
export async function listArchives(
  store: ObjectStore,
  { prefixes, signal, onObject }: ListArchivesOptions,
): Promise<ArchiveListing> {
  const found = new Map<string, StoredArchive>();
  const options = { parallel: 4, ...(signal === undefined ? {} : { signal }) };
  for (const prefix of withoutNested(prefixes)) {
    for await (const info of store.list(prefix, options)) {
      onObject?.();
      const place = parseArchiveKey(info.key);
      if (place !== undefined) found.set(info.key, { info, place });
    }
  }
  return new ArchiveListing([...found.values()].sort(byKey));
}

/** Stores list in orders of their own; reports are the same on all of them. */
function byKey(one: StoredArchive, other: StoredArchive): number {
  const [a, b] = [canonicalKey(one.info.key), canonicalKey(other.info.key)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Of prefixes that begin with another one, only the shorter one. */
function withoutNested(prefixes: readonly string[]): string[] {
  const distinct = [...new Set(prefixes)].sort();
  return distinct.filter(
    (one) => !distinct.some((other) => other !== one && one.startsWith(other)),
  );
}

/**
 * Where this node's archives can be: below the roots that the index's paths have, and below the data
 * dir as spelled. Other nodes of a cluster may keep theirs in the same bucket under other roots, so
 * the whole store is not this node's.
 */
export function archivePrefixes(paths: Iterable<string>, dataDir: string): string[] {
  const roots = new Set([dataDir.endsWith('/') ? dataDir : `${dataDir}/`]);
  for (const path of paths) {
    const place = parseArchiveKey(path);
    if (place !== undefined) roots.add(place.root);
  }
  return [...roots].map((root) => `${root}tantivy_indexes/`);
}
