import { Command } from 'commander';
import type { CommandRuntime, Run } from './command-runtime.ts';
import { addLockOptions, type LockFlags } from './compact/compact-options.ts';

export interface GcFlags extends LockFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly minAge: string;
  readonly trustNames?: boolean;
  readonly unreferenced?: boolean;
  readonly includeLive?: boolean;
  readonly maxDelete?: string;
  readonly grace?: string;
  readonly maxUnpacked: string;
}

export function gcCommand(runtime: CommandRuntime): Command {
  const command = new Command('gc')
    .description('delete archives whose every record another archive that stays holds')
    .argument('[selection...]', 'TOPIC or TOPIC:PARTITION; the topic may hold * and ?')
    .option('--dry-run', 'show what would be done, and do nothing')
    .option('-y, --yes', 'do it without asking')
    .option('--min-age <duration>', 'leave archives that the server packed since', '1h')
    .option('--trust-names', 'go by offset ranges alone, and read no archive')
    .option(
      '--unreferenced',
      'also archives with records of their own that the index does not name',
    )
    .option('--include-live', 'also archives that a running server will write again')
    .option('--max-delete <budget>', 'refuse a plan beyond 5%, 50GiB or N archives')
    .option('--grace <duration>', 'move archives to the trash, from where undo brings them back')
    .option('--max-unpacked <size>', 'refuse archives that unpack to more', '1GiB');
  return addLockOptions(command).action(runtime.action(runGc));
}

const runGc: Run<GcFlags> = async (context, args, flags) => {
  const { collectGarbage } = await import('./integrity/collect-garbage.ts');
  return await collectGarbage(context, args, flags);
};
