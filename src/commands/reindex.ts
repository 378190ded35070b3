import { Command } from 'commander';
import type { CommandRuntime, Run } from './command-runtime.ts';
import { addLockOptions, type LockFlags } from './compact/compact-options.ts';

export interface ReindexFlags extends LockFlags {
  readonly check?: boolean;
  readonly rebuild?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly maxShrink: string;
  readonly acceptShrink?: boolean;
  readonly keyRoot?: string;
  readonly maxUnpacked: string;
}

export function reindexCommand(runtime: CommandRuntime): Command {
  const command = new Command('reindex')
    .description('hold index, store and journal against each other; repair or rebuild the index')
    .argument('[selection...]', 'TOPIC or TOPIC:PARTITION; the topic may hold * and ?')
    .option('--check', 'report what differs, and change nothing; exit 4 where something does')
    .option('--rebuild', 'make the index from the archives alone')
    .option('--dry-run', 'show what would be done, and do nothing')
    .option('-y, --yes', 'do it without asking')
    .option(
      '--max-shrink <share>',
      'refuse when more than this share of the entries would go',
      '5%',
    )
    .option('--accept-shrink', 'let more go, if a second listing agrees')
    .option('--key-root <root>', "what archives' keys begin with, such as ./data/")
    .option('--max-unpacked <size>', 'refuse archives that unpack to more', '1GiB');
  return addLockOptions(command).action(runtime.action(runReindex));
}

const runReindex: Run<ReindexFlags> = async (context, args, flags) => {
  const { reindexStore } = await import('./integrity/reindex-store.ts');
  return await reindexStore(context, args, flags);
};
