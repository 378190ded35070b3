import { z } from 'zod';
import { parseOffsetBound } from '../core/fetch/offset-spec.ts';
import { parseTime } from '../core/quantities.ts';
import type { Hold } from '../core/retention/hold.ts';
import type { RetentionLayer, TopicRetention } from '../core/retention/policy.ts';
import { parseRetentionOptions, type RetentionOptions } from '../core/retention/policy-options.ts';
import { checkTopicGlob } from '../core/retention/topic-glob.ts';
import { SegctlError } from '../core/segctl-error.ts';

/** A section that is there but empty, as when all its lines are comments, says nothing. */
const section = <T extends z.ZodType>(schema: T) => schema.nullish();

/** Parses a value with what parses the flag's, so that both take and refuse the same. */
function parsed<In, Out>(
  parse: (value: In) => Out,
): (value: In, context: z.core.$RefinementCtx<In>) => Out {
  return (value, context) => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof SegctlError)) throw error;
      context.issues.push({ code: 'custom', message: withoutFlag(error.message), input: value });
      return z.NEVER;
    }
  };
}

/** The mistake's place names the setting already. */
function withoutFlag(message: string): string {
  return message.replace(/^--[\w-]+: /, '').replace(/--(?=[a-z])/g, '');
}

/** Numbers may be written without quotes. */
const text = z
  .union([z.string(), z.bigint(), z.number()], {
    error: ({ input }) => (input === undefined ? 'it is missing' : 'expected text'),
  })
  .transform(String);

/** A limit of retention: text as its flag takes it; `off` and false switch it off. */
const limit = (name: 'maxAge' | 'maxSize' | 'keepOffsets') =>
  z
    .union([z.string(), z.bigint(), z.number(), z.literal(false)], {
      error: 'expected a limit, or off',
    })
    .transform(
      parsed((value) => {
        const typed = value === false || value === 'off' ? false : String(value);
        parseRetentionOptions({ [name]: typed });
        return typed;
      }),
    );

const choice = (name: 'strategy' | 'combine' | 'ageBy') =>
  z.string().transform(
    parsed((value) => {
      parseRetentionOptions({ [name]: value });
      return value;
    }),
  );

const retentionFields = {
  strategy: choice('strategy').optional(),
  'max-age': limit('maxAge').optional(),
  'max-size': limit('maxSize').optional(),
  'keep-offsets': limit('keepOffsets').optional(),
  combine: choice('combine').optional(),
  'age-by': choice('ageBy').optional(),
  'allow-gaps': z.boolean().optional(),
};

type RetentionFields = {
  readonly [Name in keyof typeof retentionFields]?: z.output<(typeof retentionFields)[Name]>;
};

function retentionLayer(fields: RetentionFields): RetentionLayer {
  const options: RetentionOptions = {
    strategy: fields.strategy,
    maxAge: fields['max-age'],
    maxSize: fields['max-size'],
    keepOffsets: fields['keep-offsets'],
    combine: fields.combine,
    ageBy: fields['age-by'],
    allowGaps: fields['allow-gaps'],
  };
  return parseRetentionOptions(options);
}

const topicGlob = text.transform(
  parsed((glob) => {
    checkTopicGlob(glob);
    return glob;
  }),
);

const topicRetention = z.strictObject({ topic: topicGlob, ...retentionFields }).transform(
  parsed(
    ({ topic, ...fields }): TopicRetention<RetentionLayer> => ({
      topic,
      retention: retentionLayer(fields),
    }),
  ),
);

const retention = z
  .strictObject({ ...retentionFields, topics: section(z.array(topicRetention)) })
  .transform(
    parsed(({ topics, ...fields }) => ({
      retention: retentionLayer(fields),
      topics: topics ?? [],
    })),
  );

/** A duration means the time before now everywhere, where no hold can end. */
function holdEnd(value: string): number {
  if (!/^\d{4}-|^\d+$/.test(value)) {
    throw usage(`"${value}" is not a date or a time such as 2027-01-31`);
  }
  return parseTime(value, 0);
}

type HoldOffsets = Pick<Hold, 'fromOffset' | 'toOffset'>;

/** `a:b` as in `--offset`: the end is exclusive; either side may be left out. */
function holdOffsets(value: string): HoldOffsets {
  const wrong = usage(`"${value}" is not a range of offsets such as 100:200`);
  const [from = '', to = '', ...rest] = value.split(':');
  if (rest.length > 0 || !value.includes(':') || (from === '' && to === '')) throw wrong;
  const bound = (part: string): bigint | null => {
    if (part === '') return null;
    if (!/^\d+$/.test(part)) throw wrong;
    const parsedBound = parseOffsetBound(part, 0);
    return parsedBound.kind === 'offset' ? parsedBound.offset : null;
  };
  const fromOffset = bound(from);
  const end = bound(to);
  if (end !== null && end <= (fromOffset ?? 0n)) throw wrong;
  return { fromOffset, toOffset: end === null ? null : end - 1n };
}

const hold = z
  .strictObject({
    topic: topicGlob,
    partition: z
      .bigint({ error: 'expected a partition number' })
      .refine((value) => value >= 0n && value <= 2147483647n, 'expected a partition number')
      .transform(Number)
      .optional(),
    offsets: text.transform(parsed(holdOffsets)).optional(),
    until: text.transform(parsed(holdEnd)).optional(),
    reason: text.refine((reason) => reason.trim() !== '', 'it must not be empty'),
  })
  .transform(
    ({ topic, partition, offsets, until, reason }): Hold => ({
      topic,
      partition: partition ?? null,
      fromOffset: offsets?.fromOffset ?? null,
      toOffset: offsets?.toOffset ?? null,
      untilMs: until ?? null,
      reason,
    }),
  );

/** The whole of segctl.yaml; what `defaults` holds is checked against the commands afterwards. */
export const configSchema = z.strictObject({
  defaults: section(z.record(z.string(), z.unknown())),
  retention: section(retention),
  holds: section(z.array(hold)),
});

function usage(message: string): SegctlError {
  return new SegctlError(message, { code: 'config-invalid', exit: 'usage' });
}
