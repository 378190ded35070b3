import { Command } from 'commander';
import { addGlobalOptions } from '../config/global-options.ts';
import { EXIT_CODES } from '../core/exit-codes.ts';
import type { Io } from '../io.ts';
import { VERSION } from '../version.ts';
import type { CommandRuntime } from './command-runtime.ts';
import { usageError } from './usage-error.ts';

type Streams = Pick<Io, 'stdout' | 'stderr'>;

interface TopCommand {
  readonly name: string;
  /** Whether it reads the whole tree, so that every command has to be there. */
  readonly needsAll?: boolean;
  readonly isHidden?: boolean;
  /** `words` as buildProgram has them; empty where every command is wanted. */
  readonly load: (runtime: CommandRuntime, words: readonly string[]) => Promise<Command>;
}

/** In the order of the help. */
const TOP_COMMANDS: readonly TopCommand[] = [
  {
    name: 'segments',
    load: async (runtime, words) =>
      (await import('./segments/segments.ts')).segmentsCommand(runtime, words),
  },
  {
    name: 'compact',
    load: async (runtime) => (await import('./compact/compact.ts')).compactCommand(runtime),
  },
  {
    name: 'fetch',
    load: async (runtime) => (await import('./fetch/fetch.ts')).fetchCommand(runtime),
  },
  {
    name: 'gc',
    load: async (runtime) => (await import('./gc.ts')).gcCommand(runtime),
  },
  {
    name: 'reindex',
    load: async (runtime) => (await import('./reindex.ts')).reindexCommand(runtime),
  },
  {
    name: 'verify',
    load: async (runtime) => (await import('./verify.ts')).verifyCommand(runtime),
  },
  {
    name: 'config',
    needsAll: true,
    load: async (runtime) => (await import('./config-show.ts')).configCommand(runtime),
  },
  {
    name: 'doctor',
    load: async (runtime) => (await import('./doctor.ts')).doctorCommand(runtime),
  },
  {
    name: 'completion',
    load: async () => (await import('./completion.ts')).completionCommand(),
  },
  {
    name: 'complete',
    isHidden: true,
    load: async (runtime) =>
      (await import('./completion.ts')).completeCommand(() => commandTree(runtime)),
  },
  { name: 'demo', load: async (runtime) => (await import('./demo.ts')).demoCommand(runtime) },
];

/** What `segctl complete` itself is not offered. */
const COMPLETION_COMMANDS = ['completion', 'complete'];

/**
 * The command tree for a command line. Only commands that its words name are loaded, since a start
 * must not pay for all of them; all of them are when none is named, as for the help. The help, the
 * man page and the completions are made from this tree.
 */
export async function buildProgram(
  runtime: CommandRuntime,
  io: Streams,
  words: readonly string[] = [],
): Promise<Command> {
  const named = TOP_COMMANDS.filter(({ name }) => words.includes(name));
  const isAll = named.length === 0 || named.some(({ needsAll }) => needsAll === true);
  const isVersion =
    named.length === 0 && words.some((word) => word === '-V' || word === '--version');
  const program = rootCommand();
  for (const command of isVersion ? [] : isAll ? TOP_COMMANDS : named) {
    const part = await command.load(runtime, isAll ? [] : words);
    program.addCommand(part, { hidden: command.isHidden === true });
  }
  for (const command of allCommands(program)) configure(command, program, io);
  return program;
}

/**
 * The tree that completions are read from; the library adds commands of its own to it. It looks for
 * a command's flags on that command alone, and takes what follows a line feed for another candidate.
 */
async function commandTree(runtime: CommandRuntime): Promise<Command> {
  const program = rootCommand();
  const { options } = program;
  for (const { name, load } of TOP_COMMANDS) {
    if (!COMPLETION_COMMANDS.includes(name)) program.addCommand(await load(runtime, []));
  }
  for (const command of allCommands(program)) {
    command.description(command.summary() || command.description());
    if (command === program) continue;
    const own = command.options.map(({ long }) => long);
    const missing = options.filter(({ long }) => !own.includes(long) && long !== '--version');
    for (const option of missing) command.addOption(option);
  }
  return program;
}

function rootCommand(): Command {
  return addGlobalOptions(new Command('segctl'))
    .description('Administers the archived segments of Chronik Stream.')
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpText('after', `\nExit status:\n${exitStatusTable()}`);
}

function configure(command: Command, program: Command, io: Streams): void {
  command
    .exitOverride((error) => {
      throw usageError(error, command);
    })
    .configureOutput({
      writeOut: (text) => {
        io.stdout.write(text);
      },
      writeErr: (text) => {
        io.stderr.write(text);
      },
      // Errors are told where all others are.
      outputError: () => {},
    })
    .configureHelp({ ...command.configureHelp(), showGlobalOptions: command !== program });
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function exitStatusTable(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`)
    .join('\n');
}
