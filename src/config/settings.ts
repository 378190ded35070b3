import type { StoreSettings } from '../storage/store-settings.ts';
import type { LogLevel } from '../ui/log.ts';
import type { ConfigFile } from './config-file.ts';

/** Where a value came from: a flag, a variable's name, the configuration file, or `default`. */
export type Origin = string;

/** What every command goes by, resolved: flag, then environment, then segctl.yaml, then default. */
export interface Settings {
  /** As spelled: Chronik's keys repeat the spelling. */
  readonly dataDir: string;
  readonly indexPath: string;
  readonly store: StoreSettings;
  /** As typed; each command says which formats it has. Undefined where nothing was said. */
  readonly format: string | undefined;
  readonly config: ConfigFile | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly progress: boolean;
  readonly color: boolean;
  /** Requests or files in flight at once; undefined leaves it to the store. */
  readonly concurrency: number | undefined;
  /** How long an S3 store may be silent, in ms; undefined leaves it to the store. */
  readonly storeTimeoutMs: number | undefined;
  /** The clock, Unix ms: `--at`, else the time of the start. */
  readonly nowMs: number;
  /** Every global setting's origin, by its flag's long name. */
  readonly origins: Readonly<Record<string, Origin>>;
}
