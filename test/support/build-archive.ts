import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type ColumnBatch, type FieldDefinition, IndexBuilder, type Nulls } from 'tantivy-napi';
import { pack } from 'tar-stream';
import { ARCHIVE_FIELDS } from '../../src/core/archive/archive-schema.ts';
import { smaller } from '../../src/core/verify/offset-runs.ts';

/** A record to put into an archive; what is left out gets the value of a plain producer's record. */
export interface TestRecord {
  readonly offset: bigint;
  /** Epoch ms. */
  readonly timestamp?: bigint;
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
  /** JSON text as the server stores it; null for none. */
  readonly headers?: string | null;
  readonly baseOffset?: bigint;
  readonly leaderEpoch?: number;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  /** Kafka's compression id. */
  readonly codec?: number;
  readonly timestampType?: number;
}

export interface ArchiveSpec {
  readonly topic: string;
  readonly partition: number;
  /** In write order, which need not be offset order. */
  readonly records: readonly TestRecord[];
  /** Tantivy segments to spread the records over, as the server's writer threads do. Default 1. */
  readonly segments?: number;
  /** Fields of metadata.json that differ from what the records say, as JSON texts. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly createdAtSeconds?: bigint;
}

export const BASE_TIME_MS = 1_763_800_000_000n;

const SCHEMA: readonly FieldDefinition[] = ARCHIVE_FIELDS.map((field) => ({
  ...field,
  stored: true,
}));

/** An archive as Chronik packs it: `index/`, its files, `metadata.json` last, gzip level 6. */
export async function buildArchive(spec: ArchiveSpec): Promise<Buffer> {
  return packArchive(await buildIndex(spec), metadataJson(spec));
}

export async function buildIndex({
  records,
  segments = 1,
}: ArchiveSpec): Promise<Map<string, Uint8Array>> {
  const builder = await IndexBuilder.create(SCHEMA, { memoryBudgetBytes: 15_000_000 });
  const perSegment = Math.max(1, Math.ceil(records.length / segments));
  for (let at = 0; at < records.length; at += perSegment) {
    await builder.add(columnBatch(records.slice(at, at + perSegment)));
    await builder.commit();
  }
  return await builder.finish();
}

/** tar.gz with the files in the given order; the two zero blocks end it, without further padding. */
export async function packArchive(
  files: ReadonlyMap<string, Uint8Array>,
  metadata: string,
): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'index/', type: 'directory' });
  for (const [name, bytes] of files) tar.entry({ name: `index/${name}` }, Buffer.from(bytes));
  tar.entry({ name: 'metadata.json' }, metadata);
  tar.finalize();
  return gzipSync(await buffer(tar), { level: 6 });
}

/** As the server writes it, its lost max_timestamp included. */
export function metadataJson(spec: ArchiveSpec): string {
  const { topic, partition, records, createdAtSeconds = 1_795_351_709n } = spec;
  const times = records.map(timestampOf);
  const fields: Record<string, string> = {
    topic: JSON.stringify(topic),
    partition: String(partition),
    base_offset: String(baseOffsetOf(records[0])),
    last_offset: String(records.at(-1)?.offset ?? 0n),
    record_count: String(records.length),
    min_timestamp: String(times.reduce(smaller, times[0] ?? 0n)),
    max_timestamp: '-9223372036854775808',
    created_at: String(createdAtSeconds),
    compression: '"None"',
    ...spec.metadata,
  };
  const lines = Object.entries(fields).map(([name, json]) => `  ${JSON.stringify(name)}: ${json}`);
  return `{\n${lines.join(',\n')}\n}`;
}

function timestampOf({ offset, timestamp }: TestRecord): bigint {
  return timestamp ?? BASE_TIME_MS + offset;
}

function baseOffsetOf(record: TestRecord | undefined): bigint {
  return record?.baseOffset ?? record?.offset ?? 0n;
}

function columnBatch(records: readonly TestRecord[]): Pick<ColumnBatch, 'numDocs' | 'columns'> {
  const i64 = (value: (record: TestRecord) => bigint) =>
    ({ type: 'i64', values: BigInt64Array.from(records, value), nulls: null }) as const;
  const u64 = (value: (record: TestRecord) => number) =>
    ({
      type: 'u64',
      values: BigUint64Array.from(records, (one) => BigInt(value(one))),
      nulls: null,
    }) as const;
  const bool = (value: (record: TestRecord) => boolean) =>
    ({
      type: 'bool',
      values: Uint8Array.from(records, (one) => (value(one) ? 1 : 0)),
      nulls: null,
    }) as const;
  const text = records.map(({ headers }) => (headers == null ? null : Buffer.from(headers)));
  return {
    numDocs: records.length,
    columns: {
      _offset: i64(({ offset }) => offset),
      _ts: {
        type: 'date',
        values: BigInt64Array.from(records, (one) => timestampOf(one) * 1_000_000n),
        nulls: null,
      },
      _key: { type: 'bytes', ...blob(records.map(({ key }) => key ?? null)) },
      _value: { type: 'bytes', ...blob(records.map(({ value }) => value ?? null)) },
      _headers: { type: 'text', ...blob(text) },
      _attributes: i64(() => 0n),
      _base_offset: i64(baseOffsetOf),
      _partition_leader_epoch: i64(({ leaderEpoch = 0 }) => BigInt(leaderEpoch)),
      _producer_id: i64(({ producerId = -1n }) => producerId),
      _producer_epoch: i64(({ producerEpoch = -1 }) => BigInt(producerEpoch)),
      _base_sequence: i64(({ baseSequence = -1 }) => BigInt(baseSequence)),
      _sequence: i64(({ baseSequence = -1 }) => BigInt(baseSequence)),
      _is_transactional: bool(({ transactional = false }) => transactional),
      _is_control: bool(({ control = false }) => control),
      _compression: u64(({ codec = 0 }) => codec),
      _timestamp_type: u64(({ timestampType = 0 }) => timestampType),
    },
  };
}

function blob(values: readonly (Uint8Array | null)[]): {
  data: Uint8Array;
  offsets: Uint32Array;
  nulls: Nulls;
} {
  const offsets = new Uint32Array(values.length + 1);
  const nulls = new Uint8Array((values.length + 7) >> 3);
  for (const [row, value] of values.entries()) {
    offsets[row + 1] = (offsets[row] ?? 0) + (value?.length ?? 0);
    if (value === null) nulls[row >> 3] = (nulls[row >> 3] ?? 0) | (1 << (row & 7));
  }
  const data = Buffer.concat(values.map((value) => value ?? new Uint8Array(0)));
  return { data, offsets, nulls: values.includes(null) ? nulls : null };
}
