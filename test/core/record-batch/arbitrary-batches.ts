import fc from 'fast-check';
import {
  COMPRESSION_TYPES,
  type CompressionType,
  type KafkaRecord,
  type RecordBatchHeader,
  type RecordHeader,
} from '../../../src/core/record-batch/record.ts';

/** A batch as its producer had it, before it was bytes. */
export interface SampleBatch {
  readonly header: RecordBatchHeader;
  readonly records: readonly KafkaRecord[];
}

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_DELTA = 2 ** 31 - 1;

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    // Long runs and repeats, as text has them, so that codecs find something to do.
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(maxLength))
        .map(([unit, length]) => Uint8Array.from({ length }, (_, i) => unit[i % unit.length] ?? 0)),
    },
  );

const header: fc.Arbitrary<RecordHeader> = fc.record({
  key: fc.oneof(fc.constantFrom('h', 'h', ''), fc.string({ unit: 'grapheme', maxLength: 12 })),
  value: fc.option(fc.uint8Array({ maxLength: 30 })),
});

const record = fc.record({
  /** From the record before. */
  step: fc.oneof(
    { weight: 8, arbitrary: fc.constant(1) },
    { weight: 2, arbitrary: fc.integer({ min: 2, max: 100_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: MAX_DELTA }) },
  ),
  timestamp: fc.oneof(
    { weight: 6, arbitrary: fc.bigInt(1_700_000_000_000n, 1_700_000_100_000n) },
    { weight: 1, arbitrary: fc.constant(-1n) },
    { weight: 1, arbitrary: fc.bigInt(-1n, MAX_INT64) },
  ),
  key: fc.option(bytes(200)),
  value: fc.option(bytes(20_000)),
  headers: fc.oneof(fc.constant([]), fc.array(header, { maxLength: 4 })),
});

/** Random batches of a codec, or of all of them, as Kafka's own clients could write them. */
export function arbitraryBatch(
  compressionTypes: readonly CompressionType[] = COMPRESSION_TYPES,
): fc.Arbitrary<SampleBatch> {
  return fc
    .record({
      rows: fc.array(record, { minLength: 1, maxLength: 12 }),
      baseOffset: fc.oneof(fc.bigInt(0n, 1_000_000n), fc.bigInt(0n, MAX_INT64 - 2n ** 40n)),
      partitionLeaderEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      compressionType: fc.constantFrom(...compressionTypes),
      appendTime: fc.option(fc.bigInt(0n, MAX_INT64)),
      isTransactional: fc.boolean(),
      producerId: fc.oneof(fc.constant(-1n), fc.bigInt(0n, MAX_INT64)),
      producerEpoch: fc.integer({ min: 0, max: 2 ** 15 - 1 }),
      baseSequence: fc.oneof(fc.nat(1000), fc.integer({ min: MAX_DELTA - 20, max: MAX_DELTA })),
    })
    .map(({ rows, appendTime, isTransactional, ...fields }) => {
      const isIdempotent = fields.producerId >= 0n;
      return {
        header: {
          baseOffset: fields.baseOffset,
          partitionLeaderEpoch: fields.partitionLeaderEpoch,
          compressionType: fields.compressionType,
          timestampType: appendTime === null ? 'CreateTime' : 'LogAppendTime',
          isTransactional: isTransactional && isIdempotent,
          isControl: false,
          producerId: fields.producerId,
          producerEpoch: isIdempotent ? fields.producerEpoch : -1,
          baseSequence: isIdempotent ? fields.baseSequence : -1,
        },
        records: recordsOf(rows, fields.baseOffset, appendTime),
      };
    });
}

type Row = Omit<KafkaRecord, 'offset' | 'attributes'> & { readonly step: number };

function recordsOf(rows: Row[], baseOffset: bigint, appendTime: bigint | null): KafkaRecord[] {
  let delta = -1;
  const records: KafkaRecord[] = [];
  for (const { step, timestamp, ...row } of rows) {
    delta += records.length === 0 ? 1 : step;
    if (delta > MAX_DELTA) break;
    records.push({
      ...row,
      offset: baseOffset + BigInt(delta),
      timestamp: appendTime ?? timestamp,
      attributes: 0,
    });
  }
  return records;
}
