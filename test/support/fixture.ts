import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** The data of a real node, Chronik 2.10.4 with a local store: see test/fixtures/README.md. */
export const FIXTURE = fileURLToPath(new URL('../fixtures/chronik-2.10.4-local', import.meta.url));
export const FIXTURE_DATA = join(FIXTURE, 'data');
const ARCHIVES = join(FIXTURE_DATA, 'segments/data/tantivy_indexes');

/** One archived record as an independent reader (tantivy-py) saw it; bytes are hex or null. */
export interface ExpectedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
  readonly control: boolean;
  readonly codec: string;
  readonly timestampType: string;
}

/** `orders-0` and the like: the partitions that the fixture has expectations for. */
export function expectedPartitions(): string[] {
  return readdirSync(join(FIXTURE, 'expected'))
    .map((file) => file.replace(/\.jsonl\.gz$/, ''))
    .sort();
}

export function expectedRecords(partition: string): ExpectedRecord[] {
  return gunzipSync(readFileSync(join(FIXTURE, 'expected', `${partition}.jsonl.gz`)))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line): ExpectedRecord => JSON.parse(line));
}

/** Paths of all archives below `tantivy_indexes/`, as `orders/partition-0/segment-0-319.tar.gz`. */
export function archivePaths(): string[] {
  return readdirSync(ARCHIVES, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.tar.gz'))
    .sort();
}

export function archiveFile(path: string): string {
  return join(ARCHIVES, path);
}

export function archiveStream(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(archiveFile(path));
}
