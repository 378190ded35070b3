import type { Argument, Command, Option } from 'commander';
import { EXIT_CODES } from '../core/exit-codes.ts';
import { VERSION } from '../version.ts';
import type { CommandRuntime } from './command-runtime.ts';
import { buildProgram } from './program.ts';

/**
 * The whole command tree as one man(7) page in roff. Made from what the help is made from, so the
 * two can't disagree.
 */
export async function manPage(): Promise<string> {
  const program = await buildProgram(NO_RUNTIME, process);
  return [
    `.TH SEGCTL 1 "" "segctl ${VERSION}" "User Commands"`,
    '.SH NAME',
    `segctl \\- ${roff(program.description().toLowerCase().replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    `.B segctl`,
    roff('[options] command [arguments]'),
    '.SH GLOBAL OPTIONS',
    ...optionLines(program),
    '.SH COMMANDS',
    ...visible(program).flatMap((command) => commandLines(command, 'segctl')),
    '.SH EXIT STATUS',
    ...Object.values(EXIT_CODES).flatMap(({ code, meaning }) => [
      '.TP',
      `.B ${code}`,
      roff(meaning),
    ]),
    '.SH FILES',
    '.TP',
    roff('segment_index.json, in the data folder'),
    roff("Chronik's index of archived segments."),
    '.TP',
    roff('segctl.yaml, in the data folder'),
    roff('Settings: defaults of flags, retention per topic, holds.'),
    '.TP',
    roff('.segctl/, in the data folder'),
    roff('Lock, journal of runs and ledgers.'),
    '',
  ].join('\n');
}

/** The tree is only read here: no action of it runs. */
const NO_RUNTIME: CommandRuntime = {
  action: () => async () => {},
  run: async () => 0,
};

function commandLines(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`;
  const children = visible(command).flatMap((child) => commandLines(child, name));
  const usage = [name, ...command.registeredArguments.map(argumentText)].join(' ');
  return [
    `.SS ${roff(usage)}`,
    `${roff(sentence(command.description()))}`,
    ...command.registeredArguments.flatMap((argument) =>
      argument.description === ''
        ? []
        : ['.TP', `.I ${roff(argument.name())}`, roff(sentence(argument.description))],
    ),
    ...optionLines(command),
    ...children,
  ];
}

function optionLines(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
    .flatMap((option: Option) => [
      '.TP',
      `.B ${roff(option.flags)}`,
      roff(sentence(command.createHelp().optionDescription(option))),
    ]);
}

function visible(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
}

function argumentText(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?)]$/.test(text) ? '' : '.'}`;
}

/** Escapes what roff would obey: backslashes, hyphens that must stay hyphens, and leading dots. */
function roff(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/\n/g, '\n.br\n')
    .replace(/^([.'])/gm, '\\&$1');
}
