import type { z } from 'zod';
import { SegctlError } from '../core/segctl-error.ts';
import type { FlagCatalogue } from './command-flags.ts';
import { type ConfigFile, type ConfigPath, placeText } from './config-file.ts';
import { configSchema } from './config-schema.ts';
import { FlagDefaults } from './flag-defaults.ts';
import { type Mistake, readYaml, type YamlDocument } from './yaml-document.ts';

/**
 * Parses the text of a `segctl.yaml`. Every mistake is reported at once, each with its line and
 * column, in one `config-invalid` error (exit usage).
 */
export function parseConfig(text: string, path: string, catalogue: FlagCatalogue): ConfigFile {
  const yaml = readYaml(text);
  if (yaml.mistakes.length > 0) throw invalid(path, yaml.mistakes);
  const parsed = configSchema.safeParse(yaml.content ?? {});
  const defaults = new FlagDefaults(yaml, catalogue);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.flatMap((issue) => told(issue, yaml));
    throw invalid(path, [...mistakes, ...defaults.mistakes]);
  }
  if (defaults.mistakes.length > 0) throw invalid(path, defaults.mistakes);
  const { retention, holds } = parsed.data;
  return {
    path,
    defaults: defaults.flags,
    commandDefaults: defaults.commands,
    retention: retention?.retention ?? {},
    topics: retention?.topics ?? [],
    holds: holds ?? [],
    placeOf: yaml.placeOf,
  };
}

function told(issue: z.core.$ZodIssue, yaml: YamlDocument): Mistake[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      place: yaml.placeOfKey([...path, key]),
      what: `there is no setting "${nameOf([...path, key])}"`,
    }));
  }
  const name = path.length === 0 ? 'the file' : nameOf(path);
  const message = issue.message.replace(/^Invalid input: /, '');
  return [{ place: yaml.placeOf(path), what: `${name}: ${message}` }];
}

/** `holds[0].until`, counted from 0 as in JSON paths. */
function nameOf(path: ConfigPath): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`))
    .join('');
}

function invalid(path: string, mistakes: readonly Mistake[]): SegctlError {
  const inOrder = [...mistakes].sort(
    (a, b) => a.place.line - b.place.line || a.place.column - b.place.column,
  );
  const [first] = inOrder;
  const message =
    inOrder.length === 1 && first !== undefined
      ? `${path}: ${placeText(first.place)}: ${first.what}`
      : `${path} holds ${inOrder.length} mistakes`;
  const all = inOrder.length === 1 ? [] : inOrder;
  return new SegctlError(message, {
    code: 'config-invalid',
    exit: 'usage',
    facts: {
      file: path,
      ...(first === undefined ? {} : { line: first.place.line, column: first.place.column }),
      ...Object.fromEntries(
        all.map(({ place, what }, i) => [`mistake${i + 1}`, `${placeText(place)}: ${what}`]),
      ),
    },
    remedy: 'correct the file, or run without it by --config /dev/null',
  });
}
