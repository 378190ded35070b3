import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PartitionFetch } from '../../../src/core/fetch/fetch-partition.ts';
import { parseOffsetSpec } from '../../../src/core/fetch/offset-spec.ts';
import { loadCodecs } from '../../../src/core/record-batch/compression/codec.ts';
import { BatchEncoder } from '../../../src/core/record-batch/encode-batch.ts';
import { groupIntoBatches } from '../../../src/core/record-batch/group-batches.ts';
import { formatHeaders } from '../../../src/core/record-batch/header-json.ts';
import { COMPRESSION_TYPES } from '../../../src/core/record-batch/record.ts';
import type { TestRecord } from '../../support/build-archive.ts';
import { arbitraryBatch, type SampleBatch } from '../record-batch/arbitrary-batches.ts';
import { encodeSample } from '../record-batch/encode-sample.ts';
import { archiveLog } from './archived-log.ts';

const codecs = await loadCodecs(COMPRESSION_TYPES);

/** Tantivy keeps nanoseconds in an int64, which ends in the year 2262. */
const MAX_TIMESTAMP = 9_223_372_036_854n;

/** Moves the batches behind each other and their timestamps into what a document can hold. */
function inOneLog(batches: readonly SampleBatch[]): SampleBatch[] {
  let next = 0n;
  return batches.map(({ header, records }) => {
    const shift = next - header.baseOffset;
    const moved = records.map((record) => ({
      ...record,
      offset: record.offset + shift,
      timestamp:
        record.timestamp > MAX_TIMESTAMP ? record.timestamp % MAX_TIMESTAMP : record.timestamp,
    }));
    const base = next;
    next = (moved.at(-1)?.offset ?? next) + 1n;
    return { header: { ...header, baseOffset: base }, records: moved };
  });
}

function documentsOf({ header, records }: SampleBatch): TestRecord[] {
  return records.map(({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key,
    value,
    headers: headers.length === 0 ? null : Buffer.from(formatHeaders(headers)).toString('utf8'),
    baseOffset: header.baseOffset,
    leaderEpoch: header.partitionLeaderEpoch,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    transactional: header.isTransactional,
    codec: COMPRESSION_TYPES.indexOf(header.compressionType),
    timestampType: header.timestampType === 'LogAppendTime' ? 1 : 0,
  }));
}

test('random batches -> archive -> fetch -> the same batches, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryBatch(), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (sampled, segments, reversed) => {
        const batches = inOneLog(sampled);
        const documents = batches.flatMap(documentsOf);
        const { source, partition } = await archiveLog([
          { records: reversed ? documents.reverse() : documents, segments },
        ]);
        const fetch = new PartitionFetch(source, {
          partition,
          spec: parseOffsetSpec('start', 0),
          wholeBatches: true,
          includeControl: true,
          readCommitted: false,
          filter: undefined,
          findDeletion: async () => undefined,
        });
        const fetched: string[] = [];
        for await (const { columns, from, to } of fetch.runs()) {
          for (const batch of groupIntoBatches(columns).batches) {
            if (batch.from < from || batch.to > to) continue;
            fetched.push(
              Buffer.from(new BatchEncoder(codecs).encode(columns, batch)).toString('hex'),
            );
          }
        }
        const sent = batches.map((batch) =>
          Buffer.from(encodeSample(batch, codecs)).toString('hex'),
        );
        expect(fetched).toEqual(sent);
      },
    ),
    { numRuns: 150 },
  );
});
