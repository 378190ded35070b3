import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PartitionLookup } from '../../../src/core/segment-index/lookup.ts';
import { loadIndex } from '../../../src/storage/index-file.ts';

const REAL = fileURLToPath(
  new URL('../../fixtures/chronik-2.10.4-local/data/segment_index.json', import.meta.url),
);

describe('the index that a Chronik 2.10.4 server wrote', () => {
  it('has its nine partitions, sorted, and nothing that the server would not load', async () => {
    const { index } = await loadIndex(REAL);
    expect(index.partitions.map((p) => `${p.topic}:${p.partition}:${p.rows.length}`)).toEqual([
      'audit_log:0:1',
      'audit_log:1:1',
      'click-events:0:1',
      'edge.cases:0:1',
      'orders:0:1',
      'orders:1:1',
      'orders:2:1',
      'payments-txn:0:1',
      'plain:0:1',
    ]);
    expect(index.issues).toEqual([]);
    expect(index.origin.digest).toBe(createHash('sha256').update(readFileSync(REAL)).digest('hex'));
  });

  it('gives an entry as it is written, though its file name differs from its offsets', async () => {
    const { index } = await loadIndex(REAL);
    const partition = index.partition('click-events', 0);
    if (partition === undefined) throw new Error('click-events-0 is not there');
    const [row] = new PartitionLookup(index, partition).byOffset(24_999n);
    expect(index.entry(row ?? -1)).toEqual({
      segmentId: 'click-events-0-0-24999',
      topic: 'click-events',
      partition: 0,
      minOffset: 0n,
      maxOffset: 24_999n,
      recordCount: 23_000n,
      minTimestamp: 1_763_800_000_000n,
      maxTimestamp: 1_763_807_212_499n,
      objectStorePath: './data/tantivy_indexes/click-events/partition-0/segment-2000-24999.tar.gz',
      sizeBytes: 782_578n,
      createdAtSeconds: 1_795_351_709n,
      compression: 'snappy',
    });
  });

  it('knows where each entry stands in the file', async () => {
    const { index } = await loadIndex(REAL);
    const bytes = readFileSync(REAL);
    for (let row = 0; row < index.rowCount; row++) {
      const { byteStart, byteEnd, key, position } = index.location(row);
      const text = bytes.toString('utf8', byteStart, byteEnd);
      expect(JSON.parse(text).segment_id).toBe(index.segmentId(row));
      expect(key).toBe(`${index.entry(row).topic}-${index.entry(row).partition}`);
      expect(position).toBe(0);
    }
  });
});
