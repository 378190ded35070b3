import type { Option } from 'commander';
import { parseRetentionOptions } from '../core/retention/policy-options.ts';
import { SegctlError } from '../core/segctl-error.ts';
import {
  configuredValue,
  type FlagCatalogue,
  NEVER_CONFIGURED,
  RETENTION_FLAGS,
} from './command-flags.ts';
import type { ConfigPath, FlagDefault } from './config-file.ts';
import type { Mistake, YamlDocument } from './yaml-document.ts';

/**
 * Reads the section `defaults`: flags, and commands with flags of their own. A default for a flag
 * or a command that doesn't exist would be silently without effect, so it is a mistake.
 */
export class FlagDefaults {
  /** For every command that has the flag. */
  readonly flags = new Map<string, FlagDefault>();
  /** For one command, by its words. */
  readonly commands = new Map<string, ReadonlyMap<string, FlagDefault>>();
  readonly mistakes: Mistake[] = [];
  readonly #yaml: YamlDocument;
  readonly #catalogue: FlagCatalogue;

  constructor(yaml: YamlDocument, catalogue: FlagCatalogue) {
    this.#yaml = yaml;
    this.#catalogue = catalogue;
    const section = isRecord(yaml.content) ? yaml.content.defaults : undefined;
    for (const [name, value] of isRecord(section) ? Object.entries(section) : []) {
      if (isRecord(value)) this.commands.set(name, this.#command(name, value));
      else this.#everywhere(name, value);
    }
  }

  #everywhere(name: string, value: unknown): void {
    const where = ['defaults', name];
    if (NEVER_CONFIGURED.includes(name)) {
      this.#mistake(where, `--${name} can have no default`);
      return;
    }
    const { commands } = this.#catalogue;
    const forms = [...commands.values()].flatMap((flags) => flags.get(name) ?? []);
    if (forms.length > 0) {
      const read = this.#value(forms, name, value, where);
      if (read !== undefined) this.flags.set(name, read);
    } else if (commands.has(name)) {
      // All flags below it may be commented out.
      if (value !== null) this.#mistake(where, `${name} is a command: its flags go below it`);
    } else {
      this.#mistake(where, `no command has a flag --${name}`);
    }
  }

  #command(
    name: string,
    values: Readonly<Record<string, unknown>>,
  ): ReadonlyMap<string, FlagDefault> {
    const flags = new Map<string, FlagDefault>();
    const known = this.#catalogue.commands.get(name);
    if (known === undefined) {
      this.#mistake(['defaults', name], `there is no command "${name}"`);
      return flags;
    }
    for (const [flag, value] of Object.entries(values)) {
      const where = ['defaults', name, flag];
      const forms = known.get(flag);
      if (forms === undefined) {
        this.#mistake(where, `${name} has no flag --${flag}`);
        continue;
      }
      const read = this.#value(forms, flag, value, where);
      if (read !== undefined) flags.set(flag, read);
    }
    return flags;
  }

  #value(
    forms: readonly Option[],
    flag: string,
    value: unknown,
    where: ConfigPath,
  ): FlagDefault | undefined {
    const typed = flagDefault(value);
    const checked =
      typed === undefined ? { why: 'it takes no such value' } : configuredValue(forms, typed);
    const why = 'why' in checked ? checked.why : retentionMistake(flag, checked.value);
    if (why === undefined) return typed;
    this.mistakes.push({ place: this.#yaml.placeOf(where), what: `${flag}: ${why}` });
    return undefined;
  }

  #mistake(where: ConfigPath, what: string): void {
    this.mistakes.push({ place: this.#yaml.placeOfKey(where), what });
  }
}

/** Defaults of retention are parsed here, as the section `retention` is; all others when used. */
function retentionMistake(flag: string, value: unknown): string | undefined {
  const option = RETENTION_FLAGS.get(flag);
  if (option === undefined) return undefined;
  try {
    parseRetentionOptions({ [option]: value });
    return undefined;
  } catch (error) {
    if (!(error instanceof SegctlError)) throw error;
    return error.message.replace(/^--[\w-]+: /, '');
  }
}

/** Numbers become the digits that could have been typed. */
function flagDefault(value: unknown): FlagDefault | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (!Array.isArray(value)) return undefined;
  const texts = value.map(flagDefault);
  const isText = (one: FlagDefault | undefined): one is string => typeof one === 'string';
  return texts.every(isText) ? texts : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
