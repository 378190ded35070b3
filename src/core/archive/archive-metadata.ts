import { parse } from 'lossless-json';
import { ArchiveError } from './archive-error.ts';

/** The archive's own `metadata.json`, as the server's wal indexer writes it. */
export interface ArchiveMetadata {
  readonly topic: string;
  /** i32 */
  readonly partition: number;
  /** The first batch's base offset in write order: not necessarily the smallest offset. */
  readonly baseOffset: bigint;
  /** The last record's offset in write order: not necessarily the largest offset. */
  readonly lastOffset: bigint;
  /** All records that went in, also those that the writer's cap of 1,000,000 documents dropped. */
  readonly recordCount: bigint;
  /** Epoch ms: the smallest base timestamp of a batch. */
  readonly minTimestamp: bigint;
  /** Epoch ms; -9223372036854775808 in every archive seen, by a defect of the server. */
  readonly maxTimestamp: bigint;
  readonly createdAtSeconds: bigint;
  /** "None" in every archive seen. */
  readonly compression: string;
}

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;

/** Parses it, int64s exact. Throws ArchiveError `archive-metadata-invalid` that names the field. */
export function parseArchiveMetadata(bytes: Uint8Array): ArchiveMetadata {
  let root: unknown;
  try {
    root = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), undefined, {
      parseNumber: (digits) => (/^-?\d+$/.test(digits) ? BigInt(digits) : Number(digits)),
    });
  } catch (cause) {
    throw invalid('the file is not JSON', cause);
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw invalid('the file is not a JSON object');
  }
  const fields = new Map<string, unknown>(Object.entries(root));
  const integer = (name: string, min = I64_MIN, max = I64_MAX): bigint => {
    const value = fields.get(name);
    if (typeof value !== 'bigint' || value < min || value > max) {
      throw invalid(`${name} is not an integer of its range`);
    }
    return value;
  };
  const string = (name: string): string => {
    const value = fields.get(name);
    if (typeof value !== 'string') throw invalid(`${name} is not a string`);
    return value;
  };
  return {
    topic: string('topic'),
    partition: Number(integer('partition', -(2n ** 31n), 2n ** 31n - 1n)),
    baseOffset: integer('base_offset'),
    lastOffset: integer('last_offset'),
    recordCount: integer('record_count', 0n, 2n ** 64n - 1n),
    minTimestamp: integer('min_timestamp'),
    maxTimestamp: integer('max_timestamp'),
    createdAtSeconds: integer('created_at'),
    compression: string('compression'),
  };
}

function invalid(why: string, cause?: unknown): ArchiveError {
  return new ArchiveError('archive-metadata-invalid', { member: 'metadata.json', why }, { cause });
}
