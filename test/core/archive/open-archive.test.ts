import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openArchive } from '../../../src/core/archive/open-archive.ts';
import { DEFAULT_MAX_UNPACKED_BYTES } from '../../../src/core/archive/unpack-archive.ts';
import { COMPRESSION_TYPES, TIMESTAMP_TYPES } from '../../../src/core/record-batch/record.ts';
import { bytesAt, type RecordColumns } from '../../../src/core/record-batch/record-columns.ts';
import {
  archivePaths,
  archiveStream,
  type ExpectedRecord,
  expectedPartitions,
  expectedRecords,
  FIXTURE,
} from '../../support/fixture.ts';

const LIMITS = { maxUnpackedBytes: DEFAULT_MAX_UNPACKED_BYTES };

/** The archive that the index names for each partition is its widest. */
const INDEXED = new Map([
  ['audit_log-0', 'audit_log/partition-0/segment-1-119.tar.gz'],
  ['audit_log-1', 'audit_log/partition-1/segment-27-119.tar.gz'],
  ['click-events-0', 'click-events/partition-0/segment-2000-24999.tar.gz'],
  ['edge.cases-0', 'edge.cases/partition-0/segment-0-51.tar.gz'],
  ['orders-0', 'orders/partition-0/segment-0-1279.tar.gz'],
  ['orders-1', 'orders/partition-1/segment-0-1279.tar.gz'],
  ['orders-2', 'orders/partition-2/segment-0-1279.tar.gz'],
  ['payments-txn-0', 'payments-txn/partition-0/segment-0-415.tar.gz'],
  ['plain-0', 'plain/partition-0/segment-0-159.tar.gz'],
]);

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}

function parseHeaders(text: Uint8Array | null): ExpectedRecord['headers'] {
  if (text === null) return [];
  const headers: { key: string; value: number[] | null }[] = JSON.parse(
    Buffer.from(text).toString('utf8'),
  );
  return headers.map(({ key, value }) => [
    key,
    value === null ? null : Buffer.from(value).toString('hex'),
  ]);
}

function recordAt(columns: RecordColumns, row: number): ExpectedRecord {
  return {
    offset: Number(columns.offset[row]),
    timestamp: Number(columns.timestamp[row]),
    key: hex(bytesAt(columns.key, row)),
    value: hex(bytesAt(columns.value, row)),
    headers: parseHeaders(bytesAt(columns.headers, row)),
    baseOffset: Number(columns.baseOffset[row]),
    leaderEpoch: columns.partitionLeaderEpoch[row] ?? Number.NaN,
    producerId: Number(columns.producerId[row]),
    producerEpoch: columns.producerEpoch[row] ?? Number.NaN,
    baseSequence: columns.baseSequence[row] ?? Number.NaN,
    transactional: columns.isTransactional[row] === 1,
    control: columns.isControl[row] === 1,
    codec: COMPRESSION_TYPES[columns.compression[row] ?? -1] ?? '?',
    timestampType: TIMESTAMP_TYPES[columns.timestampType[row] ?? -1] ?? '?',
  };
}

async function readAll(
  path: string,
  range?: { min: bigint; max: bigint },
): Promise<ExpectedRecord[]> {
  const archive = await openArchive(archiveStream(path), LIMITS);
  try {
    const records: ExpectedRecord[] = [];
    for await (const columns of archive.records(range)) {
      for (let row = 0; row < columns.length; row++) records.push(recordAt(columns, row));
    }
    return records;
  } finally {
    archive.close();
  }
}

describe('openArchive on the archives of a real server', () => {
  test.each(expectedPartitions())(
    '%s: every record, in every field, in offset order',
    async (partition) => {
      expect(await readAll(INDEXED.get(partition) ?? '')).toEqual(expectedRecords(partition));
    },
  );

  test('every archive holds the records that its partition has in its range', async () => {
    const facts: Record<
      string,
      Record<string, { first: number; last: number; records: number }>
    > = JSON.parse(readFileSync(join(FIXTURE, 'archives.json'), 'utf8'));
    for (const path of archivePaths()) {
      const [topic, partition, file] = path.split('/');
      const fact = facts[`${topic}-${partition?.replace('partition-', '')}`]?.[file ?? ''];
      const records = await readAll(path);
      expect(
        { first: records[0]?.offset, last: records.at(-1)?.offset, records: records.length },
        path,
      ).toEqual({ first: fact?.first, last: fact?.last, records: fact?.records });
    }
  });

  test('a range gives its records and no others', async () => {
    const all = expectedRecords('click-events-0');
    const records = await readAll('click-events/partition-0/segment-2000-24999.tar.gz', {
      min: 3990n,
      max: 6010n,
    });
    expect(records).toEqual(all.filter(({ offset }) => offset >= 3990 && offset <= 6010));
    expect(records).toHaveLength(21);
  });

  test('metadata keeps the int64 that the server lost', async () => {
    const archive = await openArchive(
      archiveStream('orders/partition-0/segment-0-1279.tar.gz'),
      LIMITS,
    );
    archive.close();
    expect(archive.metadata.maxTimestamp).toBe(-(2n ** 63n));
    expect(archive.documents).toBe(1280);
  });
});
