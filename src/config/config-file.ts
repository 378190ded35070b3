import type { Hold } from '../core/retention/hold.ts';
import type { RetentionLayer, TopicRetention } from '../core/retention/policy.ts';

/** A flag's default from segctl.yaml: numbers as their digits, lists for flags that take several. */
export type FlagDefault = string | boolean | readonly string[];

/** The keys and places in lists that lead to a value: `['holds', 0, 'until']`. */
export type ConfigPath = readonly (string | number)[];

/** Where a value stands in the file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What `segctl.yaml` holds, validated. */
export interface ConfigFile {
  readonly path: string;
  /** Defaults of flags by long name, for every command that has the flag. */
  readonly defaults: ReadonlyMap<string, FlagDefault>;
  /** Defaults of one command's flags, by the command as typed: `compact`, `segments ls`. */
  readonly commandDefaults: ReadonlyMap<string, ReadonlyMap<string, FlagDefault>>;
  /** Retention of every topic that no entry of `topics` names. */
  readonly retention: RetentionLayer;
  /** In the file's order: the first whose pattern matches decides. */
  readonly topics: readonly TopicRetention<RetentionLayer>[];
  readonly holds: readonly Hold[];
  readonly placeOf: (path: ConfigPath) => Place;
}

export function placeText({ line, column }: Place): string {
  return `line ${line}, column ${column}`;
}
