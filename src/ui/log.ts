import type { Fact } from '../core/segctl-error.ts';
import { toJson } from './json.ts';
import { escapeForTerminal } from './terminal-text.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Facts = Readonly<Record<string, Fact>>;

/** Messages are lower case without a full stop, as an error's; facts are camelCase. */
export interface Logger {
  debug(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
}

export interface LoggerOptions {
  /** Messages below it are dropped: -q is `warn`, -v is `debug`, and `info` without either. */
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  /** Takes one line with its line feed. It must not throw and may drop lines: logs never stop work. */
  readonly write: (line: string) => void;
  /** Unix time in ms. Without it text lines carry no time, as suits a terminal. */
  readonly now?: () => number;
}

/**
 * A logger of one line a message.
 *
 * text: `2026-07-01T12:00:00.000Z warn  archive is missing segment=orders-0-0-99 bytes=17`; values
 * with spaces or quotes are JSON strings, and control characters are escaped, so that a line is
 * always one line. json: `{"time":...,"level":...,"message":...,"segment":...}`; facts that would
 * hide one of these three keys get a trailing underscore.
 */
export function createLogger(options: LoggerOptions): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const log = (level: LogLevel, message: string, facts: Facts | undefined) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const time = options.now === undefined ? undefined : new Date(options.now()).toISOString();
    const line = options.format === 'json' ? jsonLine : textLine;
    options.write(`${line(time, level, message, facts ?? {})}\n`);
  };
  return {
    debug: (message, facts) => log('debug', message, facts),
    info: (message, facts) => log('info', message, facts),
    warn: (message, facts) => log('warn', message, facts),
    error: (message, facts) => log('error', message, facts),
  };
}

function textLine(
  time: string | undefined,
  level: LogLevel,
  message: string,
  facts: Facts,
): string {
  const head = time === undefined ? `${level}:` : `${time} ${level.padEnd(5)}`;
  const tail = Object.entries(facts).map(([key, value]) => ` ${key}=${logfmtValue(value)}`);
  return `${head} ${escapeForTerminal(message)}${tail.join('')}`;
}

function logfmtValue(value: Fact): string {
  const text = String(value);
  return /^[^\s"=]+$/.test(text) ? escapeForTerminal(text) : toJson(text);
}

const OWN_KEYS = new Set(['time', 'level', 'message']);

function jsonLine(
  time: string | undefined,
  level: LogLevel,
  message: string,
  facts: Facts,
): string {
  const renamed = Object.entries(facts).map(([key, value]) => [
    OWN_KEYS.has(key) ? `${key}_` : key,
    value,
  ]);
  return toJson({ time, level, message, ...Object.fromEntries(renamed) });
}
