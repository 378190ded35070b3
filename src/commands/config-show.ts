import { Command } from 'commander';
import { renderOptions } from '../context.ts';
import type { Column } from '../ui/column.ts';
import { renderList } from '../ui/result.ts';
import type { CommandRuntime, Run } from './command-runtime.ts';
import { type EffectiveSetting, effectiveSettings } from './effective-settings.ts';

export function configCommand(runtime: CommandRuntime): Command {
  return new Command('config')
    .description('see the settings')
    .addCommand(
      new Command('show')
        .description('print every effective setting and where it came from; secrets are masked')
        .action(runtime.action(runConfigShow)),
    );
}

const COLUMNS: readonly Column<EffectiveSetting>[] = [
  { key: 'command', header: 'COMMAND', type: 'text', cut: 'never', value: (row) => row.command },
  { key: 'setting', header: 'SETTING', type: 'text', cut: 'middle', value: (row) => row.setting },
  { key: 'value', header: 'VALUE', type: 'text', cut: 'middle', value: (row) => row.value },
  { key: 'origin', header: 'FROM', type: 'text', value: (row) => row.origin },
];

const runConfigShow: Run<Record<string, never>> = async (context, _args, _flags, command) => {
  const program = command.parent?.parent ?? command;
  const rows = effectiveSettings(program, context.settings, context.io);
  await context.write(renderList({ columns: COLUMNS, rows }, renderOptions(context)));
  return undefined;
};
