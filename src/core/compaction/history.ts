import { SegctlError } from '../segctl-error.ts';
import type { TopicPartition } from '../segment-index/partition-key.ts';
import { decodeCover } from './journal-codec.ts';
import { RUN_COMMANDS, type RunCommand } from './journal-record.ts';
import { BadRecord, RecordFields } from './record-fields.ts';
import { type DeletedRange, RecordedDeletions } from './recorded-deletions.ts';
import { type RecordedRun, type RunState, readRun } from './recorded-run.ts';
import type { RunFiles } from './run-files.ts';
import { runIdTime } from './run-id.ts';
import { reportOf } from './run-report.ts';

/**
 * The condensed history: what is kept of runs that are long over, so that years of cron runs cost
 * neither disk nor time. JSON Lines:
 *
 *     history   the format's version
 *     run       one line of `compact history`; the newest MAX_RUNS of them
 *     range     deleted offsets of a partition; touching ranges are merged over all runs
 *     entry     the print of a removed entry, by which one that a server writes back is recognized;
 *               dropped after MAX_ENTRY_AGE_MS
 *
 * So its size is bounded by the number of holes between deleted ranges, MAX_RUNS, and what was
 * deleted within MAX_ENTRY_AGE_MS (about 120 bytes a segment). An entry that a server brings back
 * after that is judged by the policy like any other; its missing object counts as deleted.
 */
export const HISTORY_VERSION = 1;

const DAY_MS = 86_400_000;
/** Journals stay whole for so long; `show` has all of them until then. */
const KEEP_JOURNAL_MS = 30 * DAY_MS;
/** A run that could still be undone stays whole for so long. */
const KEEP_UNDOABLE_MS = 400 * DAY_MS;
const MAX_ENTRY_AGE_MS = 400 * DAY_MS;
const MAX_RUNS = 10_000;
/** The history is rewritten only when it is worth it. */
const CONDENSE_FROM_RUNS = 32;

/** One line of `compact history`. */
export interface RunSummary {
  readonly runId: string;
  readonly command: RunCommand;
  readonly startedAtMs: number;
  readonly state: RunState;
  readonly segments: number;
  /** Bytes of the objects that were deleted or moved to the trash. */
  readonly bytes: number;
  readonly failed: number;
  readonly durationMs: number;
  readonly graceUntilMs: number | null;
}

export interface RunHistory {
  /** Oldest first. */
  readonly runs: RunSummary[];
  readonly deletions: RecordedDeletions;
  /** Ids of runs that have something left to do. */
  readonly unfinished: string[];
}

/** Reads what all recorded runs did. With `only`, deletions of other partitions are passed over. */
export async function readHistory(files: RunFiles, only?: TopicPartition): Promise<RunHistory> {
  const condensed = await readCondensed(files);
  const runs = new Map(condensed.runs.map((run) => [run.runId, run]));
  const deletions = new RecordedDeletions(only);
  condensed.addTo(deletions);
  const unfinished: string[] = [];
  for (const runId of await files.list()) {
    // A crash came between condensing the run and removing its folder.
    if (runs.has(runId)) continue;
    const run = await readRun(files, runId);
    runs.set(runId, summaryOf(run));
    deletions.addRun(run);
    if (run.unfinished) unfinished.push(runId);
  }
  const sorted = [...runs.values()].sort((a, b) => (a.runId < b.runId ? -1 : 1));
  return { runs: sorted, deletions, unfinished };
}

export function summaryOf(run: RecordedRun): RunSummary {
  const report = reportOf(run);
  const counted = run.begin.command === 'undo' ? run.additions.length : report.deleted;
  return {
    runId: run.id,
    command: run.begin.command,
    startedAtMs: run.begin.startedAtMs,
    state: run.state,
    segments: counted,
    bytes: report.bytesTaken,
    failed: report.failed,
    durationMs: run.spentMs,
    graceUntilMs: run.begin.graceUntilMs,
  };
}

/**
 * Moves runs that are long over into the condensed history and removes their journals. The history
 * is durable before the first journal goes; a crash in between leaves runs in both, which readers
 * take once. The caller holds the run lock. Gives how many runs were condensed.
 */
export async function condenseHistory(files: RunFiles, nowMs: number): Promise<number> {
  const old: string[] = [];
  const condensed = await readCondensed(files);
  const known = new Set(condensed.runs.map(({ runId }) => runId));
  for (const runId of await files.list()) {
    const ageMs = nowMs - runIdTime(runId);
    if (known.has(runId)) await files.remove(runId);
    else if (ageMs > KEEP_JOURNAL_MS && isOver(await readRun(files, runId), ageMs)) old.push(runId);
  }
  if (old.length < CONDENSE_FROM_RUNS) return 0;
  const deletions = new RecordedDeletions();
  condensed.addTo(deletions);
  const runs = [...condensed.runs];
  for (const runId of old) {
    const run = await readRun(files, runId);
    runs.push(summaryOf(run));
    deletions.addRun(run);
  }
  runs.sort((a, b) => (a.runId < b.runId ? -1 : 1));
  await files.replaceHistory(encodeHistory(runs.slice(-MAX_RUNS), deletions, nowMs));
  for (const runId of old) await files.remove(runId);
  return old.length;
}

