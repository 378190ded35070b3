import type { Command } from 'commander';
import { retentionDefaults } from '../config/apply-defaults.ts';
import {
  commandPath,
  configOrigin,
  configuredFlag,
  flagForms,
  RETENTION_FLAGS,
} from '../config/command-flags.ts';
import type { ConfigFile, ConfigPath } from '../config/config-file.ts';
import type { Settings } from '../config/settings.ts';
import { formatBytes, formatDuration, formatInstant } from '../core/quantity-text.ts';
import type { Hold } from '../core/retention/hold.ts';
import {
  DEFAULT_MAX_DELETIONS,
  DEFAULT_RETENTION,
  type RetentionLayer,
} from '../core/retention/policy.ts';
import type { Io } from '../io.ts';
import type { StoreSettings } from '../storage/store-settings.ts';

export interface EffectiveSetting {
  /** The command whose flag it is; null for what every command goes by. */
  readonly command: string | null;
  readonly setting: string;
  /** null where nothing is set, and the store or the terminal decides. */
  readonly value: string | null;
  /** A flag, a variable, `segctl.yaml`'s path and line, or `default`. */
  readonly origin: string;
}

type Terminal = Pick<Io, 'stdout' | 'env'>;

/** Everything that is in force. `program` is the whole command tree; secrets are masked. */
export function effectiveSettings(
  program: Command,
  settings: Settings,
  io: Terminal,
): EffectiveSetting[] {
  return [
    ...globalSettings(settings, io),
    ...retentionSettings(settings.config),
    ...program.commands.flatMap((command) => flagSettings(command, settings.config)),
  ];
}

function globalSettings(settings: Settings, io: Terminal): EffectiveSetting[] {
  const { store, storeTimeoutMs, config, logLevel } = settings;
  const from = (flag: string): string => settings.origins[flag] ?? 'default';
  const row = (setting: string, value: string | null, origin = from(setting)) => ({
    command: null,
    setting,
    value,
    origin,
  });
  const verbosity = { debug: from('verbose'), info: 'default', warn: from('quiet') };
  return [
    row('data-dir', settings.dataDir),
    row('index', settings.indexPath, from('index') === 'default' ? 'data-dir' : from('index')),
    ...storeSettings(store, io.env).map(([name, value, origin]) =>
      row(`store.${name}`, value, origin === '--store' ? from('store') : origin),
    ),
    row('store-timeout', storeTimeoutMs === undefined ? null : formatDuration(storeTimeoutMs)),
    row('concurrency', settings.concurrency?.toString() ?? null),
    row(
      'config',
      config?.path ?? null,
      config && from('config') === 'default' ? 'data-dir' : from('config'),
    ),
    row('format', settings.format ?? null),
    row('log-level', logLevel, logLevel === 'error' ? 'default' : verbosity[logLevel]),
    row('log-format', settings.logFormat),
    row('progress', String(settings.progress)),
    row('color', String(settings.color), colorOrigin(settings, io)),
    row('at', formatInstant(settings.nowMs), from('at') === 'default' ? 'the clock' : from('at')),
  ];
}

function colorOrigin({ color, origins }: Settings, { stdout, env }: Terminal): string {
  const said = origins.color ?? 'default';
  if (color || said !== 'default') return said;
  if ((env.NO_COLOR ?? '') !== '') return 'NO_COLOR';
  return stdout.isTTY === true ? 'TERM' : 'no terminal';
}

/** Name, value, and what decided it. */
function storeSettings(
  store: StoreSettings,
  { OBJECT_STORE_BACKEND: backend }: Io['env'],
): [string, string | null, string][] {
  const { origins, kind } = store;
  const isFlag = (origins.bucket ?? origins.root) === '--store';
  const kindOrigin = isFlag ? '--store' : backend ? 'OBJECT_STORE_BACKEND' : 'default';
  const row = (name: string, value: string | undefined): [string, string | null, string] => [
    name,
    value ?? null,
    origins[name] ?? 'default',
  ];
  if (store.kind === 'fs') return [['kind', kind, kindOrigin], row('root', store.root)];
  return [
    ['kind', kind, kindOrigin],
    row('bucket', store.bucket),
    row('prefix', store.prefix),
    row('region', store.region),
    row('endpoint', store.endpoint),
    row('pathStyle', store.pathStyle?.toString()),
    row('credentials', store.credentials && String(store.credentials.secretAccessKey)),
  ];
}

