import { isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { parseOffsetBound } from '../core/fetch/offset-spec.ts';
import { parseTime } from '../core/quantities.ts';
import type { Hold } from '../core/retention/hold.ts';
import type { RetentionLayer } from '../core/retention/policy.ts';
import { parseRetentionOptions } from '../core/retention/policy-options.ts';
import { checkTopicGlob } from '../core/retention/topic-glob.ts';
import { SegctlError } from '../core/segctl-error.ts';
import type { ConfigFile, FlagDefault } from './config-file.ts';

const flagDefault = z.union([z.string(), z.number(), z.boolean()]);
/** `off` or `false` switches a limit off. */
const limit = z.union([
  z.literal('off').transform((): false => false),
  z.string(),
  z.literal(false),
  z.number().transform(String),
]);
const retentionFields = {
  strategy: z.string().optional(),
  'max-age': limit.optional(),
  'max-size': limit.optional(),
  'keep-offsets': limit.optional(),
  combine: z.string().optional(),
  'age-by': z.string().optional(),
  'allow-gaps': z.boolean().optional(),
};
const retentionSchema = z.strictObject(retentionFields);
const fileSchema = z.strictObject({
  defaults: z
    .record(z.string(), z.union([flagDefault, z.record(z.string(), flagDefault)]))
    .optional(),
  retention: z
    .strictObject({
      ...retentionFields,
      topics: z.array(z.strictObject({ topic: z.string(), ...retentionFields })).optional(),
    })
    .optional(),
  holds: z
    .array(
      z.strictObject({
        topic: z.string(),
        partition: z.number().int().min(0).max(2147483647).optional(),
        offsets: z.string().optional(),
        until: z.union([z.string(), z.number()]).optional(),
        reason: z.string().min(1),
      }),
    )
    .optional(),
});

type Path = readonly (string | number)[];
type RetentionFields = z.infer<typeof retentionSchema>;

/**
 * Parses the text of a `segctl.yaml`. Every mistake is reported at once, each with its line and
 * column, in one `config-invalid` error (exit usage). `nowMs` is the clock.
 */
export function parseConfig(text: string, path: string, nowMs: number): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeOf = (where: Path): string => {
    const { line, col } = lines.linePos(offsetOf(document.contents, where));
    return `line ${line}, column ${col}`;
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw invalid(path, [`line ${line}, column ${col}: ${syntax.message}`]);
  }
  const parsed = fileSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success)
    throw invalid(
      path,
      parsed.error.issues.flatMap((issue) => told(issue, placeOf)),
    );
  const mistakes: string[] = [];
  /** Runs a parser of one value; its usage error becomes a mistake at the value's place. */
  const at = <T>(where: Path, fallback: T, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof SegctlError)) throw error;
      mistakes.push(`${placeOf(where)}: ${error.message}`);
      return fallback;
    }
  };
  const { retention = {}, holds = [], defaults = {} } = parsed.data;
  const { topics = [], ...general } = retention;
  const result: ConfigFile = {
    path,
    ...splitDefaults(defaults),
    retention: at(['retention'], {}, () => retentionLayer(general)),
    topics: topics.map(({ topic, ...fields }, i) => {
      const where: Path = ['retention', 'topics', i];
      at([...where, 'topic'], undefined, () => checkTopicGlob(topic));
      return { topic, retention: at(where, {}, () => retentionLayer(fields)) };
    }),
    holds: holds.map((hold, i): Hold => {
      const where: Path = ['holds', i];
      at([...where, 'topic'], undefined, () => checkTopicGlob(hold.topic));
      const offsets = at([...where, 'offsets'], ALL_OFFSETS, () =>
        holdOffsets(hold.offsets, nowMs),
      );
      const { until } = hold;
      const untilMs =
        until === undefined
          ? null
          : at([...where, 'until'], null, () => holdEnd(String(until), nowMs));
      return {
        topic: hold.topic,
        partition: hold.partition ?? null,
        ...offsets,
        untilMs,
        reason: hold.reason,
      };
    }),
    placeOf,
  };
  if (mistakes.length > 0) throw invalid(path, mistakes);
  return result;
}

