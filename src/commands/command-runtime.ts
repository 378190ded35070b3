import type { Command, OptionValues } from 'commander';
import type { Context } from '../context.ts';
import type { ExitName } from '../core/exit-codes.ts';

/** What a command does once it has its context; the exit it gives, `ok` for none. */
export type Run<Flags> = (
  context: Context,
  args: readonly string[],
  flags: Flags,
  command: Command,
) => Promise<ExitName | undefined>;

/** How the command tree gets at the invocation that it is parsed for. */
export interface CommandRuntime {
  /** Makes a commander action of `run`: opens the context before it and closes it after it. */
  action<Flags extends OptionValues>(
    run: Run<Flags>,
  ): (this: Command, ...args: unknown[]) => Promise<void>;
  /** Runs another command line in this process, on the same streams; gives its exit status. */
  run(argv: readonly string[]): Promise<number>;
}
