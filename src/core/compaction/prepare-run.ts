import { canonicalKey } from '../../storage/canonical-key.ts';
import type { ObjectInfo } from '../../storage/object-store.ts';
import type { ByteSource } from '../segment-index/byte-source.ts';
import { formatEntry } from '../segment-index/entry-format.ts';
import { planEdit, type RowIdentity } from '../segment-index/index-edit.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import { readRawEntries } from '../segment-index/splice-stream.ts';
import type { ApplyRequest, EntryRemoval, ObjectRemoval } from './apply-request.ts';
import type { Engine } from './engine.ts';
import { encodeRecord } from './journal-codec.ts';
import type { AddRecord, JournalRecord, ObjectRecord, RemoveRecord } from './journal-record.ts';
import { RecordedRun } from './recorded-run.ts';
import { makeRunId } from './run-id.ts';
import { surveyObjects } from './survey.ts';
import { assertDeletable, TrashPlaces } from './trash-key.ts';

/** A run whose intent is on disk and that has changed nothing yet. */
export interface PreparedRun {
  /** Undefined where nothing is left to do. */
  readonly run: RecordedRun | undefined;
  /** Segments left out, since they are not what was planned any more. */
  readonly changed: number;
  /** SHA-256 of the index at that moment. */
  readonly indexDigest: string;
}

/**
 * Looks once more at all that is to go, leaves out what changed since it was planned, and writes the
 * intent. Throws before anything is changed for a key that leads out of the store.
 */
export async function prepareRun(engine: Engine, request: ApplyRequest): Promise<PreparedRun> {
  for (const { key } of request.objects) assertDeletable(engine.store.url, key);
  const objects = request.objectsMode === 'keep' ? [] : distinct(request.objects, engine);
  const found = await surveyObjects(
    engine.store,
    objects.map(({ key }) => key),
    engine.signal,
  );
  const overwritten = objects.filter((object) => isOther(found.get(object.key), object));
  const barred = new Set(overwritten.flatMap(({ needs }) => needs ?? []));
  const removals = request.remove.filter((_, n) => !barred.has(n));
  const looked = await engine.index.read((index, source) => lookUp(index, source, removals));
  const gone = new Set([...barred, ...absentNumbers(request.remove, looked.absent)]);
  const going = objects.filter(
    (object) => !overwritten.includes(object) && !(object.needs ?? []).some((n) => gone.has(n)),
  );
  for (const { key } of overwritten) {
    engine.log.warn('object changed since it was planned, kept', { key });
  }
  for (const { entry } of looked.absent) {
    engine.log.warn('index entry changed since it was planned, kept', { segment: entry.segmentId });
  }
  const changed = request.remove.length > 0 ? gone.size : overwritten.length;
  const additions = (request.add ?? []).map(addRecord);
  const returned = request.returned?.length ?? 0;
  if (looked.records.length + going.length + additions.length + returned === 0) {
    return { run: undefined, changed, indexDigest: looked.digest };
  }
  const run = await writeIntent(engine, request, {
    removals: looked.records,
    additions,
    objects: going,
    found,
  });
  return { run, changed, indexDigest: looked.digest };
}

/** One object that two entries name goes once. On a file system, spellings of one key are one. */
function distinct(objects: readonly ObjectRemoval[], engine: Engine): ObjectRemoval[] {
  const byKey = new Map<string, ObjectRemoval>();
  for (const object of objects) {
    const place = engine.store.kind === 'fs' ? canonicalKey(object.key) : object.key;
    const before = byKey.get(place);
    const needs = [...(before?.needs ?? []), ...(object.needs ?? [])];
    byKey.set(place, { ...(before ?? object), needs });
  }
  return [...byKey.values()];
}

function isOther(info: ObjectInfo | undefined, { expectVersion }: ObjectRemoval): boolean {
  return expectVersion !== undefined && info !== undefined && info.version !== expectVersion;
}

function absentNumbers(
  removals: readonly EntryRemoval[],
  absent: readonly RowIdentity[],
): number[] {
  const set = new Set(absent);
  return removals.flatMap(({ identity }, n) => (set.has(identity) ? [n] : []));
}

