import { Command } from 'commander';
import type { CommandRuntime, Run } from './command-runtime.ts';

export function doctorCommand(runtime: CommandRuntime): Command {
  return new Command('doctor')
    .description('check the whole setup in seconds: settings, index, store, journal, space, clock')
    .action(runtime.action(runDoctor));
}

const runDoctor: Run<Record<string, never>> = async (context) => {
  const { examine } = await import('./integrity/examine-setup.ts');
  return await examine(context);
};
