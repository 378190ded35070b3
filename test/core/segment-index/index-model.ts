import fc from 'fast-check';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';

/** An entry with what stands beside its fields: names and JSON texts of unknown ones. */
export interface ModelEntry {
  readonly entry: SegmentEntry;
  readonly unknown: readonly (readonly [name: string, json: string])[];
}

/** The keys of a file in order, equal ones included. */
export type ModelIndex = readonly (readonly [key: string, entries: readonly ModelEntry[]])[];

const topicName = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('orders', 'a-b', 'edge.cases', 'x') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 0, maxLength: 8 }) },
);
const i32 = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer());
const i64 = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 5000n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { weight: 1, arbitrary: fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -1n) },
);
const u64 = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 15n }) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 64n - 1n, 10n ** 15n - 1n, 10n ** 15n, 0n) },
);

/** Mostly as Chronik would name it, so that the fast path is taken; else anything. */
function entryOf(topic: string, partition: number): fc.Arbitrary<SegmentEntry> {
  return fc
    .record({
      odd: fc.record(
        {
          id: topicName,
          path: topicName,
          topic: topicName,
          partition: i32,
          compression: topicName,
        },
        { requiredKeys: [] },
      ),
      isOdd: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
      dataDir: fc.constantFrom('/data/', './data/', '/data/'),
      minOffset: i64,
      maxOffset: i64,
      base: fc.option(fc.bigInt({ min: 0n, max: 10n ** 16n }), { freq: 3 }),
      recordCount: u64,
      minTimestamp: i64,
      maxTimestamp: fc.oneof(i64, fc.constant(-(2n ** 63n))),
      sizeBytes: u64,
      createdAtSeconds: i64,
    })
    .map(({ odd, isOdd, dataDir, base, ...numbers }) => {
      const name = (isOdd ? odd.topic : undefined) ?? topic;
      const number = (isOdd ? odd.partition : undefined) ?? partition;
      const { minOffset, maxOffset } = numbers;
      const file = `segment-${base ?? minOffset}-${maxOffset}.tar.gz`;
      const path = `${dataDir}tantivy_indexes/${name}/partition-${number}/${file}`;
      return {
        ...numbers,
        topic: name,
        partition: number,
        segmentId: (isOdd ? odd.id : undefined) ?? `${name}-${number}-${minOffset}-${maxOffset}`,
        objectStorePath: (isOdd ? odd.path : undefined) ?? path,
        compression: (isOdd ? odd.compression : undefined) ?? 'snappy',
      };
    });
}

const unknownFields = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom('bloom', 'row_group_count', ''), topicName).map((n) => `${n}_x`),
    fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.constantFrom('1e400', '-0', '"\\ud800"', '[[[{"a":[]}]]]', '"]\\n["', '0.50'),
    ),
  ),
  { maxLength: 2 },
);

export const modelIndex: fc.Arbitrary<ModelIndex> = fc.array(
  fc.tuple(topicName, i32).chain(([topic, partition]) =>
    fc.tuple(
      fc.oneof(
        { weight: 8, arbitrary: fc.constant(`${topic}-${partition}`) },
        { weight: 1, arbitrary: topicName },
        { weight: 1, arbitrary: fc.constantFrom('a-+1', 'a-01', 'a-1', 'none', '-7', 'a-') },
      ),
      fc.array(
        fc.record({
          entry: entryOf(topic, partition),
          unknown: fc.oneof(
            { weight: 5, arbitrary: fc.constant([]) },
            { weight: 1, arbitrary: unknownFields },
          ),
        }),
        { maxLength: 8 },
      ),
    ),
  ),
  { maxLength: 5 },
);

/** Chronik's own formatting: serde_json's pretty printer with two spaces. */
export function chronikText(model: ModelIndex): string {
  if (model.length === 0) return '{}';
  const keys = model.map(([key, entries]) => {
    const items = entries.map((one) => {
      const lines = fieldTexts(one).map(([name, json]) => `      ${JSON.stringify(name)}: ${json}`);
      return `    {\n${lines.join(',\n')}\n    }`;
    });
    const body = items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n  ]`;
    return `  ${JSON.stringify(key)}: ${body}`;
  });
  return `{\n${keys.join(',\n')}\n}`;
}

/** Any other valid spelling: order, white space, escapes and arrays for objects by dice. */
export function oddText(model: ModelIndex, dice: () => number): string {
  const space = () => ['', '', ' ', '\n', '\t\r\n  ', '\n  '][Math.floor(dice() * 6)] ?? '';
  const text = (value: string) =>
    `"${[...value].map((char) => spellCharacter(char, dice)).join('')}"`;
  const list = (items: readonly string[]) =>
    items.map((item) => space() + item + space()).join(',') || space();
  const entry = (one: ModelEntry) => {
    const fields = fieldTexts(one, text);
    if (one.unknown.length === 0 && dice() < 0.1) {
      return `[${list(fields.map(([, json]) => json))}]`;
    }
    const shuffled = fields
      .map((field) => ({ field, rank: dice() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ field: [name, json] }) => `${text(name)}${space()}:${space()}${json}`);
    return `{${list(shuffled)}}`;
  };
  const keys = model.map(
    ([key, entries]) => `${text(key)}${space()}:${space()}[${list(entries.map(entry))}]`,
  );
  return `${space()}{${list(keys)}}${space()}`;
}

function spellCharacter(char: string, dice: () => number): string {
  const plain = JSON.stringify(char).slice(1, -1);
  if (dice() > 0.1) return plain;
  const units = Array.from({ length: char.length }, (_, i) => char.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

function fieldTexts(
  { entry, unknown }: ModelEntry,
  text: (value: string) => string = JSON.stringify,
): (readonly [string, string])[] {
  return [
    ['segment_id', text(entry.segmentId)],
    ['topic', text(entry.topic)],
    ['partition', String(entry.partition)],
    ['min_offset', String(entry.minOffset)],
    ['max_offset', String(entry.maxOffset)],
    ['record_count', String(entry.recordCount)],
    ['min_timestamp', String(entry.minTimestamp)],
    ['max_timestamp', String(entry.maxTimestamp)],
    ['object_store_path', text(entry.objectStorePath)],
    ['size_bytes', String(entry.sizeBytes)],
    ['created_at', String(entry.createdAtSeconds)],
    ['compression', text(entry.compression)],
    ...unknown,
  ];
}

/** Numbers in [0, 1) that depend on the seed alone. */
export function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}
