import { SegctlError } from '../segctl-error.ts';
import { Int64Column } from './int64-columns.ts';
import { COMPRESSION_TYPES, type RecordBatchHeader } from './record.ts';
import type { RecordColumns } from './record-columns.ts';

/** The rows [from, to) of some columns, and the header of the batch that they make. */
export interface BatchRange {
  readonly from: number;
  readonly to: number;
  readonly header: RecordBatchHeader;
}

/** Why rows with one base offset can't be one batch. */
export type SplitReason =
  /** A batch-level field changes inside: rows of two batches, or a damaged document. */
  | 'field-change'
  /** An offset does not ascend: the document is there twice, or two batches overlap. */
  | 'offset-order'
  /** An offset lies below its base offset. */
  | 'offset-below-base';

export interface GroupAnomaly {
  readonly reason: SplitReason;
  /** The row where the batch was split, or that lies below its base. */
  readonly row: number;
  readonly offset: bigint;
  readonly baseOffset: bigint;
}

export interface GroupedBatches {
  readonly batches: BatchRange[];
  /** Empty for what a sound archive holds. */
  readonly anomalies: GroupAnomaly[];
}

/**
 * Groups rows back into the batches that they came in: consecutive rows with equal base offset and
 * equal batch-level fields. Where rows with one base offset disagree, the batch is split there and
 * the split is told: the part behind it starts at its own first offset, with the base sequence moved
 * along, so that offsets, sequences and fields of each record stay what they were.
 *
 * @throws SegctlError `batch-field-unknown` for a compression or timestamp type that Kafka lacks.
 */
export function groupIntoBatches(columns: RecordColumns): GroupedBatches {
  const offsets = new Int64Column(columns.offset);
  const sameFields = batchFieldComparer(columns);
  const baseOffsets = new Int64Column(columns.baseOffset);
  const grouped: GroupedBatches = { batches: [], anomalies: [] };
  let from = 0;
  let isSplit = false;
  for (let row = 1; row <= columns.length; row++) {
    let reason: SplitReason | null = null;
    if (row < columns.length && baseOffsets.equal(row, row - 1)) {
      if (!sameFields(row, row - 1)) reason = 'field-change';
      else if (offsets.difference(row, row - 1) <= 0) reason = 'offset-order';
      else continue;
    }
    addBatch(grouped, columns, from, row, isSplit);
    isSplit = reason !== null;
    if (reason !== null) {
      const baseOffset = baseOffsets.at(row);
      grouped.anomalies.push({ reason, row, offset: offsets.at(row), baseOffset });
    }
    from = row;
  }
  return grouped;
}

function addBatch(
  { batches, anomalies }: GroupedBatches,
  columns: RecordColumns,
  from: number,
  to: number,
  isSplit: boolean,
): void {
  const header = headerAt(columns, from);
  const offset = columns.offset[from] ?? 0n;
  const { baseOffset } = header;
  const isBelow = offset < baseOffset;
  if (isBelow) anomalies.push({ reason: 'offset-below-base', row: from, offset, baseOffset });
  const isRebased = isBelow || isSplit;
  batches.push({ from, to, header: isRebased ? rebase(header, offset) : header });
}

/** The same batch as if it had started at this offset. */
function rebase(header: RecordBatchHeader, offset: bigint): RecordBatchHeader {
  if (header.baseSequence < 0) return { ...header, baseOffset: offset };
  // Sequences wrap from 2^31 - 1 to 0.
  const sequence = BigInt(header.baseSequence) + (offset - header.baseOffset);
  return { ...header, baseOffset: offset, baseSequence: Number(BigInt.asUintN(31, sequence)) };
}

/** The header fields that row i carries. */
export function headerAt(columns: RecordColumns, row: number): RecordBatchHeader {
  const compressionType = COMPRESSION_TYPES[columns.compression[row] ?? -1];
  const timestampType = columns.timestampType[row];
  if (compressionType === undefined || timestampType === undefined || timestampType > 1) {
    throw new SegctlError(`a record has a batch field that Kafka does not know`, {
      code: 'batch-field-unknown',
      facts: {
        offset: columns.offset[row] ?? null,
        compression: columns.compression[row] ?? null,
        timestampType: timestampType ?? null,
      },
    });
  }
  return {
    baseOffset: columns.baseOffset[row] ?? 0n,
    partitionLeaderEpoch: columns.partitionLeaderEpoch[row] ?? 0,
    compressionType,
    timestampType: timestampType === 1 ? 'LogAppendTime' : 'CreateTime',
    isTransactional: columns.isTransactional[row] !== 0,
    isControl: columns.isControl[row] !== 0,
    producerId: columns.producerId[row] ?? -1n,
    producerEpoch: columns.producerEpoch[row] ?? -1,
    baseSequence: columns.baseSequence[row] ?? -1,
  };
}

function batchFieldComparer(columns: RecordColumns): (i: number, j: number) => boolean {
  const producerIds = new Int64Column(columns.producerId);
  const {
    partitionLeaderEpoch,
    producerEpoch,
    baseSequence,
    isTransactional,
    isControl,
    compression,
    timestampType,
  } = columns;
  return (i, j) =>
    partitionLeaderEpoch[i] === partitionLeaderEpoch[j] &&
    producerIds.equal(i, j) &&
    producerEpoch[i] === producerEpoch[j] &&
    baseSequence[i] === baseSequence[j] &&
    isTransactional[i] === isTransactional[j] &&
    isControl[i] === isControl[j] &&
    compression[i] === compression[j] &&
    timestampType[i] === timestampType[j];
}
