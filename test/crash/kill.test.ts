import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resumeAll } from '../../src/core/compaction/resume.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';
import { openWorld } from '../core/compaction/engine-kit.ts';
import { availableServer, type S3Server } from '../servers/s3-server.ts';
import { compileChild, removeChild, runChild } from './child-process.ts';
import {
  danglingEntries,
  resumeScenario,
  runScenario,
  SCENARIOS,
  type Scenario,
  setUp,
  stateOf,
} from './scenarios.ts';

/** A place for one attempt: a data dir of its own, and a store that nothing else uses. */
interface Place {
  readonly dataDir: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly store: ObjectStore;
}

type MakePlace = () => Promise<Place>;

const folders: string[] = [];
let tried = 0;

beforeAll(async () => {
  await compileChild();
});

afterAll(async () => {
  process.stdout.write(`\nSIGKILL at ${tried} points, each followed by a recovery\n`);
  removeChild();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

async function dataDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'segctl-crash-'));
  folders.push(folder);
  return folder;
}

const localPlace: MakePlace = async () => {
  const folder = await dataDir();
  const url = `file://${join(folder, 'segments')}`;
  const store = await openStore(storeSettings({}, { dataDir: folder, store: url }));
  return { dataDir: folder, url, env: {}, store };
};

/** Kills a run at its step `killAt`; gives false where it has fewer steps. */
async function killAndRecover(
  scenario: Scenario,
  makePlace: MakePlace,
  killAt: number,
  recovery: 'resume' | 'next run',
  expected: { readonly before: string; readonly after: string },
): Promise<boolean> {
  const place = await makePlace();
  await setUp(scenario, place.dataDir, place.store);
  const world = openWorld(place.dataDir, place.store);
  const runsBefore = (await world.runs.list()).length;
  const { killed } = await runChild(
    [scenario, place.dataDir, place.url, String(killAt)],
    place.env,
  );
  const where = `${scenario}, killed at step ${killAt}, then ${recovery}`;
  expect(await danglingEntries(world), where).toEqual([]);
  const hasRun = (await world.runs.list()).length > runsBefore;
  if (recovery === 'resume') await resumeScenario(place.dataDir, place.store);
  else await runScenario(scenario, place.dataDir, place.store);
  const wanted = hasRun || recovery === 'next run' ? expected.after : expected.before;
  expect(await stateOf(world), where).toBe(wanted);
  expect(await danglingEntries(world), where).toEqual([]);
  expect(await resumeAll(world.engine), where).toEqual([]);
  await place.store.close();
  if (killed) tried++;
  return killed;
}

async function expectedStates(scenario: Scenario, makePlace: MakePlace) {
  const place = await makePlace();
  const world = await setUp(scenario, place.dataDir, place.store);
  const before = await stateOf(world);
  const { steps } = await runChild([scenario, place.dataDir, place.url, '-1'], place.env);
  const after = await stateOf(world);
  await place.store.close();
  expect(after).not.toBe(before);
  return { before, after, steps };
}

describe('a run that is killed on a local store', () => {
  it.each(SCENARIOS)('%s: at every step, and recovers', { timeout: 600_000 }, async (scenario) => {
    const expected = await expectedStates(scenario, localPlace);
    const points = Array.from({ length: expected.steps }, (_, killAt) => killAt);
    await pMap(
      points,
      async (killAt) => {
        for (const recovery of ['resume', 'next run'] as const) {
          expect(await killAndRecover(scenario, localPlace, killAt, recovery, expected)).toBe(true);
        }
      },
      { concurrency: 3 },
    );
  });

  it('recovers from a recovery that is killed too', { timeout: 600_000 }, async () => {
    const expected = await expectedStates('grace', localPlace);
    const killAt = Math.floor(expected.steps / 2);
    for (let again = 0; ; again++) {
      const place = await localPlace();
      await setUp('grace', place.dataDir, place.store);
      await runChild(['grace', place.dataDir, place.url, String(killAt)]);
      const args = ['grace', place.dataDir, place.url, String(again), 'resume'];
      const isKilled = (await runChild(args)).killed;
      await resumeScenario(place.dataDir, place.store);
      const world = openWorld(place.dataDir, place.store);
      expect(await stateOf(world)).toBe(expected.after);
      expect(await danglingEntries(world)).toEqual([]);
      if (!isKilled) break;
      tried++;
    }
  });
});

const startServer = await availableServer('moto');

describe.skipIf(startServer === undefined)('a run that is killed on S3', () => {
  let server: S3Server | undefined;
  let bucket = '';
  let places = 0;

  beforeAll(async () => {
    server = await startServer?.();
    bucket = (await server?.makeBucket()) ?? '';
  });

  afterAll(async () => {
    await server?.stop();
  });

  const s3Place: MakePlace = async () => {
    if (server === undefined) throw new Error('no server');
    const folder = await dataDir();
    const env = server.env(bucket);
    const url = `s3://${bucket}/place-${places++}`;
    const store = await openStore(storeSettings(env, { dataDir: folder, store: url }));
    return { dataDir: folder, url, env, store };
  };

  it.each(SCENARIOS)('%s: at every step, and recovers', { timeout: 900_000 }, async (scenario) => {
    const expected = await expectedStates(scenario, s3Place);
    const points = Array.from({ length: expected.steps }, (_, killAt) => killAt);
    await pMap(
      points,
      async (killAt) => {
        // Both recoveries are tried at every step of the local store.
        const recovery = killAt % 2 === 0 ? 'resume' : 'next run';
        expect(await killAndRecover(scenario, s3Place, killAt, recovery, expected)).toBe(true);
      },
      { concurrency: 3 },
    );
  });
});
