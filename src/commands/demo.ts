import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { CommandRuntime, Run } from './command-runtime.ts';

/** What a real Chronik 2.10.4 server wrote from real Kafka clients; shipped with the package. */
const BUNDLED_DATA = fileURLToPath(
  new URL('../../test/fixtures/chronik-2.10.4-local/data', import.meta.url),
);

/** The bundled segments were indexed on 2026-11-22; seen from here they are nine days old. */
const DEMO_CLOCK = '2026-12-01T12:00:00Z';

/** What the demo shows, in words as typed after `segctl`. */
export const DEMO_COMMANDS: readonly (readonly string[])[] = [
  ['segments', 'ls', '-f', 'table'],
  ['compact', '--dry-run', '--at', DEMO_CLOCK, '-f', 'table'],
  ['fetch', 'orders:1', '--offset', '700', '--count', '1', '-f', 'json'],
  ['fetch', 'click-events', '--offset', '4711', '--count', '1'],
];

export function demoCommand(runtime: CommandRuntime): Command {
  const run: Run<Record<string, never>> = async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'segctl-demo-'));
    try {
      const dataDir = join(folder, 'data');
      await cp(BUNDLED_DATA, dataDir, { recursive: true });
      for (const words of DEMO_COMMANDS) {
        await context.write(`\n$ segctl ${words.join(' ')}\n`);
        const status = await runtime.run([
          '--data-dir',
          dataDir,
          '--store',
          join(dataDir, 'segments'),
          ...words,
        ]);
        if (status !== 0) await context.write(`(exit status ${status})\n`);
      }
      return undefined;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return new Command('demo')
    .description('list, plan and fetch on a temporary copy of real bundled data')
    .action(runtime.action(run));
}