interface LookedUp {
  readonly records: RemoveRecord[];
  readonly absent: readonly RowIdentity[];
  readonly digest: string;
}

/** Finds the entries in the index as it is now, with the very text that stands there. */
async function lookUp(
  index: SegmentIndex,
  source: ByteSource,
  removals: readonly EntryRemoval[],
): Promise<LookedUp> {
  const { removedRows, absent } = planEdit(index, {
    remove: removals.map(({ identity }) => identity),
  });
  const reasons = new Map(
    removals.map(({ identity, reason }) => [reasonKey(identity.key, identity), reason]),
  );
  const places = removedRows.map((row) => ({ row, ...index.location(row) }));
  const records: RemoveRecord[] = [];
  for await (const { row, text } of readRawEntries(source, places)) {
    const { key, position } = index.location(row);
    const entry = index.entry(row);
    records.push({
      type: 'remove',
      n: records.length,
      key,
      position,
      arrayLength: index.keyOf(row).rowCount,
      entry,
      raw: text === formatEntry(entry) ? null : text,
      reason: reasons.get(reasonKey(key, { entry })) ?? null,
    });
  }
  return { records, absent, digest: index.origin.digest ?? '' };
}

function reasonKey(key: string, { entry }: Pick<RowIdentity, 'entry'>): string {
  return `${key}\0${entry.segmentId}\0${entry.createdAtSeconds}`;
}

function addRecord(addition: NonNullable<ApplyRequest['add']>[number], n: number): AddRecord {
  return {
    type: 'add',
    n,
    key: addition.key ?? null,
    entry: addition.entry,
    raw: addition.rawText ?? null,
    position: addition.formerPlace?.position ?? null,
    arrayLength: addition.formerPlace?.arrayLength ?? null,
    yields: addition.yields ?? false,
  };
}

interface Intended {
  readonly removals: readonly RemoveRecord[];
  readonly additions: readonly AddRecord[];
  readonly objects: readonly ObjectRemoval[];
  readonly found: ReadonlyMap<string, ObjectInfo | undefined>;
}

async function writeIntent(
  engine: Engine,
  request: ApplyRequest,
  intended: Intended,
): Promise<RecordedRun> {
  const startedAtMs = engine.now();
  const runId = makeRunId(startedAtMs, engine.random());
  const trash = request.graceUntilMs === null ? undefined : new TrashPlaces(runId);
  const run = new RecordedRun({
    type: 'begin',
    version: 1,
    runId,
    command: request.command,
    startedAtMs,
    ...engine.self,
    store: engine.store.url,
    index: engine.index.path,
    objects: request.objectsMode,
    entries: request.entriesMode,
    graceUntilMs: request.graceUntilMs,
    target: null,
    indexDigest: request.indexDigest,
    request: request.request,
  });
  const objects = intended.objects.map((object, n): ObjectRecord => {
    const info = intended.found.get(object.key);
    return {
      type: 'object',
      n,
      key: object.key,
      segmentId: object.segmentId,
      sizeBytes: info?.sizeBytes ?? null,
      version: info?.version ?? null,
      trashKey: trash?.place(object.key) ?? null,
      covers: object.covers ?? null,
    };
  });
  await createRun(engine, run, [
    ...intended.removals,
    ...intended.additions,
    ...objects,
    {
      type: 'intent',
      removals: intended.removals.length,
      additions: intended.additions.length,
      objects: objects.length,
      returned: request.returned?.length ?? 0,
    },
  ]);
  return run;
}

/** Takes the records into the run and makes its journal's beginning durable. */
export async function createRun(
  engine: Engine,
  run: RecordedRun,
  records: readonly JournalRecord[],
): Promise<void> {
  for (const record of records) run.take(record);
  const lines = function* (): Generator<string> {
    yield encodeRecord(run.begin);
    for (const record of records) yield encodeRecord(record);
  };
  await engine.runs.create(run.id, lines());
}
