import type { Command } from 'commander';
import type { RetentionLayer } from '../core/retention/policy.ts';
import { parseRetentionOptions } from '../core/retention/policy-options.ts';
import { SegctlError } from '../core/segctl-error.ts';
import {
  commandPath,
  configuredFlag,
  configuredValue,
  flagForms,
  lineage,
  RETENTION_FLAGS,
} from './command-flags.ts';
import { type ConfigFile, type ConfigPath, type FlagDefault, placeText } from './config-file.ts';

/**
 * Sets what was neither typed nor set by the environment to what `config` says, and gives the
 * configuration that the command goes by. Defaults of retention flags join its section `retention`:
 * as flags they would outdo what is said of single topics. `isDecided` names flags that something
 * else has decided.
 */
export function applyDefaults(
  command: Command,
  config: ConfigFile,
  isDecided: (flag: string) => boolean,
): ConfigFile {
  const path = commandPath(command);
  for (const owner of lineage(command)) {
    for (const [flag, forms] of flagForms(owner.options)) {
      const configured = configuredFlag(config, path, flag);
      const name = forms[0]?.attributeName();
      if (configured === undefined || name === undefined) continue;
      if (RETENTION_FLAGS.has(flag) || isDecided(flag)) continue;
      const source = owner.getOptionValueSource(name);
      if (source !== undefined && source !== 'default') continue;
      const checked = configuredValue(forms, configured.value);
      if ('why' in checked) throw misplaced(config, configured.where, flag, checked.why);
      owner.setOptionValueWithSource(name, checked.value, 'config');
    }
  }
  const isJudge = lineage(command).some((owner) => flagForms(owner.options).has('max-age'));
  if (!isJudge) return config;
  return { ...config, retention: { ...retentionDefaults(config, path), ...config.retention } };
}

/**
 * The retention that the section `defaults` names for a command. Each part is parsed already where
 * the file was read; together they may still contradict. Throws `limit-without-effect`.
 */
export function retentionDefaults(config: ConfigFile, command: string): RetentionLayer {
  const given = (flag: string): FlagDefault | undefined =>
    configuredFlag(config, command, flag)?.value;
  const text = (flag: string): string | undefined => {
    const value = given(flag);
    return typeof value === 'string' ? value : undefined;
  };
  const limit = (flag: string): string | false | undefined =>
    given(flag) === false || given(flag) === 'off' ? false : text(flag);
  const allowGaps = given('allow-gaps');
  return parseRetentionOptions({
    strategy: text('strategy'),
    maxAge: limit('max-age'),
    maxSize: limit('max-size'),
    keepOffsets: limit('keep-offsets'),
    combine: text('combine'),
    ageBy: text('age-by'),
    allowGaps: typeof allowGaps === 'boolean' ? allowGaps : undefined,
  });
}

/** Two commands can have a flag of one name that takes different words. */
function misplaced(config: ConfigFile, where: ConfigPath, flag: string, why: string): SegctlError {
  const { line, column } = config.placeOf(where);
  return new SegctlError(`${config.path}: ${placeText({ line, column })}: ${flag}: ${why}`, {
    code: 'config-invalid',
    exit: 'usage',
    facts: { file: config.path, line, column },
    remedy: 'put the default below the command that it is meant for',
  });
}

/**
 * An error about a flag's value says where in the file the value stands, if it comes from there and
 * was not typed. Anything else comes back as it is.
 */
export function blameConfig(error: unknown, command: Command, config: ConfigFile): unknown {
  if (!(error instanceof SegctlError) || error.exit !== 'usage') return error;
  const named = error.facts.option ?? /^(--[a-z-]+)/.exec(error.message)?.[1];
  // The store's errors leave its URL out, and the flag's name with it.
  const isStore = named === undefined && error.code.startsWith('store-');
  const flag = isStore ? 'store' : String(named ?? '').replace(/^--/, '');
  const configured = configuredFlag(config, commandPath(command), flag);
  if (configured === undefined || !isFromFile(command, flag)) return error;
  const { line, column } = config.placeOf(configured.where);
  const { code, exit, facts, remedy, cause } = error;
  const message = error.message.replace(/^--/, '');
  return new SegctlError(`${config.path}: ${placeText({ line, column })}: ${message}`, {
    code,
    exit,
    facts: { ...facts, file: config.path, line, column },
    ...(remedy === undefined ? {} : { remedy }),
    cause,
  });
}

function isFromFile(command: Command, flag: string): boolean {
  const sources = lineage(command).map((owner) => {
    const name = flagForms(owner.options).get(flag)?.[0]?.attributeName();
    return name === undefined ? undefined : owner.getOptionValueSource(name);
  });
  // Retention's defaults are not set as flags, see applyDefaults.
  return RETENTION_FLAGS.has(flag) ? !sources.includes('cli') : sources.includes('config');
}
