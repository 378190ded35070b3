import { Command } from 'commander';
import type { CommandRuntime, Run } from './command-runtime.ts';

export interface VerifyFlags {
  readonly quick?: boolean;
  readonly unreferenced?: boolean;
  readonly budget?: string;
  readonly maxTime?: string;
  readonly sample?: string;
  readonly resume: boolean;
  readonly maxUnpacked: string;
}

export function verifyCommand(runtime: CommandRuntime): Command {
  return new Command('verify')
    .description("read archives and check every byte's worth, the stalest first")
    .argument('[selection...]', 'TOPIC or TOPIC:PARTITION; the topic may hold * and ?')
    .option('--quick', 'compare presence and sizes alone; read no archive')
    .option('--unreferenced', 'also read archives that the index does not name')
    .option('--budget <size>', 'read at most so many bytes, such as 10GiB')
    .option('--max-time <duration>', 'begin no archive after this, such as 30m')
    .option('--sample <n|p%>', 'read so many archives, or a share of them, chosen at random')
    .option('--no-resume', 'begin anew where a run before was interrupted')
    .option('--max-unpacked <size>', 'refuse archives that unpack to more', '1GiB')
    .action(runtime.action(runVerify));
}

const runVerify: Run<VerifyFlags> = async (context, args, flags) => {
  const { verifyStore } = await import('./integrity/verify-store.ts');
  return await verifyStore(context, args, flags);
};
