import type { Command, CommanderError } from 'commander';
import { commandPath } from '../config/command-flags.ts';
import { SegctlError } from '../core/segctl-error.ts';

/**
 * What commander says of a line that it can't parse, as an error like every other. Help and version
 * come this way too, with exit code 0, and so does the help that is shown where a command is
 * missing: they have said all there is, and come back as they are.
 */
export function usageError(error: CommanderError, command: Command): CommanderError | SegctlError {
  if (error.exitCode === 0 || error.code === 'commander.help') return error;
  const [headline = '', suggestion = ''] = error.message.split('\n');
  const name = ['segctl', commandPath(command)].join(' ').trim();
  const meant = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(suggestion)?.[1];
  const help = `see what it takes with: ${name} --help`;
  return new SegctlError(sentence(headline), {
    code: kebab(error.code.replace('commander.', '')),
    exit: 'usage',
    facts: { command: name },
    remedy: meant === undefined ? help : `did you mean ${meant}? ${help}`,
  });
}

/** One sentence in lower case, without a full stop. */
function sentence(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/^command-argument value '(.*)' is invalid for argument '(.*)'/, "$2: '$1' is invalid")
    .replace(/\.$/, '')
    .replace(/\. ([A-Z])/, (_, letter: string) => `: ${letter.toLowerCase()}`);
}

/** `unknownOption` is `unknown-option` among segctl's codes. */
function kebab(code: string): string {
  return code.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
