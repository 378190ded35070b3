import { applyDeletions } from '../../src/core/compaction/apply.ts';
import { applyPurge, planPurge } from '../../src/core/compaction/purge.ts';
import { readRun } from '../../src/core/compaction/recorded-run.ts';
import { resumeAll, settleUnfinished } from '../../src/core/compaction/resume.ts';
import { applyUndo } from '../../src/core/compaction/undo.ts';
import { planUndo } from '../../src/core/compaction/undo-plan.ts';
import { fsIndexFile } from '../../src/storage/fs-index-file.ts';
import { nodeIndexFilePort } from '../../src/storage/index-file-port.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { FsRunFiles } from '../../src/storage/run-files.ts';
import { acquireRunLock } from '../../src/storage/run-lock.ts';
import { nodeStateFsPort } from '../../src/storage/state-fs-port.ts';
import { entry, makeWorld, NOW_MS, openWorld, type World } from '../core/compaction/engine-kit.ts';
import { type Step, SteppingStore, steppingIndexPort, steppingStateFs } from './stepping.ts';

export const SCENARIOS = ['delete', 'grace', 'undo', 'purge'] as const;
export type Scenario = (typeof SCENARIOS)[number];

const GRACE_UNTIL_MS = NOW_MS + 1000;
const OLD = ['orders-0-0-99', 'orders-0-100-199', 'clicks-3-0-49'];
const ENTRIES = [
  entry('orders', 0, 0, 99, 30),
  entry('orders', 0, 100, 199, 20),
  entry('orders', 0, 200, 299, 1),
  entry('clicks', 3, 0, 49, 30),
  entry('clicks', 3, 50, 99, 1),
];

/** A world as it is before the scenario's run. */
export async function setUp(
  scenario: Scenario,
  dataDir: string,
  store: ObjectStore,
): Promise<World> {
  const world = await makeWorld(ENTRIES, { store, dataDir });
  if (scenario === 'undo' || scenario === 'purge') {
    const request = await world.request(OLD, { graceUntilMs: GRACE_UNTIL_MS });
    await applyDeletions(world.engine, request);
  }
  return world;
}

/** The scenario's run as a whole process does it: lock, clear the way, work, release. */
export async function runScenario(
  scenario: Scenario,
  dataDir: string,
  store: ObjectStore,
  step: Step = () => {},
): Promise<void> {
  await underLock(dataDir, store, step, async (world) => {
    await settleUnfinished(world.engine);
    if (scenario === 'purge') {
      const plan = await planPurge(world.engine, GRACE_UNTIL_MS);
      if (plan.objects.length > 0) await applyPurge(world.engine, plan);
    } else if (scenario === 'undo') {
      for (const runId of await world.runs.list()) {
        const { begin, state } = await readRun(world.runs, runId);
        if (begin.command !== 'compact' || state === 'undone') continue;
        await applyUndo(world.engine, await planUndo(world.engine, runId));
      }
    } else {
      const graceUntilMs = scenario === 'grace' ? GRACE_UNTIL_MS : null;
      await applyDeletions(world.engine, await world.request(OLD, { graceUntilMs }));
    }
  });
}

/** What `compact resume` does. */
export async function resumeScenario(
  dataDir: string,
  store: ObjectStore,
  step: Step = () => {},
): Promise<void> {
  await underLock(dataDir, store, step, async (world) => {
    await resumeAll(world.engine);
  });
}

async function underLock(
  dataDir: string,
  inner: ObjectStore,
  step: Step,
  work: (world: World) => Promise<void>,
): Promise<void> {
  const port = steppingStateFs(nodeStateFsPort, step);
  const { signal } = new AbortController();
  const indexPort = steppingIndexPort(nodeIndexFilePort, step);
  const world = openWorld(dataDir, new SteppingStore(inner, step), {
    runs: (folder) => new FsRunFiles(folder, port),
    index: (path) => fsIndexFile(path, { signal, port: indexPort }),
  });
  const lock = await acquireRunLock(dataDir, {
    command: 'crash test',
    waitMs: 0,
    breakUnknown: false,
    signal,
    now: Date.now,
    port,
  });
  try {
    await work(world);
  } finally {
    await lock.release();
  }
}

/** The world's state in a form that is equal for equal states: runs have other names each time. */
export async function stateOf(world: World): Promise<string> {
  const keys = (await world.keys())
    .map((key) => key.replace(/^(\.segctl-trash\/)[^/]+/, '$1RUN').replace(/^\.?\//, ''))
    .sort();
  return `${await world.text()}\n${keys.join('\n')}`;
}

/** Segment ids of entries whose object is not where the entry says. */
export async function danglingEntries(world: World): Promise<string[]> {
  const index = await world.index();
  const dangling: string[] = [];
  for (let row = 0; row < index.rowCount; row++) {
    const found = await world.store.head(index.objectStorePath(row));
    if (found === undefined) dangling.push(index.segmentId(row));
  }
  return dangling;
}
