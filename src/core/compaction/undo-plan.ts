import { canonicalKey } from '../../storage/canonical-key.ts';
import type { ObjectInfo } from '../../storage/object-store.ts';
import { SegctlError } from '../segctl-error.ts';
import { sameEntry } from '../segment-index/entry-format.ts';
import type { RowIdentity } from '../segment-index/index-edit.ts';
import { parsePartitionKey } from '../segment-index/partition-key.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import type { Engine } from './engine.ts';
import type { ObjectRecord, RemoveRecord } from './journal-record.ts';
import { type RecordedRun, readRun } from './recorded-run.ts';
import { surveyObjects } from './survey.ts';

/** Why something does not come back. */
export type LossReason = 'object-deleted' | 'object-replaced' | 'offset-taken';

export interface Loss {
  readonly segmentId: string | null;
  readonly key: string;
  readonly why: LossReason;
}

/** What an undo of `run` would do. */
export interface UndoPlan {
  readonly run: RecordedRun;
  /** Entries that come back into the index. */
  readonly entries: readonly RemoveRecord[];
  /** Numbers of removals whose entry is in the index, and whose object is there or comes back. */
  readonly alreadyBack: readonly number[];
  /** Objects that come back from the trash. */
  readonly objects: readonly ObjectRecord[];
  /** Entries that the run had added, and that leave again. */
  readonly takeOut: readonly RowIdentity[];
  readonly losses: readonly Loss[];
}

type Whereabouts = 'there' | 'in-trash' | 'was-missing' | 'object-deleted' | 'object-replaced';

/**
 * Works out what can be taken back. An entry comes back only where its object is there, comes back
 * from the trash, or was missing before the run too. Throws `run-not-found`, `not-undoable` for a
 * run of another kind or that is undone already, and `nothing-to-undo` with the reasons.
 */
export async function planUndo(engine: Engine, runId: string): Promise<UndoPlan> {
  const run = await readRun(engine.runs, runId);
  refuseUndo(run);
  const whereabouts = await locateObjects(engine, run);
  const plan = await engine.index.read(async (index) =>
    judgeEntries(engine, run, whereabouts, index),
  );
  const { entries, objects, takeOut, alreadyBack, losses } = plan;
  const changes = entries.length + objects.length + takeOut.length;
  if (changes === 0 && losses.length > 0 && alreadyBack.length === 0) {
    throw nothingToUndo(run, losses);
  }
  return plan;
}

/** The key under which an object's whereabouts are noted. */
export function placeOf(engine: Engine, key: string): string {
  return engine.store.kind === 'fs' ? canonicalKey(key) : key;
}

function refuseUndo(run: RecordedRun): void {
  const { command } = run.begin;
  const why =
    command === 'undo' || command === 'purge'
      ? `it is a run of ${command}, which can't be taken back`
      : run.state === 'undone'
        ? `run ${run.undone?.by ?? ''} has taken it back already`
        : run.state === 'abandoned'
          ? 'it was given up before it changed anything'
          : undefined;
  if (why === undefined) return;
  throw new SegctlError(`run ${run.id} can't be undone: ${why}`, {
    code: 'not-undoable',
    facts: { run: run.id, command, state: run.state },
    remedy: 'see what the runs did with: segctl compact history',
  });
}

async function locateObjects(engine: Engine, run: RecordedRun): Promise<Map<string, Whereabouts>> {
  const records = new Map(run.objects.map((object) => [placeOf(engine, object.key), object]));
  const others = run.removals
    .map(({ entry }) => entry.objectStorePath)
    .filter((path) => !records.has(placeOf(engine, path)));
  const keys = run.objects.flatMap(({ key, trashKey }) =>
    trashKey === null ? [key] : [key, trashKey],
  );
  const found = await surveyObjects(engine.store, [...keys, ...others], engine.signal);
  const whereabouts = new Map<string, Whereabouts>();
  for (const path of others) {
    const there = found.get(path) !== undefined;
    whereabouts.set(placeOf(engine, path), there ? 'there' : 'object-deleted');
  }
  for (const [place, object] of records) {
    const copy = object.trashKey === null ? undefined : found.get(object.trashKey);
    whereabouts.set(place, whereIs(object, found.get(object.key), copy));
  }
  return whereabouts;
}