/** Whether nothing can be done with the run any more: neither finished nor undone nor purged. */
function isOver(run: RecordedRun, ageMs: number): boolean {
  if (run.unfinished) return false;
  const { graceUntilMs, objects, command } = run.begin;
  if (command === 'undo' || command === 'purge' || run.state === 'abandoned') return true;
  if (graceUntilMs !== null && run.purged?.complete !== true) return run.state === 'undone';
  return objects === 'delete' || run.state === 'undone' || ageMs > KEEP_UNDOABLE_MS;
}

function* encodeHistory(
  runs: readonly RunSummary[],
  deletions: RecordedDeletions,
  nowMs: number,
): Generator<string> {
  const line = (value: object): string =>
    JSON.stringify(value, (_, field: unknown) =>
      typeof field === 'bigint' ? field.toString() : field,
    );
  yield line({ type: 'history', version: HISTORY_VERSION });
  for (const run of runs) yield line({ type: 'run', ...run });
  for (const { topic, partition, ranges, entries } of deletions.partitions) {
    for (const range of mergeRanges(ranges)) yield line({ type: 'range', ...range });
    for (const entry of entries.values()) {
      if (nowMs - runIdTime(entry.runId) > MAX_ENTRY_AGE_MS) continue;
      yield line({ type: 'entry', topic, partition, ...entry });
    }
  }
}

/** Joins ranges of one partition that touch or overlap, whatever runs they come from. */
export function mergeRanges(ranges: readonly DeletedRange[]): DeletedRange[] {
  const sorted = [...ranges].sort((a, b) =>
    a.minOffset === b.minOffset ? 0 : a.minOffset < b.minOffset ? -1 : 1,
  );
  const merged: DeletedRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last === undefined || range.minOffset > last.maxOffset + 1n) {
      merged.push(range);
      continue;
    }
    const reachesFurther = range.maxOffset > last.maxOffset;
    const [older, newer] = last.atMs <= range.atMs ? [last, range] : [range, last];
    merged[merged.length - 1] = {
      ...newer,
      minOffset: last.minOffset,
      maxOffset: reachesFurther ? range.maxOffset : last.maxOffset,
      firstRun: older.firstRun,
      segmentId: null,
      objectStorePath: null,
      inTrashUntilMs: null,
      undoable: false,
    };
  }
  return merged;
}

interface Condensed {
  readonly runs: readonly RunSummary[];
  addTo(deletions: RecordedDeletions): void;
}

const RUN_STATES = [
  'done',
  'partial',
  'interrupted',
  'failed',
  'abandoned',
  'applying',
  'undone',
  'partly-undone',
] as const;

async function readCondensed(files: RunFiles): Promise<Condensed> {
  const runs: RunSummary[] = [];
  const adds: ((deletions: RecordedDeletions) => void)[] = [];
  let line = 0;
  try {
    for await (const text of files.readHistory()) {
      line++;
      const f = new RecordFields(JSON.parse(text));
      const type = f.oneOf('type', ['history', 'run', 'range', 'entry']);
      if (line === 1 && (type !== 'history' || f.whole('version') !== HISTORY_VERSION)) {
        throw new BadRecord('its version is unknown');
      }
      if (type === 'run') runs.push(decodeSummary(f));
      if (type === 'range') {
        const range = decodeRange(f);
        adds.push((deletions) => deletions.addEntry(range, undefined, range));
      }
      if (type === 'entry') {
        const where = { topic: f.text('topic'), partition: f.whole('partition') };
        const entry = {
          print: f.text('print'),
          minOffset: f.big('minOffset'),
          runId: f.text('runId'),
          objectLeft: f.flag('objectLeft'),
        };
        adds.push((deletions) => deletions.addEntry(where, entry));
      }
    }
  } catch (error) {
    if (error instanceof BadRecord || error instanceof SyntaxError)
      throw damaged(files, line, error);
    throw error;
  }
  return {
    runs,
    addTo: (deletions) => {
      for (const add of adds) add(deletions);
    },
  };
}

function decodeSummary(f: RecordFields): RunSummary {
  return {
    runId: f.text('runId'),
    command: f.oneOf('command', RUN_COMMANDS),
    startedAtMs: f.whole('startedAtMs'),
    state: f.oneOf('state', RUN_STATES),
    segments: f.whole('segments'),
    bytes: f.whole('bytes'),
    failed: f.whole('failed'),
    durationMs: f.whole('durationMs'),
    graceUntilMs: f.wholeOrNull('graceUntilMs'),
  };
}

function decodeRange(f: RecordFields): DeletedRange {
  return {
    ...decodeCover(f),
    firstRun: f.text('firstRun'),
    lastRun: f.text('lastRun'),
    command: f.oneOf('command', RUN_COMMANDS),
    atMs: f.whole('atMs'),
    segmentId: f.textOrNull('segmentId'),
    objectStorePath: f.textOrNull('objectStorePath'),
    inTrashUntilMs: f.wholeOrNull('inTrashUntilMs'),
    undoable: f.flag('undoable'),
  };
}

function damaged(files: RunFiles, line: number, cause: Error): SegctlError {
  return new SegctlError(`the condensed history is damaged at line ${line}`, {
    code: 'journal-damaged',
    facts: { folder: files.name, line, found: cause.message },
    remedy:
      'restore .segctl/history.jsonl from a backup, or move it out of the way; without it segctl does not know what older runs deleted',
    cause,
  });
}
