import { describe, expect, test } from 'vitest';
import { PathSpelling } from '../../../src/core/reindex/path-spelling.ts';

const TAIL = 'tantivy_indexes/orders/partition-0/segment-0-9.tar.gz';

describe('an archive found in a listing gets the path that the server would have written', () => {
  test.each([
    { listed: `data/${TAIL}`, index: [`./data/${TAIL}`], dataDir: '/data', path: `./data/${TAIL}` },
    { listed: `data/${TAIL}`, index: [`/data/${TAIL}`], dataDir: './data', path: `/data/${TAIL}` },
    { listed: `data/${TAIL}`, index: [], dataDir: '/data', path: `/data/${TAIL}` },
    { listed: `data/${TAIL}`, index: [], dataDir: './data/', path: `./data/${TAIL}` },
    { listed: `data/${TAIL}`, index: [], dataDir: 'data', path: `data/${TAIL}` },
    { listed: `data/${TAIL}`, index: [], dataDir: '/mnt/copy', path: `./data/${TAIL}` },
    { listed: `var/lib/c/${TAIL}`, index: [], dataDir: '/mnt', path: `/var/lib/c/${TAIL}` },
    // A store that keeps keys as they are has the spelling itself.
    { listed: `./data/${TAIL}`, index: [], dataDir: '/data', path: `./data/${TAIL}` },
    { listed: `/data/${TAIL}`, index: [], dataDir: './data', path: `/data/${TAIL}` },
  ])('$listed with --data-dir $dataDir: $path', ({ listed, index, dataDir, path }) => {
    expect(new PathSpelling(index, dataDir).of(listed)).toBe(path);
  });
});
