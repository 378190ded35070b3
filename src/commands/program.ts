import { Command } from 'commander';
import { addGlobalOptions } from '../config/global-options.ts';
import { EXIT_CODES } from '../core/exit-codes.ts';
import type { Io } from '../io.ts';
import { VERSION } from '../version.ts';
import type { CommandRuntime } from './command-runtime.ts';
import { fetchCommand } from './fetch/fetch.ts';
import { segmentsCommand } from './segments/segments.ts';

/**
 * The command tree. The help, the man page and the completions are made from it, so loading it must
 * stay cheap: command files import what they run with only when they run.
 */
export function buildProgram(runtime: CommandRuntime, io: Pick<Io, 'stdout' | 'stderr'>): Command {
  const program = addGlobalOptions(new Command('segctl'))
    .description('Administers the archived segments of Chronik Stream.')
    .version(VERSION, '-V, --version', 'print the version')
    .addCommand(segmentsCommand(runtime))
    .addCommand(fetchCommand(runtime))
    .addHelpText('after', `\nExit status:\n${exitStatusTable()}`);
  for (const command of allCommands(program)) {
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
      .configureHelp({ showGlobalOptions: command !== program, sortSubcommands: false })
      .showSuggestionAfterError()
      .showHelpAfterError('next: add --help to see what it takes');
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function exitStatusTable(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`)
    .join('\n');
}
