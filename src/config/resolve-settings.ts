import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { parseCount, parseDuration, parseTime } from '../core/quantities.ts';
import { SegctlError } from '../core/segctl-error.ts';
import type { Io } from '../io.ts';
import { storeSettings } from '../storage/store-settings.ts';
import type { ConfigFile, FlagDefault } from './config-file.ts';
import type { GlobalFlags } from './global-options.ts';
import { loadConfig } from './load-config.ts';
import type { Settings } from './settings.ts';

/** Variables that decide about the store; where one is set, segctl.yaml's `store` gives way. */
const STORE_VARIABLES = ['OBJECT_STORE_BACKEND', 'LOCAL_STORAGE_PATH'];

/**
 * Settings of one invocation. Flags that were neither typed nor set by the environment take their
 * default from the configuration file, and are written back to `command` so that it sees them.
 * Throws usage errors that name the flag, the variable, or the file's line and column.
 */
export async function resolveSettings(command: Command, io: Io): Promise<Settings> {
  const early = command.optsWithGlobals<GlobalFlags>();
  const realNowMs = io.now();
  const config = await loadConfig(early.dataDir, early.config, realNowMs);
  if (config !== undefined) applyConfigDefaults(command, config, io);
  const flags = command.optsWithGlobals<GlobalFlags>();
  const concurrency =
    flags.concurrency === undefined ? undefined : parseConcurrency(flags.concurrency);
  return {
    dataDir: flags.dataDir,
    indexPath: flags.index ?? join(flags.dataDir, 'segment_index.json'),
    store: storeSettings(io.env, {
      // The variable and the default are left to it, so that it can name them as the origin.
      dataDir: isGiven(command, 'dataDir') ? flags.dataDir : undefined,
      store: flags.store,
    }),
    format: flags.format,
    config,
    logLevel: flags.quiet === true ? 'warn' : flags.verbose === true ? 'debug' : 'info',
    logFormat: flags.logFormat,
    progress: flags.progress,
    color: flags.color && (io.env.NO_COLOR ?? '') === '' && io.stdout.isTTY === true,
    concurrency,
    storeTimeoutMs:
      flags.storeTimeout === undefined ? undefined : parseStoreTimeout(flags.storeTimeout),
    nowMs: flags.at === undefined ? realNowMs : parseTime(flags.at, realNowMs, '--at'),
    origins: origins(command),
  };
}

/** Whether a global flag was typed or comes from segctl.yaml. */
function isGiven(command: Command, attribute: string): boolean {
  const source = rootOf(command).getOptionValueSource(attribute);
  return source === 'cli' || source === 'config';
}

function parseConcurrency(text: string): number {
  const count = parseCount(text, '--concurrency');
  if (count < 1n || count > 1024n) {
    throw new SegctlError('--concurrency needs a number from 1 to 1024', {
      code: 'invalid-number',
      exit: 'usage',
      facts: { option: '--concurrency', value: text },
    });
  }
  return Number(count);
}

/** At least a millisecond: the sockets below take 0 for "no limit". */
function parseStoreTimeout(text: string): number {
  const timeoutMs = parseDuration(text, '--store-timeout');
  if (timeoutMs < 1 || timeoutMs > 3_600_000) {
    throw new SegctlError('--store-timeout needs a duration from 1ms to 1h', {
      code: 'invalid-duration',
      exit: 'usage',
      facts: { option: '--store-timeout', value: text },
    });
  }
  return timeoutMs;
}

function applyConfigDefaults(command: Command, config: ConfigFile, io: Io): void {
  const name = commandPath(command);
  checkNames(rootOf(command), config);
  for (const owner of lineage(command)) {
    for (const option of owner.options) {
      const flag = flagName(option);
      const own = config.commandDefaults.get(name)?.get(flag);
      const value = own ?? config.defaults.get(flag);
      if (value === undefined) continue;
      const source = owner.getOptionValueSource(option.attributeName());
      if (source !== undefined && source !== 'default') continue;
      if (flag === 'store' && STORE_VARIABLES.some((variable) => io.env[variable])) continue;
      const where = own === undefined ? ['defaults', flag] : ['defaults', name, flag];
      owner.setOptionValueWithSource(
        option.attributeName(),
        optionValue(option, value, `${config.path}: ${config.placeOf(where)}`),
        'config',
      );
    }
  }
}

/** A default for a flag or a command that doesn't exist would be silently without effect. */
function checkNames(root: Command, config: ConfigFile): void {
  const commands = new Map<string, Command>();
  const collect = (command: Command): void => {
    commands.set(commandPath(command), command);
    command.commands.forEach(collect);
  };
  collect(root);
  const everyFlag = new Set([...commands.values()].flatMap((one) => one.options.map(flagName)));
  const fail = (where: string[], what: string): never => {
    throw new SegctlError(`${config.path}: ${config.placeOf(['defaults', ...where])}: ${what}`, {
      code: 'config-invalid',
      exit: 'usage',
      remedy: 'use a long flag name without its dashes, or a command as `segctl --help` names it',
    });
  };
  for (const flag of config.defaults.keys()) {
    if (!everyFlag.has(flag)) fail([flag], `no command has a flag --${flag}`);
  }
  for (const [name, flags] of config.commandDefaults) {
    const command = commands.get(name) ?? fail([name], `there is no command "${name}"`);
    const known = new Set(lineage(command).flatMap((one) => one.options.map(flagName)));
    for (const flag of flags.keys()) {
      if (!known.has(flag)) fail([name, flag], `${name} has no flag --${flag}`);
    }
  }
}

function optionValue(option: Option, value: FlagDefault, place: string): unknown {
  const fail = (why: string): never => {
    throw new SegctlError(`${place}: ${flagName(option)} ${why}`, {
      code: 'config-invalid',
      exit: 'usage',
      remedy: `see what the flag takes: segctl --help`,
    });
  };
  if (option.isBoolean()) {
    if (typeof value !== 'boolean') return fail('is true or false');
    return value;
  }
  // `--no-max-age` is a flag of its own; in the file the limit itself is switched off.
  if (value === false) return false;
  const text = String(value);
  if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
    return fail(`is one of ${option.argChoices.join(', ')}`);
  }
  return option.variadic ? [text] : text;
}

/** `segments ls`: the words after `segctl`. */
export function commandPath(command: Command): string {
  return lineage(command)
    .slice(1)
    .map((one) => one.name())
    .join(' ');
}

/** From the program down to the command. */
function lineage(command: Command): Command[] {
  return command.parent === null ? [command] : [...lineage(command.parent), command];
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** The long name without dashes and without `no-`. */
function flagName(option: Option): string {
  return option.name().replace(/^no-/, '');
}

function origins(command: Command): Record<string, string> {
  const program = rootOf(command);
  const result: Record<string, string> = {};
  for (const option of program.options) {
    const source = program.getOptionValueSource(option.attributeName());
    const flag = `--${option.name()}`;
    if (source === 'cli') result[flagName(option)] = flag;
    else if (source === 'env') result[flagName(option)] = option.envVar ?? 'environment';
    else if (source === 'config') result[flagName(option)] = 'segctl.yaml';
    else result[flagName(option)] = 'default';
  }
  return result;
}
