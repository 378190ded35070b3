import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { parseCount, parseDuration, parseTime } from '../core/quantities.ts';
import { SegctlError } from '../core/segctl-error.ts';
import { hasColor, type Io } from '../io.ts';
import { storeSettings } from '../storage/store-settings.ts';
import { commandPath, configOrigin, flagName, lineage } from './command-flags.ts';
import type { ConfigFile } from './config-file.ts';
import type { GlobalFlags } from './global-options.ts';
import { loadConfig } from './load-config.ts';
import type { Settings } from './settings.ts';

/** Variables that decide about the store; where one is set, segctl.yaml's `store` gives way. */
const STORE_VARIABLES = ['OBJECT_STORE_BACKEND', 'LOCAL_STORAGE_PATH'];

/**
 * Settings of one invocation. Flags that were neither typed nor set by the environment take their
 * default from the configuration file, and are written back to `command` so that it sees them.
 * `allCommands` gives the whole command tree, which is asked for where there is such a file.
 * Throws usage errors that name the flag, the variable, or the file's line and column.
 */
export async function resolveSettings(
  command: Command,
  io: Io,
  allCommands: () => Promise<Command>,
): Promise<Settings> {
  const { dataDir, config: named } = command.optsWithGlobals<GlobalFlags>();
  const config = await loadConfig(dataDir, named, allCommands);
  if (config === undefined) return settingsOf(command, io, undefined);
  const { applyDefaults, blameConfig } = await import('./apply-defaults.ts');
  const isDecided = (flag: string): boolean =>
    (flag === 'store' && STORE_VARIABLES.some((variable) => io.env[variable])) ||
    (flag === 'color' && (io.env.NO_COLOR ?? '') !== '');
  try {
    return settingsOf(command, io, applyDefaults(command, config, isDecided));
  } catch (error) {
    throw blameConfig(error, command, config);
  }
}

function settingsOf(command: Command, io: Io, config: ConfigFile | undefined): Settings {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const nowMs = io.now();
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
    color: flags.color && hasColor(io.stdout, io.env),
    concurrency: flags.concurrency === undefined ? undefined : parseConcurrency(flags.concurrency),
    storeTimeoutMs:
      flags.storeTimeout === undefined ? undefined : parseStoreTimeout(flags.storeTimeout),
    nowMs: flags.at === undefined ? nowMs : parseTime(flags.at, nowMs, '--at'),
    origins: origins(command, config),
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
      remedy: 'name a number in that range, or leave it out',
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
      remedy: 'name a duration in that range, or leave it out',
    });
  }
  return timeoutMs;
}

function rootOf(command: Command): Command {
  return lineage(command)[0] ?? command;
}

function origins(command: Command, config: ConfigFile | undefined): Record<string, string> {
  const program = rootOf(command);
  const path = commandPath(command);
  const originOf = (option: Option): string => {
    const source = program.getOptionValueSource(option.attributeName());
    if (source === 'cli') return `--${option.name()}`;
    if (source === 'env') return option.envVar ?? 'environment';
    if (source === 'config' && config !== undefined) {
      return configOrigin(config, path, flagName(option)) ?? config.path;
    }
    return 'default';
  };
  return Object.fromEntries(program.options.map((option) => [flagName(option), originOf(option)]));
}