function whereIs(
  object: ObjectRecord,
  present: ObjectInfo | undefined,
  copy: ObjectInfo | undefined,
): Whereabouts {
  if (present !== undefined)
    return present.version === object.version ? 'there' : 'object-replaced';
  if (copy !== undefined) return 'in-trash';
  return object.version === null ? 'was-missing' : 'object-deleted';
}

function judgeEntries(
  engine: Engine,
  run: RecordedRun,
  whereabouts: ReadonlyMap<string, Whereabouts>,
  index: SegmentIndex,
): UndoPlan {
  const where = (key: string): Whereabouts => whereabouts.get(placeOf(engine, key)) ?? 'there';
  const untouchedSince = index.origin.digest === run.index?.digestAfter;
  const entries: RemoveRecord[] = [];
  const alreadyBack: number[] = [];
  const losses: Loss[] = [];
  const lost = (segmentId: string | null, key: string, why: LossReason): void => {
    losses.push({ segmentId, key, why });
  };
  for (const removal of run.removals) {
    const { entry } = removal;
    const place = where(entry.objectStorePath);
    const rival = untouchedSince ? undefined : rivalOf(index, removal);
    if (rival === 'equal' && place !== 'object-deleted') alreadyBack.push(removal.n);
    else if (place === 'object-deleted' || place === 'object-replaced') {
      lost(entry.segmentId, entry.objectStorePath, place);
    } else if (rival === 'other') lost(entry.segmentId, entry.objectStorePath, 'offset-taken');
    else entries.push(removal);
  }
  const named = new Set(run.removals.map(({ entry }) => placeOf(engine, entry.objectStorePath)));
  for (const { key, segmentId } of run.objects) {
    const place = where(key);
    if (named.has(placeOf(engine, key))) continue;
    if (place === 'object-deleted' || place === 'object-replaced') lost(segmentId, key, place);
  }
  const objects = run.objects.filter(({ key }) => where(key) === 'in-trash');
  return { run, entries, alreadyBack, objects, takeOut: addedByRun(run), losses };
}

/** Whether the index holds the entry, or another one that begins at the same offset. */
function rivalOf(index: SegmentIndex, { key, entry }: RemoveRecord): 'equal' | 'other' | undefined {
  const name = parsePartitionKey(key);
  const partition = name === undefined ? undefined : index.partition(name.topic, name.partition);
  if (partition === undefined) return undefined;
  let rival: 'other' | undefined;
  for (const row of [...partition.rows, ...partition.shadowed]) {
    if (index.minOffset(row) !== entry.minOffset) continue;
    if (sameEntry(index.entry(row), entry)) return 'equal';
    rival = 'other';
  }
  return rival;
}

function addedByRun(run: RecordedRun): RowIdentity[] {
  if (run.index === undefined) return [];
  return run.additions.map(({ key, entry, position }) => ({
    key: key ?? `${entry.topic}-${entry.partition}`,
    position: position ?? 0,
    entry,
  }));
}

const WHY: Readonly<Record<LossReason, string>> = {
  'object-deleted': 'deleted for good',
  'object-replaced': 'replaced by a newer object',
  'offset-taken': 'their offsets belong to newer entries',
};

function nothingToUndo(run: RecordedRun, losses: readonly Loss[]): SegctlError {
  const counts = Object.entries(WHY).flatMap(([why, words]) => {
    const count = losses.filter((loss) => loss.why === why).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return new SegctlError(`nothing of run ${run.id} can be brought back: ${counts.join(', ')}`, {
    code: 'nothing-to-undo',
    facts: { run: run.id, segments: losses.length, firstKey: losses[0]?.key ?? null },
    remedy: 'a run with --grace 48h can be undone until its trash is purged',
  });
}
