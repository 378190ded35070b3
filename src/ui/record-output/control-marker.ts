import type { RecordRange } from './record-range.ts';
import { at, bytesAt } from './record-range.ts';

/**
 * What a control record says. Key: int16 version, int16 type; value of the transaction markers:
 * int16 version, int32 coordinator epoch (KIP-98, Kafka's ControlRecordType and EndTxnMarker).
 */
export interface ControlMarker {
  /** `ABORT`, `COMMIT`, another of Kafka's names, or `UNKNOWN` for what they don't cover. */
  readonly type: string;
  readonly coordinatorEpoch: number | null;
}

const CONTROL_TYPES = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
];
const COMMIT = 1;

/** The marker in a row that is a control record, and null for rows of data. */
export function controlMarkerAt(range: RecordRange, row: number): ControlMarker | null {
  if (at(range.columns.isControl, row) === 0) return null;
  const key = bytesAt(range.columns.key, row);
  const value = bytesAt(range.columns.value, row);
  const id = key !== null && key.length >= 4 ? key.readInt16BE(2) : -1;
  const isTransactionMarker = id >= 0 && id <= COMMIT;
  const hasEpoch = isTransactionMarker && value !== null && value.length >= 6;
  return {
    type: CONTROL_TYPES[id] ?? 'UNKNOWN',
    coordinatorEpoch: hasEpoch ? value.readInt32BE(2) : null,
  };
}
