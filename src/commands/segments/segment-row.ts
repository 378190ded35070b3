import { LOST_MAX_TIMESTAMP, type SegmentEntry } from '../../core/segment-index/segment-entry.ts';
import type { Column } from '../../ui/column.ts';

/** What `segments ls` and `segments show` tell of an entry. */
export interface SegmentRow {
  readonly entry: SegmentEntry;
}

/** The columns of an index entry, by the names that docs/output.md documents. */
export const SEGMENT_COLUMNS: readonly Column<SegmentRow>[] = [
  {
    key: 'segmentId',
    header: 'SEGMENT',
    type: 'text',
    cut: 'middle',
    value: ({ entry }) => entry.segmentId,
  },
  {
    key: 'topic',
    header: 'TOPIC',
    type: 'text',
    show: 'machine',
    value: ({ entry }) => entry.topic,
  },
  {
    key: 'partition',
    header: 'PARTITION',
    type: 'integer',
    show: 'machine',
    value: ({ entry }) => entry.partition,
  },
  {
    key: 'offsets',
    header: 'OFFSETS',
    type: 'text',
    cut: 'never',
    show: 'human',
    value: ({ entry }) => `${entry.minOffset}-${entry.maxOffset}`,
  },
  {
    key: 'minOffset',
    header: 'MIN OFFSET',
    type: 'integer',
    show: 'machine',
    value: ({ entry }) => entry.minOffset,
  },
  {
    key: 'maxOffset',
    header: 'MAX OFFSET',
    type: 'integer',
    show: 'machine',
    value: ({ entry }) => entry.maxOffset,
  },
  {
    key: 'recordCount',
    header: 'RECORDS',
    type: 'count',
    value: ({ entry }) => entry.recordCount,
  },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: ({ entry }) => entry.sizeBytes },
  {
    key: 'minTimestamp',
    header: 'MIN TIMESTAMP',
    type: 'time',
    show: 'wide',
    drop: 3,
    value: ({ entry }) => entry.minTimestamp,
  },
  {
    key: 'maxTimestamp',
    header: 'MAX TIMESTAMP',
    type: 'time',
    drop: 2,
    // i64::MIN is not a time but the server's defect: it is told as unknown.
    value: ({ entry }) => (entry.maxTimestamp === LOST_MAX_TIMESTAMP ? null : entry.maxTimestamp),
  },
  {
    key: 'createdAt',
    header: 'CREATED',
    type: 'time',
    drop: 1,
    value: ({ entry }) => entry.createdAtSeconds * 1000n,
  },
  {
    key: 'compression',
    header: 'COMPRESSION',
    type: 'text',
    show: 'machine',
    value: ({ entry }) => entry.compression,
  },
  {
    key: 'objectStorePath',
    header: 'OBJECT STORE PATH',
    type: 'text',
    show: 'wide',
    cut: 'middle',
    value: ({ entry }) => entry.objectStorePath,
  },
];
