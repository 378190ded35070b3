import { canonicalKey } from '../../storage/canonical-key.ts';
import { parseArchiveKey } from '../verify/archive-key.ts';

/**
 * How the server would spell the path of an archive: as its data dir was spelled. A listing of a
 * store that folds keys has lost that spelling (`data/...` for `./data/...` and for `/data/...`).
 */
export class PathSpelling {
  readonly #byRoot = new Map<string, string>();
  readonly #dataDir: string;

  /** `paths` are those of the index, whose spelling is the server's own. */
  constructor(paths: Iterable<string>, dataDir: string) {
    this.#dataDir = dataDir;
    for (const path of paths) {
      const place = parseArchiveKey(path);
      if (place !== undefined) this.#byRoot.set(canonicalKey(place.root), place.root);
    }
  }

  /** The path to write for a key of a listing. */
  of(key: string): string {
    const place = parseArchiveKey(key);
    if (place === undefined) return key;
    return `${this.#rootOf(place.root)}${key.slice(place.root.length)}`;
  }

  #rootOf(root: string): string {
    const canonical = canonicalKey(root);
    // A store that keeps keys as they are has the server's own spelling.
    if (root !== (canonical === '' ? '' : `${canonical}/`)) return root;
    const known = this.#byRoot.get(canonical);
    if (known !== undefined) return known;
    const dataDir = this.#dataDir.replace(/\/+$/, '');
    if (canonicalKey(dataDir) === canonical) return `${dataDir}/`;
    // A single name is a folder that the server was started beside, as with its default `./data`;
    // a longer one can only have been an absolute path.
    return canonical.includes('/') ? `/${canonical}/` : `./${root}`;
  }
}
