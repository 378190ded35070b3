import { ArchiveSource } from '../../../src/core/archive/archive-source.ts';
import { ArchivedPartition } from '../../../src/core/fetch/archived-partition.ts';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';
import { MemoryStore } from '../../../src/storage/memory-store.ts';
import { buildArchive, type TestRecord } from '../../support/build-archive.ts';

export interface TestSegment {
  readonly records: readonly TestRecord[];
  readonly segments?: number;
  readonly createdAtSeconds?: bigint;
  /** What the entry claims, where that differs from the records. */
  readonly minOffset?: bigint;
  readonly maxOffset?: bigint;
}

/** Partition t-0 in a memory store with an index, as a server leaves them. */
export interface ArchivedLog {
  readonly store: MemoryStore;
  readonly source: ArchiveSource;
  readonly partition: ArchivedPartition;
  readonly keys: readonly string[];
}

export async function archiveLog(segments: readonly TestSegment[]): Promise<ArchivedLog> {
  const store = new MemoryStore();
  const keys: string[] = [];
  const entries: string[] = [];
  for (const [i, segment] of segments.entries()) {
    const { records, createdAtSeconds = 1_795_351_709n } = segment;
    const offsets = records.map(({ offset }) => offset).sort((a, b) => (a < b ? -1 : 1));
    const min = segment.minOffset ?? offsets[0] ?? 0n;
    const max = segment.maxOffset ?? offsets.at(-1) ?? 0n;
    const key = `/data/tantivy_indexes/t/partition-0/segment-${min}-${max}-${i}.tar.gz`;
    const archive = await buildArchive({ topic: 't', partition: 0, createdAtSeconds, ...segment });
    await store.put(key, archive);
    keys.push(key);
    entries.push(
      `{"segment_id":"t-0-${min}-${max}","topic":"t","partition":0,"min_offset":${min},` +
        `"max_offset":${max},"record_count":${records.length},"min_timestamp":0,` +
        `"max_timestamp":-9223372036854775808,"object_store_path":"${key}",` +
        `"size_bytes":${archive.length},"created_at":${createdAtSeconds},"compression":"snappy"}`,
    );
  }
  const text = `{"t-0":[${entries.join(',')}]}`;
  const index = await readIndex(bytesSource('index', Buffer.from(text)));
  const found = index.partition('t', 0);
  if (found === undefined) throw new Error('the index was made with this partition');
  return {
    store,
    source: new ArchiveSource(store, { maxUnpackedBytes: 256 * 1024 * 1024 }),
    partition: new ArchivedPartition(index, found),
    keys,
  };
}