/** How `compact` and `segments explain` judge: for every topic, then what differs for some. */
function retentionSettings(config: ConfigFile | undefined): EffectiveSetting[] {
  const command = 'compact';
  const originOf = (path: ConfigPath): string =>
    config === undefined ? 'default' : `${config.path}:${config.placeOf(path).line}`;
  const own = config === undefined ? {} : retentionDefaults(config, command);
  const section = new Set(layerTexts(config?.retention ?? {}).map(([name]) => name));
  const layer = { ...DEFAULT_RETENTION, ...own, ...config?.retention };
  const general = layerTexts(layer).map(([setting, value]): EffectiveSetting => {
    const fallback = (config && configOrigin(config, command, setting)) ?? 'default';
    const origin = section.has(setting) ? originOf(['retention', setting]) : fallback;
    return { command, setting, value, origin };
  });
  const topics = (config?.topics ?? []).flatMap(({ topic, retention }, i) =>
    layerTexts(retention).map(
      ([setting, value]): EffectiveSetting => ({
        command,
        setting: `${setting} of ${topic}`,
        value,
        origin: originOf(['retention', 'topics', i, setting]),
      }),
    ),
  );
  const holds = (config?.holds ?? []).map(
    (hold, i): EffectiveSetting => ({
      command,
      setting: `hold of ${hold.topic}${hold.partition === null ? '' : `:${hold.partition}`}`,
      value: holdText(hold),
      origin: originOf(['holds', i]),
    }),
  );
  return [...general, ...topics, ...holds];
}

/** A layer's settings by their names in segctl.yaml, as they could stand there. */
function layerTexts(layer: RetentionLayer): [string, string][] {
  const off = <T>(value: T | null, text: (value: T) => string): string =>
    value === null ? 'off' : text(value);
  const texts: [string, string | undefined][] = [
    ['strategy', layer.strategy],
    ['max-age', layer.maxAgeMs === undefined ? undefined : off(layer.maxAgeMs, formatDuration)],
    [
      'max-size',
      layer.maxSizeBytes === undefined ? undefined : off(layer.maxSizeBytes, formatBytes),
    ],
    ['keep-offsets', layer.keepOffsets === undefined ? undefined : off(layer.keepOffsets, String)],
    ['combine', layer.combine],
    ['age-by', layer.ageBy],
    ['allow-gaps', layer.allowGaps?.toString()],
  ];
  return texts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
}

function holdText({ fromOffset, toOffset, untilMs, reason }: Hold): string {
  const isAll = fromOffset === null && toOffset === null;
  const offsets = isAll
    ? 'all offsets'
    : `offsets ${fromOffset ?? ''}:${toOffset === null ? '' : toOffset + 1n}`;
  const until = untilMs === null ? 'for ever' : `until ${formatInstant(untilMs)}`;
  return `${offsets} ${until}: ${reason}`;
}

/** Each command's own flags that have a default, in segctl.yaml or by themselves. */
function flagSettings(command: Command, config: ConfigFile | undefined): EffectiveSetting[] {
  const path = commandPath(command);
  const flags = [...flagForms(command.options)].filter(([name]) => !RETENTION_FLAGS.has(name));
  const rows = flags.flatMap(([setting, [option]]): EffectiveSetting[] => {
    const configured = config && configuredFlag(config, path, setting)?.value;
    const fallback: unknown =
      path === 'compact' && setting === 'max-deletions'
        ? DEFAULT_MAX_DELETIONS
        : option?.defaultValue;
    const value = configured ?? fallback;
    if (value === undefined) return [];
    const origin = (config && configOrigin(config, path, setting)) ?? 'default';
    return [{ command: path, setting, value: String(value), origin }];
  });
  return [...rows, ...command.commands.flatMap((child) => flagSettings(child, config))];
}
