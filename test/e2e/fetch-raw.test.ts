import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCodecs } from '../../src/core/record-batch/compression/codec.ts';
import { type BatchInfo, readBatches } from '../../src/core/record-batch/decode-batch.ts';
import { unpackRecords } from '../../src/core/record-batch/decode-records.ts';
import { COMPRESSION_TYPES } from '../../src/core/record-batch/record.ts';
import { kafkaToolsOrSkip } from '../judge/kafka-tools.ts';
import { expectedPartitions, expectedRecords, FIXTURE, FIXTURE_DATA } from '../support/fixture.ts';
import { runSegctl } from '../support/run-segctl.ts';

const codecs = await loadCodecs(COMPRESSION_TYPES);

/** `payments-txn-0` as `payments-txn:0`. */
function selector(partition: string): string {
  return partition.replace(/-(\d+)$/, ':$1');
}

async function fetchRaw(partition: string): Promise<Buffer> {
  const { status, stdout, stderr } = await runSegctl([
    ...['fetch', selector(partition), '--offset', 'start', '--raw', '--include-control'],
    ...['--data-dir', FIXTURE_DATA],
  ]);
  expect(status, stderr).toBe(0);
  return stdout;
}

/** What must be equal in every batch: all header fields but those that the packed bytes decide. */
function comparable(info: BatchInfo): Partial<BatchInfo> {
  const { position: _position, crc, sizeBytes, ...header } = info;
  return info.compressionType === 'none' ? { ...header, crc, sizeBytes } : header;
}

interface Comparison {
  batches: number;
  equal: number;
  uncompressed: number;
  equalBytes: number;
  readonly differing: { readonly baseOffset: bigint; readonly why: string }[];
}

/** Compares rebuilt batches with the producers', found by base offset. */
function compareWithOriginal(partition: string, rebuilt: Buffer): Comparison {
  const original = readFileSync(join(FIXTURE, 'original', `${partition}.log`));
  const originals = new Map(
    [...readBatches(original)].map((batch) => [batch.info.baseOffset, batch]),
  );
  const result: Comparison = {
    batches: 0,
    equal: 0,
    uncompressed: 0,
    equalBytes: 0,
    differing: [],
  };
  for (const batch of readBatches(rebuilt)) {
    const { info } = batch;
    const source = originals.get(info.baseOffset);
    result.batches++;
    if (source === undefined) {
      result.differing.push({
        baseOffset: info.baseOffset,
        why: 'the producer sent no such batch',
      });
      continue;
    }
    const isPlain = info.compressionType === 'none';
    const sameHeader =
      JSON.stringify(comparable(info), printable) ===
      JSON.stringify(comparable(source.info), printable);
    const sameRecords =
      Buffer.compare(unpackRecords(batch, codecs), unpackRecords(source, codecs)) === 0;
    if (sameHeader && sameRecords) result.equal++;
    else
      result.differing.push({
        baseOffset: info.baseOffset,
        why: `header ${sameHeader}, records ${sameRecords}`,
      });
    if (!isPlain) continue;
    result.uncompressed++;
    const bytes = rebuilt.subarray(info.position, info.position + info.sizeBytes);
    const sent = original.subarray(
      source.info.position,
      source.info.position + source.info.sizeBytes,
    );
    if (bytes.equals(sent)) result.equalBytes++;
  }
  return result;
}

function printable(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

describe('fetch --raw against what the producers sent', () => {
  const total: Comparison = { batches: 0, equal: 0, uncompressed: 0, equalBytes: 0, differing: [] };

  test.each(expectedPartitions())('%s: every batch, every byte', async (partition) => {
    const rebuilt = await fetchRaw(partition);
    const compared = compareWithOriginal(partition, rebuilt);
    total.batches += compared.batches;
    total.equal += compared.equal;
    total.uncompressed += compared.uncompressed;
    total.equalBytes += compared.equalBytes;
    expect(compared.differing).toEqual([]);
    expect(compared.equalBytes).toBe(compared.uncompressed);
    const archived = new Set(expectedRecords(partition).map(({ baseOffset }) => baseOffset));
    expect(compared.batches).toBe(archived.size);
  });

  test('counts over all partitions', () => {
    console.log(
      `rebuilt batches equal in header and records: ${total.equal} of ${total.batches}; ` +
        `uncompressed ones equal in every byte: ${total.equalBytes} of ${total.uncompressed}`,
    );
    expect(total).toMatchObject({ batches: 299, equal: 299, uncompressed: 243, equalBytes: 243 });
  });
});

const kafka = kafkaToolsOrSkip();

describe.skipIf(kafka === null)("Kafka's own tools on fetch --raw", () => {
  test.each(expectedPartitions())(
    '%s: DumpLogSegments finds it valid and prints what -f dump prints',
    async (partition) => {
      const rebuilt = await fetchRaw(partition);
      const [first] = readBatches(rebuilt);
      const judged = kafka?.dumpLogSegments(rebuilt, first?.info.baseOffset ?? 0n, {
        deep: true,
        printData: false,
      });
      const dump = await runSegctl([
        ...['fetch', selector(partition), '-f', 'dump', '--include-control'],
        ...['--data-dir', FIXTURE_DATA],
      ]);
      expect(judged).not.toContain('isvalid: false');
      expect(judged?.match(/^\| offset: /gm)).toHaveLength(expectedRecords(partition).length);
      expect(dump.stdout.toString('utf8')).toBe(judged);
    },
  );

  test.each(['edge.cases-0', 'payments-txn-0', 'orders-0'])(
    '%s: kafka-clients reads the same records',
    async (partition) => {
      const batches = kafka?.decode(await fetchRaw(partition)) ?? [];
      const records = batches.flatMap((batch) =>
        batch.records.map((record) => ({
          offset: Number(record.offset),
          timestamp: Number(record.timestamp),
          key: record.key,
          value: record.value,
          headers: record.headers.map(({ key, value }) => [key, value]),
          codec: batch.compressionType,
          producerId: Number(batch.producerId),
          control: batch.isControl,
        })),
      );
      const expected = expectedRecords(partition).map(
        ({ offset, timestamp, key, value, headers, codec, producerId, control }) => ({
          offset,
          timestamp,
          key,
          value,
          headers,
          codec,
          producerId,
          control,
        }),
      );
      expect(records).toEqual(expected);
    },
  );

  test('the dump of what a producer sent uncompressed is the dump of what is archived', async () => {
    const dump = await runSegctl([
      'fetch',
      'audit_log:0',
      '-f',
      'dump',
      '--data-dir',
      FIXTURE_DATA,
    ]);
    const original = readFileSync(join(FIXTURE, 'original', 'audit_log-0.dump.txt'), 'utf8').split(
      '\n',
    );
    const withoutPosition = (line: string) => line.replace(/position: \d+ /, '');
    const sent = new Set(original.map(withoutPosition));
    const lines = dump.stdout.toString('utf8').trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(192);
    expect(lines.filter((line) => !sent.has(withoutPosition(line)))).toEqual([]);
  });
});
