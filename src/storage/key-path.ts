import { join, sep } from 'node:path';
import { canonicalKey } from './canonical-key.ts';
import { keyEscapesRoot } from './store-errors.ts';

/**
 * The place of a key below a local root, as Chronik's local store maps it: the root, then the key's
 * parts between slashes. A leading slash vanishes and `.` is harmless, so `/data/x` and `./data/x`
 * are both `{root}/data/x`. Chronik lets `..` through; here it is the error `key-escapes-root`, as
 * are NUL and (where it separates folders) the backslash.
 */
export function keyToPath(root: string, storeUrl: string, key: string): string {
  return join(root, ...keyParts(storeUrl, key));
}

/** The parts that name the place; see `keyToPath`. The key `''` or `/` names the root itself: refused. */
export function keyParts(storeUrl: string, key: string): string[] {
  const canonical = canonicalKey(key);
  assertInside(storeUrl, key, canonical);
  if (canonical === '') {
    throw keyEscapesRoot(storeUrl, key, 'it names the root itself');
  }
  return canonical.split('/');
}

/** Refuses what leads out of the root in any key or prefix. */
export function assertInside(storeUrl: string, key: string, canonical: string): void {
  if (key.includes('\0')) {
    throw keyEscapesRoot(storeUrl, key, 'it holds a NUL byte');
  }
  if (canonical.split('/').includes('..')) {
    throw keyEscapesRoot(storeUrl, key, "it has a '..' part");
  }
  if (sep === '\\' && (canonical.includes('\\') || /^[A-Za-z]:/.test(canonical))) {
    throw keyEscapesRoot(storeUrl, key, 'it holds a drive or a backslash');
  }
}

/** Whether the real path `path` is `realRoot` or lies below it. Both without links. */
export function isBelow(realRoot: string, path: string): boolean {
  const rootWithSep = realRoot.endsWith(sep) ? realRoot : realRoot + sep;
  return path === realRoot || path.startsWith(rootWithSep);
}
