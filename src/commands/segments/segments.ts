import { Command } from 'commander';
import type { CommandRuntime } from '../command-runtime.ts';

/** In the order of the help. */
const SUBCOMMANDS: readonly {
  readonly name: string;
  readonly load: (runtime: CommandRuntime) => Promise<Command>;
}[] = [
  { name: 'ls', load: async (runtime) => (await import('./ls.ts')).lsCommand(runtime) },
  { name: 'show', load: async (runtime) => (await import('./show.ts')).showCommand(runtime) },
  {
    name: 'explain',
    load: async (runtime) => (await import('./explain.ts')).explainCommand(runtime),
  },
  { name: 'stats', load: async (runtime) => (await import('./stats.ts')).statsCommand(runtime) },
];

/** As the whole tree, it has only the subcommands that `words` name, or all if they name none. */
export async function segmentsCommand(
  runtime: CommandRuntime,
  words: readonly string[],
): Promise<Command> {
  const command = new Command('segments').description('see which archived segments there are');
  const named = SUBCOMMANDS.filter(({ name }) => words.includes(name));
  for (const { load } of named.length === 0 ? SUBCOMMANDS : named) {
    command.addCommand(await load(runtime));
  }
  return command;
}
