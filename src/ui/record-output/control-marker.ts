import { type ControlType, readControlRecord } from '../../core/record-batch/control-record.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { at, bytesAt, type RecordRange } from './record-range.ts';

/** What a control record says. */
export interface ControlMarker {
  readonly type: ControlType;
  readonly coordinatorEpoch: number | null;
}

/**
 * The marker in a row that is a control record, and null for rows of data. One that can't be read
 * is `UNKNOWN`: its key and value are printed all the same.
 */
export function controlMarkerAt({ columns }: RecordRange, row: number): ControlMarker | null {
  if (at(columns.isControl, row) === 0) return null;
  try {
    const { type, coordinatorEpoch } = readControlRecord({
      offset: at(columns.offset, row),
      timestamp: at(columns.timestamp, row),
      key: bytesAt(columns.key, row),
      value: bytesAt(columns.value, row),
      headers: [],
      attributes: 0,
    });
    return { type, coordinatorEpoch };
  } catch (error) {
    if (!(error instanceof SegctlError)) throw error;
    return { type: 'UNKNOWN', coordinatorEpoch: null };
  }
}
