import { expect, test } from 'vitest';
import { PartitionFetch } from '../../../src/core/fetch/fetch-partition.ts';
import { parseOffsetSpec } from '../../../src/core/fetch/offset-spec.ts';
import { endMarker } from '../../../src/core/record-batch/control-record.ts';
import type { TestRecord } from '../../support/build-archive.ts';
import { archiveLog } from './archived-log.ts';

const A = 1n;
const B = 2n;

function data(offset: bigint, producerId: bigint): TestRecord {
  return { offset, producerId, producerEpoch: 0, baseSequence: 0, transactional: true };
}

function marker(offset: bigint, producerId: bigint, type: 'COMMIT' | 'ABORT'): TestRecord {
  const { key, value } = endMarker(type, 0);
  return { ...data(offset, producerId), control: true, key, value };
}

/** Two producers whose transactions interleave; A's last one has no end in the archives. */
const LOG: readonly TestRecord[] = [
  data(0n, A),
  data(1n, B),
  data(2n, A),
  marker(3n, A, 'ABORT'),
  data(4n, A),
  data(5n, B),
  marker(6n, A, 'COMMIT'),
  { offset: 7n },
  marker(8n, B, 'COMMIT'),
  data(9n, A),
];

async function committed(spec: string, segments: readonly (readonly TestRecord[])[]) {
  const { source, partition } = await archiveLog(segments.map((records) => ({ records })));
  const fetch = new PartitionFetch(source, {
    partition,
    spec: parseOffsetSpec(spec, 0),
    wholeBatches: false,
    includeControl: false,
    readCommitted: true,
    filter: undefined,
    findDeletion: async () => undefined,
  });
  const offsets: number[] = [];
  for await (const { columns, from, to } of fetch.runs()) {
    for (let row = from; row < to; row++) offsets.push(Number(columns.offset[row]));
  }
  return { offsets, open: fetch.report.openTransactionRecords };
}

test('records follow the first end marker of their own producer', async () => {
  expect(await committed('start', [LOG])).toEqual({ offsets: [1, 4, 5, 7], open: 1 });
});

test('the marker may lie in a later archive, past the window', async () => {
  const parts = [LOG.slice(0, 2), LOG.slice(2, 5), LOG.slice(5)];
  expect(await committed(':2', parts)).toEqual({ offsets: [1], open: 0 });
  expect(await committed('4:6', parts)).toEqual({ offsets: [4, 5], open: 0 });
});

test('without a marker the outcome is open, and the records are counted, not given', async () => {
  expect(await committed('0:3', [LOG.slice(0, 3)])).toEqual({ offsets: [], open: 3 });
});
