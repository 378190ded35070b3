import { Command, type Option } from 'commander';
import { commandPath } from '../config/command-flags.ts';
import type { Settings } from '../config/settings.ts';
import { type Context, renderOptions } from '../context.ts';
import type { StoreSettings } from '../storage/store-settings.ts';
import type { Column } from '../ui/column.ts';
import { renderList } from '../ui/result.ts';
import type { CommandRuntime, Run } from './command-runtime.ts';

export function configCommand(runtime: CommandRuntime): Command {
  return new Command('config')
    .description('see the settings')
    .addCommand(
      new Command('show')
        .description('print every effective setting and where it came from; secrets are masked')
        .action(runtime.action(runConfigShow)),
    );
}

interface SettingRow {
  /** The command whose flag it is; '' for what every command goes by. */
  readonly command: string;
  readonly setting: string;
  readonly value: string | null;
  readonly origin: string;
}

const COLUMNS: readonly Column<SettingRow>[] = [
  { key: 'command', header: 'COMMAND', type: 'text', value: (row) => row.command },
  { key: 'setting', header: 'SETTING', type: 'text', cut: 'never', value: (row) => row.setting },
  { key: 'value', header: 'VALUE', type: 'text', cut: 'middle', value: (row) => row.value },
  { key: 'origin', header: 'FROM', type: 'text', value: (row) => row.origin },
];

const runConfigShow: Run<Record<string, never>> = async (context, _args, _flags, command) => {
  const program = command.parent?.parent ?? command;
  const rows = [...globalRows(context), ...commandRows(program, context.settings)];
  await context.write(renderList({ columns: COLUMNS, rows }, renderOptions(context)));
  return undefined;
};

function globalRows({ settings }: Context): SettingRow[] {
  const { store, origins } = settings;
  const row = (setting: string, value: string | null, origin: string): SettingRow => ({
    command: '',
    setting,
    value,
    origin,
  });
  const of = (flag: string): string => origins[flag] ?? 'default';
  return [
    row('data-dir', settings.dataDir, of('data-dir')),
    row('index', settings.indexPath, of('index') === 'default' ? `data-dir` : of('index')),
    ...storeRows(store).map(([name, value]) =>
      row(
        `store.${name}`,
        value,
        of('store') === 'segctl.yaml' ? 'segctl.yaml' : (store.origins[name] ?? 'default'),
      ),
    ),
    row('config', settings.config?.path ?? null, of('config')),
    row('format', settings.format ?? null, of('format')),
    row(
      'log-level',
      settings.logLevel,
      settings.logLevel === 'info'
        ? 'default'
        : settings.logLevel === 'warn'
          ? of('quiet')
          : of('verbose'),
    ),
    row('log-format', settings.logFormat, of('log-format')),
    row('progress', String(settings.progress), of('progress')),
    row('color', String(settings.color), of('color')),
    row('concurrency', settings.concurrency?.toString() ?? null, of('concurrency')),
    row(
      'store-timeout',
      settings.storeTimeoutMs === undefined ? null : `${settings.storeTimeoutMs}ms`,
      of('store-timeout'),
    ),
    row('at', new Date(settings.nowMs).toISOString(), of('at')),
  ];
}

function storeRows(store: StoreSettings): [string, string | null][] {
  if (store.kind === 'fs') {
    return [
      ['kind', 'fs'],
      ['root', store.root],
    ];
  }
  return [
    ['kind', 's3'],
    ['bucket', store.bucket],
    ['prefix', store.prefix ?? null],
    ['region', store.region ?? null],
    ['endpoint', store.endpoint ?? null],
    ['pathStyle', store.pathStyle?.toString() ?? null],
    [
      'credentials',
      store.credentials === undefined ? null : String(store.credentials.secretAccessKey),
    ],
  ];
}

/** The defaults of every command's own flags, and what segctl.yaml makes of them. */
function commandRows(command: Command, settings: Settings): SettingRow[] {
  const own =
    command.parent === null
      ? []
      : command.options.flatMap((option) => flagRow(command, option, settings));
  return [...own, ...command.commands.flatMap((child) => commandRows(child, settings))];
}

function flagRow(command: Command, option: Option, { config }: Settings): SettingRow[] {
  const path = commandPath(command);
  const flag = option.name().replace(/^no-/, '');
  const configured = config?.commandDefaults.get(path)?.get(flag) ?? config?.defaults.get(flag);
  const value: unknown = configured ?? option.defaultValue;
  if (value === undefined) return [];
  const origin = configured === undefined ? 'default' : (config?.path ?? 'segctl.yaml');
  return [{ command: path, setting: flag, value: String(value), origin }];
}
