import type { Hold } from '../core/retention/hold.ts';
import type { RetentionLayer, TopicRetention } from '../core/retention/policy.ts';

/** A flag's default from segctl.yaml, as it stands there. */
export type FlagDefault = string | number | boolean;

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
  /** Where a value stands, as `line 3, column 5`, for errors about flags' values. */
  readonly placeOf: (path: readonly (string | number)[]) => string;
}
