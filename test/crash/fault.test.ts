import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SegctlError } from '../../src/core/segctl-error.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';
import { openWorld } from '../core/compaction/engine-kit.ts';
import { availableServer } from '../servers/s3-server.ts';
import {
  danglingEntries,
  runScenario,
  SCENARIOS,
  type Scenario,
  setUp,
  stateOf,
} from './scenarios.ts';

const folders: string[] = [];
let faults = 0;

afterAll(async () => {
  process.stdout.write(`\n${faults} faults injected, each followed by a recovery\n`);
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

type MakeStore = (dataDir: string) => Promise<ObjectStore>;

const localStore: MakeStore = async (dataDir) =>
  await openStore(storeSettings({}, { dataDir, store: `file://${join(dataDir, 'segments')}` }));

async function place(scenario: Scenario, makeStore: MakeStore) {
  const dataDir = await mkdtemp(join(tmpdir(), 'segctl-fault-'));
  folders.push(dataDir);
  const store = await makeStore(dataDir);
  const world = await setUp(scenario, dataDir, store);
  return { dataDir, store, world };
}

/** What the system would throw at this step: the store words its errors itself. */
function faultAt(step: string, errno: string): Error {
  if (step.startsWith('store:')) {
    return new SegctlError(`the store failed (${errno})`, { code: 'store-failed' });
  }
  return Object.assign(new Error(`${errno}: ${step}`), { code: errno });
}

/** Fails step `failAt`, or all of its kind from there on, and then recovers; false past the end. */
async function failAndRecover(
  scenario: Scenario,
  makeStore: MakeStore,
  fault: { readonly errno: string; readonly at: number; readonly lasting: boolean },
  expected: string,
): Promise<boolean> {
  const { dataDir, store, world } = await place(scenario, makeStore);
  let steps = 0;
  let failed: string | undefined;
  const where = () =>
    `${scenario}: ${fault.errno} at step ${fault.at} (${failed}), ${fault.lasting}`;
  try {
    await runScenario(scenario, dataDir, store, (step) => {
      const isLater = failed !== undefined && fault.lasting && kindOf(step) === kindOf(failed);
      if (steps++ !== fault.at && !isLater) return;
      failed ??= step;
      throw faultAt(step, fault.errno);
    });
  } catch (error) {
    expect(error, where()).toBeInstanceOf(SegctlError);
  }
  if (failed === undefined) return false;
  faults++;
  expect(await danglingEntries(world), where()).toEqual([]);
  await runScenario(scenario, dataDir, store);
  expect(await stateOf(openWorld(dataDir, store)), where()).toBe(expected);
  expect(await danglingEntries(world), where()).toEqual([]);
  await rm(dataDir, { recursive: true, force: true });
  return true;
}

function kindOf(step: string): string {
  return step.split(':')[0] ?? '';
}

async function expectedState(scenario: Scenario, makeStore: MakeStore): Promise<string> {
  const { dataDir, store, world } = await place(scenario, makeStore);
  await runScenario(scenario, dataDir, store);
  return await stateOf(world);
}

describe('a step that fails on a local store', () => {
  for (const scenario of SCENARIOS) {
    it.each([
      ['ENOSPC', true],
      ['EACCES', true],
      ['EIO', false],
    ])(
      `${scenario}: %s at every step (lasting: %s)`,
      { timeout: 300_000 },
      async (errno, lasting) => {
        const expected = await expectedState(scenario, localStore);
        for (let at = 0; ; at++) {
          if (!(await failAndRecover(scenario, localStore, { errno, at, lasting }, expected)))
            break;
        }
      },
    );
  }
});

const startServer = await availableServer('moto');

describe.skipIf(startServer === undefined)('a step that fails on S3', () => {
  it.each(SCENARIOS)('%s: every step', { timeout: 600_000 }, async (scenario) => {
    const server = await startServer?.();
    if (server === undefined) throw new Error('no server');
    try {
      const bucket = await server.makeBucket();
      let places = 0;
      const s3Store: MakeStore = async (dataDir) => {
        const url = `s3://${bucket}/place-${places++}`;
        return await openStore(storeSettings(server.env(bucket), { dataDir, store: url }));
      };
      const expected = await expectedState(scenario, s3Store);
      for (let at = 0; ; at++) {
        const fault = { errno: 'EIO', at, lasting: false };
        if (!(await failAndRecover(scenario, s3Store, fault, expected))) break;
      }
    } finally {
      await server.stop();
    }
  });
});
