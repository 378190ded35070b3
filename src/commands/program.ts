import { Command } from 'commander';
import { addGlobalOptions } from '../config/global-options.ts';
import { EXIT_CODES } from '../core/exit-codes.ts';
import type { Io } from '../io.ts';
import { VERSION } from '../version.ts';
import type { CommandRuntime } from './command-runtime.ts';
import { compactCommand } from './compact/compact.ts';
import { completionCommands } from './completion.ts';
import { configCommand } from './config-show.ts';
import { demoCommand } from './demo.ts';
import { fetchCommand } from './fetch/fetch.ts';
import { segmentsCommand } from './segments/segments.ts';

type Streams = Pick<Io, 'stdout' | 'stderr'>;

/**
 * The command tree. The help, the man page and the completions are made from it, so loading it must
 * stay cheap: command files import what they run with only when they run.
 */
export function buildProgram(runtime: CommandRuntime, io: Streams): Command {
  const program = buildCommands(runtime);
  const [completion, complete] = completionCommands(() => buildCommands(runtime));
  if (completion !== undefined) program.addCommand(completion);
  if (complete !== undefined) program.addCommand(complete, { hidden: true });
  for (const command of allCommands(program)) configure(command, program, io);
  return program;
}

function buildCommands(runtime: CommandRuntime): Command {
  return addGlobalOptions(new Command('segctl'))
    .description('Administers the archived segments of Chronik Stream.')
    .version(VERSION, '-V, --version', 'print the version')
    .addCommand(segmentsCommand(runtime))
    .addCommand(compactCommand(runtime))
    .addCommand(fetchCommand(runtime))
    .addCommand(configCommand(runtime))
    .addCommand(demoCommand(runtime))
    .addHelpText('after', `\nExit status:\n${exitStatusTable()}`);
}

function configure(command: Command, program: Command, io: Streams): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.stdout.write(text);
      },
      writeErr: (text) => {
        io.stderr.write(text);
      },
    })
    .configureHelp({ showGlobalOptions: command !== program })
    .showSuggestionAfterError()
    .showHelpAfterError('next: add --help to see what it takes');
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function exitStatusTable(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`)
    .join('\n');
}
