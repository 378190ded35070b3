/**
 * CPU time (user and system) of short commands, as ratios to an empty Node in the same run. Run
 * `npm run build` first, then `node bench/startup.mjs [ROUNDS]`. The smallest of the rounds counts,
 * since noise only adds.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const rounds = Number(process.argv[2] ?? 15);
const bin = fileURLToPath(new URL('../bin/segctl.js', import.meta.url));
const data = fileURLToPath(new URL('../test/fixtures/chronik-2.10.4-local/data', import.meta.url));

const EMPTY = { name: 'node -e 0', args: ['-e', '0'] };
const COMMANDS = [
  { name: 'segctl --version', args: [bin, '--version'] },
  { name: 'segctl --help', args: [bin, '--help'] },
  { name: 'segctl segments ls', args: [bin, 'segments', 'ls', '-f', 'jsonl', '--data-dir', data] },
  {
    name: 'segctl fetch, one record',
    args: [bin, 'fetch', 'orders:1', '--offset', '700', '--count', '1', '--data-dir', data],
  },
];

/** bash's `time` counts what its child used, which Node can't tell of its own children. */
function cpuMs({ name, args }) {
  const line = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null';
  const { status, stderr } = spawnSync('bash', ['-c', line, 'bash', process.execPath, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
  const [user, system] = stderr.trim().split(/\s+/).map(Number);
  return (user + system) * 1000;
}

const all = [EMPTY, ...COMMANDS];
const least = new Map(all.map(({ name }) => [name, Infinity]));
for (let round = 0; round < rounds; round++) {
  for (const command of all) {
    least.set(command.name, Math.min(least.get(command.name), cpuMs(command)));
  }
}
const base = least.get(EMPTY.name);
for (const [name, ms] of least) {
  console.log(`${name.padEnd(26)} ${ms.toFixed(0).padStart(5)} ms  ${(ms / base).toFixed(2)} x`);
}
