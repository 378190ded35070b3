import { Command } from 'commander';
import type { CommandRuntime } from '../command-runtime.ts';
import { explainCommand } from './explain.ts';
import { lsCommand } from './ls.ts';
import { showCommand } from './show.ts';
import { statsCommand } from './stats.ts';

export function segmentsCommand(runtime: CommandRuntime): Command {
  return new Command('segments')
    .description('see which archived segments there are')
    .addCommand(lsCommand(runtime))
    .addCommand(showCommand(runtime))
    .addCommand(explainCommand(runtime))
    .addCommand(statsCommand(runtime));
}
