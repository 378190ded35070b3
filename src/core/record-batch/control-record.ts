import { SegctlError } from '../segctl-error.ts';
import type { KafkaRecord } from './record.ts';

/**
 * Control records, each in a batch with the control attribute. The key tells the type, the value
 * depends on it; both begin with a version, and later versions may only append fields.
 *
 * ```
 * Key                  => Version int16, Type int16
 * Value of ABORT, COMMIT => Version int16, CoordinatorEpoch int32
 * ```
 */
const TYPES = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const;

/** A transaction's end (KIP-98), one of KRaft's own (KIP-595, 630, 853), or one not known yet. */
export type ControlType = (typeof TYPES)[number] | 'UNKNOWN';

export interface ControlRecord {
  readonly type: ControlType;
  readonly typeId: number;
  readonly keyVersion: number;
  /** Of the coordinator that ended the transaction; null for other types. */
  readonly coordinatorEpoch: number | null;
}

const KEY_BYTES = 4;
const END_TXN_VALUE_BYTES = 6;

/**
 * Reads what a record of a control batch says.
 *
 * @throws SegctlError `control-record-malformed` where the key, or an end marker's value, is too
 * short or of a negative version.
 */
export function readControlRecord(record: KafkaRecord): ControlRecord {
  const key = viewOf(record.key);
  if (key === null || key.byteLength < KEY_BYTES) throw malformed(record, 'its key is too short');
  const keyVersion = key.getInt16(0);
  if (keyVersion < 0) throw malformed(record, `its key has version ${keyVersion}`);
  const typeId = key.getInt16(2);
  const type = TYPES[typeId] ?? 'UNKNOWN';
  const isEndMarker = type === 'ABORT' || type === 'COMMIT';
  return {
    type,
    typeId,
    keyVersion,
    coordinatorEpoch: isEndMarker ? coordinatorEpoch(record) : null,
  };
}

function coordinatorEpoch(record: KafkaRecord): number {
  const value = viewOf(record.value);
  if (value === null || value.byteLength < END_TXN_VALUE_BYTES) {
    throw malformed(record, 'its value is too short');
  }
  const version = value.getInt16(0);
  if (version < 0) throw malformed(record, `its value has version ${version}`);
  return value.getInt32(2);
}

/** The key and value of a transaction's end marker, as a coordinator writes them. */
export function endMarker(
  type: 'ABORT' | 'COMMIT',
  coordinatorEpoch: number,
): { key: Uint8Array; value: Uint8Array } {
  const key = new DataView(new ArrayBuffer(KEY_BYTES));
  key.setInt16(2, TYPES.indexOf(type));
  const value = new DataView(new ArrayBuffer(END_TXN_VALUE_BYTES));
  value.setInt32(2, coordinatorEpoch);
  return { key: new Uint8Array(key.buffer), value: new Uint8Array(value.buffer) };
}

function viewOf(bytes: Uint8Array | null): DataView | null {
  return bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(record: KafkaRecord, reason: string): SegctlError {
  return new SegctlError(`the control record at offset ${record.offset} can't be read: ${reason}`, {
    code: 'control-record-malformed',
    facts: { offset: record.offset, reason },
  });
}
