import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { SegctlError } from '../core/segctl-error.ts';
import type { CommandRuntime, Run } from './command-runtime.ts';

/** What a real Chronik 2.10.4 server wrote from real Kafka clients; shipped with the package. */
const BUNDLED_DATA = fileURLToPath(
  new URL('../../test/fixtures/chronik-2.10.4-local/data', import.meta.url),
);

/** The bundled segments were indexed on 2026-11-22; seen from here they are nine days old. */
const DEMO_CLOCK = '2026-12-01T12:00:00Z';

/** What the demo shows: words as typed after `segctl`, each with what to look for. */
const DEMO_STEPS: readonly { readonly note: string; readonly words: readonly string[] }[] = [
  { note: 'what is archived', words: ['segments', 'ls', '-f', 'table'] },
  {
    note: 'what a compaction would delete',
    words: ['compact', '--dry-run', '--at', DEMO_CLOCK, '-f', 'table'],
  },
  {
    note: 'an archived record',
    words: ['fetch', 'orders:1', '--offset', '700', '--count', '1', '-f', 'json'],
  },
  {
    note: 'an offset that is not there: why, and where to go on',
    words: ['fetch', 'click-events', '--offset', '4711', '--count', '1'],
  },
];

export function demoCommand(runtime: CommandRuntime): Command {
  const run: Run<Record<string, never>> = async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'segctl-demo-')).catch(noSpace);
    try {
      const dataDir = join(folder, 'data');
      await copyWritable(BUNDLED_DATA, dataDir).catch(noSpace);
      const place = ['--data-dir', dataDir, '--store', join(dataDir, 'segments')];
      for (const { note, words } of DEMO_STEPS) {
        context.signal.throwIfAborted();
        await context.write(`\n# ${note}\n$ segctl ${words.join(' ')}\n`);
        const status = await runtime.run([...place, ...words]);
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

function noSpace(cause: unknown): never {
  throw new SegctlError("the bundled data can't be copied to a temporary folder", {
    code: 'no-temporary-space',
    facts: {
      folder: tmpdir(),
      reason: cause instanceof Error ? cause.message : String(cause),
    },
    remedy: 'set TMPDIR to a folder that may be written to, with 5 MB free',
    cause,
  });
}

/** Not by `cp`, which keeps the modes: a read-only copy could not be removed again. */
async function copyWritable(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyWritable(source, target);
    else await writeFile(target, await readFile(source));
  }
}