function splitDefaults(
  defaults: Readonly<Record<string, FlagDefault | Record<string, FlagDefault>>>,
): Pick<ConfigFile, 'defaults' | 'commandDefaults'> {
  const flags = new Map<string, FlagDefault>();
  const commands = new Map<string, ReadonlyMap<string, FlagDefault>>();
  for (const [name, value] of Object.entries(defaults)) {
    if (typeof value === 'object') commands.set(name, new Map(Object.entries(value)));
    else flags.set(name, value);
  }
  return { defaults: flags, commandDefaults: commands };
}

function retentionLayer(fields: RetentionFields): RetentionLayer {
  return parseRetentionOptions({
    strategy: fields.strategy,
    maxAge: fields['max-age'],
    maxSize: fields['max-size'],
    keepOffsets: fields['keep-offsets'],
    combine: fields.combine,
    ageBy: fields['age-by'],
    allowGaps: fields['allow-gaps'],
  });
}

/** A duration means the time before now everywhere, where no hold can end. */
function holdEnd(text: string, nowMs: number): number {
  if (!/^\d{4}-|^\d+$/.test(text)) {
    throw new SegctlError(`until: "${text}" is not a date or a time such as 2027-01-31`, {
      code: 'invalid-time',
      exit: 'usage',
    });
  }
  return parseTime(text, nowMs, 'until');
}

type HoldOffsets = Pick<Hold, 'fromOffset' | 'toOffset'>;
const ALL_OFFSETS: HoldOffsets = { fromOffset: null, toOffset: null };

/** `a:b` as in `--offset`: the end is exclusive; either side may be left out. */
function holdOffsets(text: string | undefined, nowMs: number): HoldOffsets {
  if (text === undefined) return ALL_OFFSETS;
  const [from = '', to = '', ...rest] = text.split(':');
  if (rest.length > 0 || !text.includes(':') || (from === '' && to === '')) {
    throw offsetsError(text);
  }
  const bound = (part: string): bigint | null => {
    if (part === '') return null;
    const parsed = parseOffsetBound(part, nowMs);
    if (parsed.kind !== 'offset') throw offsetsError(text);
    return parsed.offset;
  };
  const fromOffset = bound(from);
  const end = bound(to);
  if (end !== null && end <= (fromOffset ?? 0n)) throw offsetsError(text);
  return { fromOffset, toOffset: end === null ? null : end - 1n };
}

function offsetsError(text: string): SegctlError {
  return new SegctlError(`offsets: "${text}" is not a range of offsets such as 100:200`, {
    code: 'invalid-range',
    exit: 'usage',
  });
}

function told(issue: z.core.$ZodIssue, placeOf: (path: Path) => string): string[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const name = path.length === 0 ? 'the file' : path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${placeOf([...path, key])}: there is no setting "${[...path, key].join('.')}"`,
    );
  }
  return [`${placeOf(path)}: ${name}: ${issue.message.replace(/^Invalid input: /, '')}`];
}

/** Where the value of a path, or the key of the pair that holds it, begins in the text. */
function offsetOf(root: unknown, path: Path): number {
  let node: unknown = root;
  let offset = isNode(root) ? (root.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isNode(key) && String(key) === String(part));
      if (pair === undefined) return offset;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(part)];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}

function invalid(path: string, mistakes: readonly string[]): SegctlError {
  return new SegctlError(`${path}: ${mistakes.join(`; `)}`, {
    code: 'config-invalid',
    exit: 'usage',
    facts: Object.fromEntries(mistakes.map((mistake, i) => [`mistake${i + 1}`, mistake])),
    remedy: 'correct the file, or run without it by --config /dev/null',
  });
}
