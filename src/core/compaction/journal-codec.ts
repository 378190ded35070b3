import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import {
  END_STATES,
  JOURNAL_VERSION,
  type JournalRecord,
  OBJECT_OUTCOMES,
  type OffsetCover,
  RUN_COMMANDS,
} from './journal-record.ts';
import { BadRecord, RecordFields } from './record-fields.ts';

/** A journal that a later segctl wrote; the reader says which run. */
export class UnknownJournalVersion extends Error {
  readonly version: number;

  constructor(version: number) {
    super(`journal version ${version}`);
    this.version = version;
  }
}

/** One line, without a line feed. */
export function encodeRecord(record: JournalRecord): string {
  return JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** Throws BadRecord, or UnknownJournalVersion. */
export function decodeRecord(line: string): JournalRecord {
  const fields = new RecordFields(parse(line));
  const type = fields.text('type');
  const decode = DECODERS[type];
  if (decode === undefined) throw new BadRecord(`"type" is ${JSON.stringify(type)}`);
  return decode(fields);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new BadRecord('it is not JSON');
  }
}

const DECODERS: Readonly<Record<string, (f: RecordFields) => JournalRecord>> = {
  begin(f) {
    const version = f.whole('version');
    if (version !== JOURNAL_VERSION) throw new UnknownJournalVersion(version);
    return {
      type: 'begin',
      version,
      runId: f.text('runId'),
      command: f.oneOf('command', RUN_COMMANDS),
      startedAtMs: f.whole('startedAtMs'),
      host: f.text('host'),
      pid: f.whole('pid'),
      tool: f.text('tool'),
      store: f.text('store'),
      index: f.text('index'),
      objects: f.oneOf('objects', ['delete', 'keep']),
      entries: f.oneOf('entries', ['remove', 'keep']),
      graceUntilMs: f.wholeOrNull('graceUntilMs'),
      target: f.textOrNull('target'),
      indexDigest: f.textOrNull('indexDigest'),
      request: f.text('request'),
    };
  },
  remove: (f) => ({
    type: 'remove',
    n: f.whole('n'),
    key: f.text('key'),
    position: f.whole('position'),
    arrayLength: f.whole('arrayLength'),
    entry: decodeEntry(f.nested('entry')),
    raw: f.textOrNull('raw'),
    reason: f.textOrNull('reason'),
  }),
  add: (f) => ({
    type: 'add',
    n: f.whole('n'),
    key: f.textOrNull('key'),
    entry: decodeEntry(f.nested('entry')),
    raw: f.textOrNull('raw'),
    position: f.wholeOrNull('position'),
    arrayLength: f.wholeOrNull('arrayLength'),
    yields: f.flag('yields'),
  }),
  object(f) {
    const covers = f.nestedOrNull('covers');
    return {
      type: 'object',
      n: f.whole('n'),
      key: f.text('key'),
      segmentId: f.textOrNull('segmentId'),
      sizeBytes: f.wholeOrNull('sizeBytes'),
      version: f.textOrNull('version'),
      trashKey: f.textOrNull('trashKey'),
      covers: covers === null ? null : decodeCover(covers),
    };
  },
  intent: (f) => ({
    type: 'intent',
    removals: f.whole('removals'),
    additions: f.whole('additions'),
    objects: f.whole('objects'),
    returned: f.whole('returned'),
  }),
  index: (f) => ({
    type: 'index',
    atMs: f.whole('atMs'),
    written: f.flag('written'),
    digestBefore: f.text('digestBefore'),
    digestAfter: f.text('digestAfter'),
    absent: f.wholes('absent'),
  }),
  outcome: (f) => ({
    type: 'outcome',
    n: f.whole('n'),
    outcome: f.oneOf('outcome', OBJECT_OUTCOMES),
    sizeBytes: f.whole('sizeBytes'),
    error: f.textOrNull('error'),
  }),
  resumed: (f) => ({
    type: 'resumed',
    atMs: f.whole('atMs'),
    host: f.text('host'),
    pid: f.whole('pid'),
  }),
  end: (f) => ({
    type: 'end',
    state: f.oneOf('state', END_STATES),
    atMs: f.whole('atMs'),
    durationMs: f.whole('durationMs'),
    error: f.textOrNull('error'),
  }),
  undone: (f) => ({
    type: 'undone',
    by: f.text('by'),
    atMs: f.whole('atMs'),
    complete: f.flag('complete'),
    restored: f.wholes('restored'),
  }),
  purged: (f) => ({
    type: 'purged',
    by: f.text('by'),
    atMs: f.whole('atMs'),
    objects: f.whole('objects'),
    bytes: f.whole('bytes'),
    complete: f.flag('complete'),
  }),
};

export function decodeCover(f: RecordFields): OffsetCover {
  return {
    topic: f.text('topic'),
    partition: f.whole('partition'),
    minOffset: f.big('minOffset'),
    maxOffset: f.big('maxOffset'),
  };
}

function decodeEntry(f: RecordFields): SegmentEntry {
  return {
    segmentId: f.text('segmentId'),
    topic: f.text('topic'),
    partition: f.whole('partition'),
    minOffset: f.big('minOffset'),
    maxOffset: f.big('maxOffset'),
    recordCount: f.big('recordCount'),
    minTimestamp: f.big('minTimestamp'),
    maxTimestamp: f.big('maxTimestamp'),
    objectStorePath: f.text('objectStorePath'),
    sizeBytes: f.big('sizeBytes'),
    createdAtSeconds: f.big('createdAtSeconds'),
    compression: f.text('compression'),
  };
}
