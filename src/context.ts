import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { resolveSettings } from './config/resolve-settings.ts';
import type { Settings } from './config/settings.ts';
import { SegctlError } from './core/segctl-error.ts';
import type { PartitionFilter } from './core/segment-index/index-parser.ts';
import type { SegmentIndex } from './core/segment-index/segment-index.ts';
import { type Io, writeOut } from './io.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { createLogger, type Logger } from './ui/log.ts';
import { OUTPUT_FORMATS, type OutputFormat, type RenderOptions } from './ui/result.ts';
import { Screen } from './ui/screen.ts';

/** What every command gets: made once an invocation, passed in, never global. */
export interface Context {
  readonly settings: Settings;
  readonly io: Io;
  readonly log: Logger;
  /** What a live line on the terminal has to know; `log` and `write` clear it themselves. */
  readonly screen: Screen;
  /** The clock, Unix ms; `--at` sets it. */
  readonly nowMs: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The store, opened at the first call. */
  openStore(): Promise<ObjectStore>;
  /** Reads the index; its issues are logged. `filter` skips all other partitions' entries. */
  loadIndex(filter?: PartitionFilter): Promise<SegmentIndex>;
  /** Writes the result to stdout, waiting for its reader. */
  write(chunks: string | Uint8Array | AsyncIterable<string | Uint8Array>): Promise<void>;
  close(): Promise<void>;
}

/** `allCommands` gives the command tree with every command, for what names them in segctl.yaml. */
export async function openContext(
  command: Command,
  io: Io,
  allCommands: () => Promise<Command>,
): Promise<Context> {
  const settings = await resolveSettings(command, io, allCommands);
  const screen = new Screen();
  const log = createLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => {
      screen.clear();
      io.stderr.write(line);
    },
    ...(io.stderr.isTTY === true ? {} : { now: io.now }),
  });
  for (const warning of settings.store.warnings) log.warn(warning);
  let store: Promise<ObjectStore> | undefined;
  const openStore = async (): Promise<ObjectStore> => {
    const { openStore: open } = await import('./storage/open-store.ts');
    const { concurrency, storeTimeoutMs } = settings;
    // Every request in flight listens to it, and there may be many.
    setMaxListeners(0, io.signal);
    return await open(settings.store, {
      ...(storeTimeoutMs === undefined ? {} : { timeoutMs: storeTimeoutMs }),
      ...(concurrency === undefined ? {} : { concurrency }),
      onCall: ({ action, key }) => log.debug('store call', { action, key }),
    });
  };
  return {
    settings,
    io,
    log,
    screen,
    nowMs: settings.nowMs,
    signal: io.signal,
    openStore: () => {
      store ??= openStore();
      return store;
    },
    loadIndex: async (filter) => {
      const { loadIndex } = await import('./storage/index-file.ts');
      const { index } = await loadIndex(settings.indexPath, {
        signal: io.signal,
        ...(filter === undefined ? {} : { filter, digest: false }),
      });
      for (const { kind, key, rowCount, detail } of index.issues) {
        log.warn(detail, { issue: kind, key, entries: rowCount });
      }
      return index;
    },
    write: async (chunks) => {
      const isWhole = typeof chunks === 'string' || chunks instanceof Uint8Array;
      for await (const chunk of isWhole ? [chunks] : chunks) {
        if (io.stdout.isTTY === true) screen.clear();
        await writeOut(io.stdout, chunk);
      }
    },
    close: async () => {
      // A store that failed to open has nothing to close, and its error was already told.
      await store?.then(
        (opened) => opened.close(),
        () => undefined,
      );
    },
  };
}

/** How a list or a detail is rendered: `-f`, else a table on a terminal and JSON Lines elsewhere. */
export function renderOptions(context: Context): RenderOptions {
  const { settings, io } = context;
  const terminal = io.stdout.isTTY === true;
  return {
    format: outputFormat(settings.format, terminal),
    width: terminal ? io.stdout.columns : undefined,
    color: settings.color,
    terminal,
  };
}

function outputFormat(given: string | undefined, terminal: boolean): OutputFormat {
  if (given === undefined) return terminal ? 'table' : 'jsonl';
  const found = OUTPUT_FORMATS.find((format) => format === given);
  if (found === undefined) {
    throw new SegctlError(`--format ${JSON.stringify(given)} is not a format of this command`, {
      code: 'invalid-choice',
      exit: 'usage',
      facts: { option: '--format', value: given },
      remedy: `use one of ${OUTPUT_FORMATS.join(', ')}`,
    });
  }
  return found;
}
