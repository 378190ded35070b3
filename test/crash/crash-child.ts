import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';
import { resumeScenario, runScenario, SCENARIOS } from './scenarios.ts';

/**
 * Runs a scenario and kills itself, by SIGKILL, at the step that its arguments say: SCENARIO
 * DATA_DIR STORE_URL KILL_AT [resume]. Prints the number of steps where it came to the end.
 */
const [name, dataDir = '', url = '', killAt, mode] = process.argv.slice(2);
const scenario = SCENARIOS.find((one) => one === name);
if (scenario === undefined) throw new Error(`no scenario ${name}`);
const store = await openStore(storeSettings(process.env, { dataDir, store: url }));
let steps = 0;
const step = (): void => {
  if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
  steps++;
};
if (mode === 'resume') await resumeScenario(dataDir, store, step);
else await runScenario(scenario, dataDir, store, step);
process.stdout.write(`${steps}\n`);
await store.close();
