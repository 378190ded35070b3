import type { Command, Option } from 'commander';
import type { RetentionOptions } from '../core/retention/policy-options.ts';
import type { ConfigFile, ConfigPath, FlagDefault } from './config-file.ts';

/** From the program down to the command. */
export function lineage(command: Command): Command[] {
  return command.parent === null ? [command] : [...lineage(command.parent), command];
}

/** `segments ls`: the words after `segctl`. */
export function commandPath(command: Command): string {
  return lineage(command)
    .slice(1)
    .map((one) => one.name())
    .join(' ');
}

/** The long name without dashes and without `no-`. */
export function flagName(option: Option): string {
  return option.name().replace(/^no-/, '');
}

/** Each flag with its forms, such as `--max-age` and `--no-max-age`. */
export function flagForms(options: readonly Option[]): ReadonlyMap<string, readonly Option[]> {
  const forms = new Map<string, Option[]>();
  for (const option of options) {
    const name = flagName(option);
    forms.set(name, [...(forms.get(name) ?? []), option]);
  }
  return forms;
}

/** The flags that judge segments, by long name, with their names in RetentionOptions. */
export const RETENTION_FLAGS: ReadonlyMap<string, keyof RetentionOptions> = new Map([
  ['strategy', 'strategy'],
  ['max-age', 'maxAge'],
  ['max-size', 'maxSize'],
  ['keep-offsets', 'keepOffsets'],
  ['combine', 'combine'],
  ['age-by', 'ageBy'],
  ['allow-gaps', 'allowGaps'],
]);

/** Flags that say where the file is or end the run: a default of theirs would come too late. */
export const NEVER_CONFIGURED: readonly string[] = ['config', 'version', 'help'];

/** The flags that segctl.yaml may hold defaults of, for each command as typed. */
export interface FlagCatalogue {
  readonly commands: ReadonlyMap<string, ReadonlyMap<string, readonly Option[]>>;
}

/** `program` must hold every command, not only those that the line names. */
export function flagCatalogue(program: Command): FlagCatalogue {
  const commands = new Map<string, ReadonlyMap<string, readonly Option[]>>();
  const collect = (command: Command): void => {
    const options = lineage(command).flatMap((one) => one.options);
    const flags = flagForms(options.filter((one) => !NEVER_CONFIGURED.includes(flagName(one))));
    commands.set(commandPath(command), flags);
    command.commands.forEach(collect);
  };
  collect(program);
  return { commands };
}

/**
 * The value that `options`, the forms of one flag (`--max-age` and `--no-max-age`), have when
 * segctl.yaml says `value`; a text that says why there is none. Texts are parsed by the command
 * later, just as typed ones are.
 */
export function configuredValue(
  options: readonly Option[],
  value: FlagDefault,
): { readonly value: unknown } | { readonly why: string } {
  const valued = options.find((option) => option.required || option.optional);
  if (valued === undefined) {
    return typeof value === 'boolean' ? { value } : { why: 'it is true or false' };
  }
  const isOff = value === false || value === 'off';
  if (isOff && options.some(({ negate }) => negate)) return { value: false };
  if (typeof value === 'boolean') return { why: 'it takes a value' };
  const texts = typeof value === 'string' ? [value] : value;
  const { argChoices, parseArg } = valued;
  // Choices come with a parser of their own; all others collect.
  const isRepeatable = valued.variadic || (parseArg !== undefined && argChoices === undefined);
  if (typeof value !== 'string' && !isRepeatable) return { why: 'it takes one value' };
  if (argChoices !== undefined && texts.some((text) => !argChoices.includes(text))) {
    return { why: `it is one of ${argChoices.join(', ')}` };
  }
  return { value: isRepeatable ? texts : texts[0] };
}

/** A flag's default and where it stands. */
export interface ConfiguredFlag {
  readonly value: FlagDefault;
  readonly where: ConfigPath;
}

/** What segctl.yaml says about a flag of a command: the command's own word, else its parent's. */
export function configuredFlag(
  config: ConfigFile,
  command: string,
  flag: string,
): ConfiguredFlag | undefined {
  const words = command.split(' ');
  for (let depth = words.length; depth > 0; depth--) {
    const name = words.slice(0, depth).join(' ');
    const value = config.commandDefaults.get(name)?.get(flag);
    if (value !== undefined) return { value, where: ['defaults', name, flag] };
  }
  const value = config.defaults.get(flag);
  return value === undefined ? undefined : { value, where: ['defaults', flag] };
}

/** `./data/segctl.yaml:3` for a flag that the file has a default of. */
export function configOrigin(
  config: ConfigFile,
  command: string,
  flag: string,
): string | undefined {
  const configured = configuredFlag(config, command, flag);
  return configured && `${config.path}:${config.placeOf(configured.where).line}`;
}
