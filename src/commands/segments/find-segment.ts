import { SegctlError } from '../../core/segctl-error.ts';
import type { SegmentEntry } from '../../core/segment-index/segment-entry.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';

/** So many candidates are named when a name fits several entries. */
const NAMED = 5;

/**
 * The entry that `name` means: a segment id, or an object store path, since ids can be ambiguous (a
 * recreated topic has them twice). Throws `segment-not-found` or `segment-ambiguous`.
 */
export function findSegment(index: SegmentIndex, name: string): SegmentEntry {
  const rows: number[] = [];
  for (let row = 0; row < index.rowCount; row++) {
    if (index.segmentId(row) === name || index.objectStorePath(row) === name) rows.push(row);
  }
  const [row] = rows;
  if (row === undefined) {
    throw new SegctlError(`the index has no segment ${name}`, {
      code: 'segment-not-found',
      facts: { segment: name, index: index.origin.name },
      remedy: 'name it as `segctl segments ls` does, by its id or its object store path',
    });
  }
  if (rows.length > 1) {
    const paths = [...new Set(rows.map((one) => index.objectStorePath(one)))];
    if (paths.length > 1) throw ambiguous(name, paths);
  }
  return index.entry(row);
}

function ambiguous(name: string, paths: readonly string[]): SegctlError {
  return new SegctlError(`${paths.length} segments are called ${name}`, {
    code: 'segment-ambiguous',
    exit: 'usage',
    facts: Object.fromEntries(paths.slice(0, NAMED).map((path, i) => [`path${i + 1}`, path])),
    remedy: 'name the one that is meant by its object store path',
  });
}
