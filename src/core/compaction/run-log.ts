import type { Fact } from '../segctl-error.ts';

/** Where the engine tells what it does: decisions at debug, deletions at info, surprises at warn. */
export interface RunLog {
  debug(message: string, facts?: Readonly<Record<string, Fact>>): void;
  info(message: string, facts?: Readonly<Record<string, Fact>>): void;
  warn(message: string, facts?: Readonly<Record<string, Fact>>): void;
}
