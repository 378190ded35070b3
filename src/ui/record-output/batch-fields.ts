import {
  COMPRESSION_TYPES,
  TIMESTAMP_TYPES,
  type TimestampType,
} from '../../core/record-batch/record.ts';
import type { RecordColumns } from '../../core/record-batch/record-columns.ts';
import type { JsonValue } from '../json.ts';
import { at } from './record-range.ts';

interface BatchField {
  readonly key: string;
  readonly header: string;
  readonly value: (columns: RecordColumns, row: number) => JsonValue;
}

/** The fields of a record's batch, in the order of the RecordBatch V2 header. */
export const BATCH_FIELDS: readonly BatchField[] = [
  { key: 'baseOffset', header: 'BASE', value: (c, i) => at(c.baseOffset, i) },
  { key: 'partitionLeaderEpoch', header: 'LEADER', value: (c, i) => at(c.partitionLeaderEpoch, i) },
  { key: 'producerId', header: 'PRODUCER', value: (c, i) => at(c.producerId, i) },
  { key: 'producerEpoch', header: 'EPOCH', value: (c, i) => at(c.producerEpoch, i) },
  { key: 'baseSequence', header: 'SEQUENCE', value: (c, i) => at(c.baseSequence, i) },
  { key: 'isTransactional', header: 'TXN', value: (c, i) => at(c.isTransactional, i) === 1 },
  { key: 'isControl', header: 'CONTROL', value: (c, i) => at(c.isControl, i) === 1 },
  {
    key: 'compressionType',
    header: 'CODEC',
    value: (c, i) => COMPRESSION_TYPES[at(c.compression, i)] ?? `unknown(${c.compression[i]})`,
  },
];

export function timestampTypeAt(columns: RecordColumns, row: number): TimestampType {
  return at(columns.timestampType, row) === 1 ? TIMESTAMP_TYPES[1] : TIMESTAMP_TYPES[0];
}
