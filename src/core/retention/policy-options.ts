import { parseCount, parseDuration, parseSize } from '../quantities.ts';
import { SegctlError } from '../segctl-error.ts';
import { AGE_BASES, COMBINES, type Retention, type RetentionLayer, STRATEGIES } from './policy.ts';

/**
 * Retention as it is typed: flags after commander, or the strings of segctl.yaml. `false` is a
 * limit switched off (`--no-max-age`), undefined one that isn't mentioned.
 */
export interface RetentionOptions {
  readonly strategy?: string | undefined;
  readonly maxAge?: string | false | undefined;
  readonly maxSize?: string | false | undefined;
  readonly keepOffsets?: string | false | undefined;
  readonly combine?: string | undefined;
  readonly ageBy?: string | undefined;
  readonly allowGaps?: boolean | undefined;
}

/**
 * Parses one layer of settings. Invalid text is a usage error that names the flag, and so is a limit
 * that the strategy named beside it would not look at.
 */
export function parseRetentionOptions(options: RetentionOptions): RetentionLayer {
  const layer: { -readonly [K in keyof Retention]?: Retention[K] } = {};
  if (options.strategy !== undefined) {
    layer.strategy = oneOf(STRATEGIES, options.strategy, '--strategy');
  }
  if (options.maxAge !== undefined) {
    layer.maxAgeMs = options.maxAge === false ? null : parseDuration(options.maxAge, '--max-age');
  }
  if (options.maxSize !== undefined) {
    layer.maxSizeBytes =
      options.maxSize === false ? null : parseSize(options.maxSize, '--max-size');
  }
  if (options.keepOffsets !== undefined) {
    layer.keepOffsets =
      options.keepOffsets === false ? null : parseCount(options.keepOffsets, '--keep-offsets');
  }
  if (options.combine !== undefined) {
    layer.combine = oneOf(COMBINES, options.combine, '--combine');
  }
  if (options.ageBy !== undefined) {
    layer.ageBy = oneOf(AGE_BASES, options.ageBy, '--age-by');
  }
  if (options.allowGaps !== undefined) {
    layer.allowGaps = options.allowGaps;
  }
  refuseIdleLimits(layer);
  return layer;
}

/** `--max-deletions N`: `false` is no cap at all. */
export function parseMaxDeletions(text: string | false): number | null {
  if (text === false) {
    return null;
  }
  const count = parseCount(text, '--max-deletions');
  // No index holds so many entries, so that a larger number says the same.
  return Number(count < BigInt(Number.MAX_SAFE_INTEGER) ? count : Number.MAX_SAFE_INTEGER);
}

function refuseIdleLimits(layer: RetentionLayer): void {
  const { strategy } = layer;
  if (strategy === undefined || strategy === 'hybrid') {
    return;
  }
  const limits = [
    { flag: '--max-age', value: layer.maxAgeMs, of: 'time' },
    { flag: '--max-size', value: layer.maxSizeBytes, of: 'size' },
    { flag: '--keep-offsets', value: layer.keepOffsets, of: 'offset' },
  ];
  for (const { flag, value, of } of limits) {
    if (of !== strategy && value !== undefined && value !== null) {
      throw new SegctlError(`strategy ${strategy} does not look at ${flag}`, {
        code: 'limit-without-effect',
        exit: 'usage',
        facts: { strategy, option: flag },
        remedy: `leave ${flag} out, or use --strategy hybrid`,
      });
    }
  }
}

/** The one of `names` that the text is, or a usage error that lists them. */
function oneOf<T extends string>(names: readonly T[], text: string, option: string): T {
  const found = names.find((name) => name === text);
  if (found === undefined) {
    throw new SegctlError(`${option}: "${text}" is not one of ${names.join(', ')}`, {
      code: 'invalid-choice',
      exit: 'usage',
      facts: { option, value: text },
      remedy: `use one of ${names.join(', ')}`,
    });
  }
  return found;
}
