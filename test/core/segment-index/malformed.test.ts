import { describe, expect, it } from 'vitest';
import { SegctlError } from '../../../src/core/segctl-error.ts';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';

const ENTRY = `{
      "segment_id": "orders-0-0-9",
      "topic": "orders",
      "partition": 0,
      "min_offset": 0,
      "max_offset": 9,
      "record_count": 10,
      "min_timestamp": 1763800000000,
      "max_timestamp": 1763800000999,
      "object_store_path": "/data/tantivy_indexes/orders/partition-0/segment-0-9.tar.gz",
      "size_bytes": 5755,
      "created_at": 1795351709,
      "compression": "snappy"
    }`;
const GOOD = `{\n  "orders-0": [\n    ${ENTRY}\n  ]\n}`;

interface Refusal {
  readonly what: string;
  readonly bytes: string | Uint8Array;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly expected: string | RegExp;
  readonly found: string;
}

/** GOOD with one place changed; `find` stands in it once. */
function changed(find: string, put: string): string {
  expect(GOOD.split(find)).toHaveLength(2);
  return GOOD.replace(find, () => put);
}

const field = (name: string) => `$["orders-0"][0].${name}`;
const I64 = 'an integer from -9223372036854775808 to 9223372036854775807';
const U64 = 'an integer from 0 to 18446744073709551615';
const I32 = 'an integer from -2147483648 to 2147483647';

const REFUSALS: readonly Refusal[] = [
  // What serde's types refuse. Lines count the pretty-printed file above.
  {
    what: 'a float in an integer field',
    bytes: changed('"max_offset": 9', '"max_offset": 9.0'),
    path: field('max_offset'),
    line: 8,
    column: 21,
    expected: I64,
    found: '9.0',
  },
  {
    what: 'an exponent in an integer field',
    bytes: changed('5755', '1e3'),
    path: field('size_bytes'),
    line: 13,
    column: 21,
    expected: U64,
    found: '1e3',
  },
  {
    what: 'minus zero, which serde_json reads as a float',
    bytes: changed('"min_offset": 0', '"min_offset": -0'),
    path: field('min_offset'),
    line: 7,
    column: 21,
    expected: I64,
    found: '-0',
  },
  {
    what: 'an i64 one too large',
    bytes: changed('1795351709', '9223372036854775808'),
    path: field('created_at'),
    line: 14,
    column: 21,
    expected: I64,
    found: '9223372036854775808',
  },
  {
    what: 'an i64 one too small',
    bytes: changed('1763800000999', '-9223372036854775809'),
    path: field('max_timestamp'),
    line: 11,
    column: 24,
    expected: I64,
    found: '-9223372036854775809',
  },
  {
    what: 'a u64 one too large',
    bytes: changed('5755', '18446744073709551616'),
    path: field('size_bytes'),
    line: 13,
    column: 21,
    expected: U64,
    found: '18446744073709551616',
  },
  {
    what: 'a negative count',
    bytes: changed('"record_count": 10', '"record_count": -1'),
    path: field('record_count'),
    line: 9,
    column: 23,
    expected: U64,
    found: '-1',
  },
  {
    what: 'an i32 one too large',
    bytes: changed('"partition": 0', '"partition": 2147483648'),
    path: field('partition'),
    line: 6,
    column: 20,
    expected: I32,
    found: '2147483648',
  },
  {
    what: 'a number in quotes',
    bytes: changed('"partition": 0', '"partition": "0"'),
    path: field('partition'),
    line: 6,
    column: 20,
    expected: I32,
    found: 'a string',
  },
  {
    what: 'null for a string',
    bytes: changed('"snappy"', 'null'),
    path: field('compression'),
    line: 15,
    column: 22,
    expected: 'a string',
    found: 'null',
  },
  {
    what: 'an object for a number',
    bytes: changed('"max_offset": 9', '"max_offset": {}'),
    path: field('max_offset'),
    line: 8,
    column: 21,
    expected: I64,
    found: 'an object',
  },
  {
    what: 'a missing field',
    bytes: changed('"size_bytes": 5755,', ''),
    path: '$["orders-0"][0]',
    line: 16,
    column: 5,
    expected: 'the field "size_bytes"',
    found: 'the end of the entry',
  },
  {
    what: 'a field that comes twice',
    bytes: changed('"topic": "orders"', '"topic": "orders", "topic": "orders"'),
    path: field('topic'),
    line: 5,
    column: 26,
    expected: 'each known field once',
    found: '"topic" a second time',
  },
  {
    what: 'a field that comes twice, once with an escape',
    bytes: changed('"topic": "orders"', '"topic": "orders", "t\\u006fpic": "x"'),
    path: field('topic'),
    line: 5,
    column: 26,
    expected: 'each known field once',
    found: '"topic" a second time',
  },
  {
    what: 'null for an entry',
    bytes: '{"a-0": [null]}',
    path: '$["a-0"][0]',
    line: 1,
    column: 10,
    expected: 'an entry (an object)',
    found: 'null',
  },
  {
    what: 'an entry where an array should be',
    bytes: `{"a-0": ${ENTRY}}`,
    path: '$["a-0"]',
    line: 1,
    column: 9,
    expected: 'an array of entries',
    found: 'an object',
  },
  {
    what: 'an array at the top',
    bytes: '[]',
    path: '$',
    line: 1,
    column: 1,
    expected: 'an object of "topic-partition": [entries]',
    found: 'an array',
  },
  {
    what: 'an array entry with too few values',
    bytes: '{"a-0": [["id", "a", 0]]}',
    path: '$["a-0"][0][3]',
    line: 1,
    column: 23,
    expected: 'the field "min_offset"',
    found: 'the end of the entry',
  },
  {
    what: 'an array entry with too many values',
    bytes: '{"a-0": [["id","a",0,1,2,3,4,5,"p",6,7,"c",8]]}',
    path: '$["a-0"][0][12]',
    line: 1,
    column: 44,
    expected: 'the end of an entry of 12 values',
    found: 'one more',
  },
  // What is not JSON.
  {
    what: 'an empty file',
    bytes: '',
    path: '$',
    line: 1,
    column: 1,
    expected: 'a value',
    found: 'the end of the file',
  },
  {
    what: 'white space alone',
    bytes: ' \n ',
    path: '$',
    line: 2,
    column: 2,
    expected: 'a value',
    found: 'the end of the file',
  },
  {
    what: 'a file cut inside a number',
    bytes: GOOD.slice(0, GOOD.indexOf('5755') + 2),
    path: field('size_bytes'),
    line: 13,
    column: 23,
    expected: 'a digit, or the end of the number',
    found: 'the end of the file',
  },
  {
    what: 'a file cut inside a string',
    bytes: GOOD.slice(0, GOOD.indexOf('snappy') + 3),
    path: field('compression'),
    line: 15,
    column: 26,
    expected: "a string's next character or its closing quote",
    found: 'the end of the file',
  },
  {
    what: 'a file cut between entries',
    bytes: GOOD.slice(0, -6),
    path: '$["orders-0"][1]',
    line: 16,
    column: 6,
    expected: '"," or "]"',
    found: 'the end of the file',
  },
  {
    what: 'a file cut before its last brace',
    bytes: GOOD.slice(0, -1),
    path: '$',
    line: 18,
    column: 1,
    expected: '"," or "}"',
    found: 'the end of the file',
  },
  {
    what: 'text after the document',
    bytes: `${GOOD}\n{}`,
    path: '$',
    line: 19,
    column: 1,
    expected: 'nothing after the JSON document',
    found: '"{"',
  },
  {
    what: 'a byte order mark',
    bytes: `\ufeff${GOOD}`,
    path: '$',
    line: 1,
    column: 1,
    expected: 'a value',
    found: 'the byte 0xef',
  },
  {
    what: 'a comma before a bracket',
    bytes: '{"a-0": [],}',
    path: '$',
    line: 1,
    column: 12,
    expected: 'a key in quotes',
    found: '"}"',
  },
  {
    what: 'a comment',
    bytes: '{\n  // none\n}',
    path: '$',
    line: 2,
    column: 3,
    expected: 'a key in quotes or "}"',
    found: '"/"',
  },
  {
    what: 'a leading zero',
    bytes: changed('5755', '05755'),
    path: field('size_bytes'),
    line: 13,
    column: 22,
    expected: 'no digit after a leading zero',
    found: '"5"',
  },
  {
    what: 'NaN',
    bytes: changed('5755', 'NaN'),
    path: field('size_bytes'),
    line: 13,
    column: 21,
    expected: 'a value',
    found: '"N"',
  },
  {
    what: 'a line break in a string',
    bytes: changed('snappy', 'snap\npy'),
    path: field('compression'),
    line: 15,
    column: 27,
    expected: "a string's next character or its closing quote",
    found: 'the byte 0x0a',
  },
  {
    what: 'a zero byte in a string',
    bytes: changed('snappy', 'sn\u0000ppy'),
    path: field('compression'),
    line: 15,
    column: 25,
    expected: /character/,
    found: 'the byte 0x00',
  },
  {
    what: 'an unknown escape',
    bytes: changed('snappy', 'sn\\xppy'),
    path: field('compression'),
    line: 15,
    column: 26,
    expected: /^one of the escapes/,
    found: '"x"',
  },
  {
    what: 'a lone high surrogate',
    bytes: changed('snappy', '\\ud83dx'),
    path: field('compression'),
    line: 15,
    column: 29,
    expected: 'the escape of a low surrogate',
    found: '"x"',
  },
  {
    what: 'a lone low surrogate',
    bytes: changed('snappy', '\\ude00'),
    path: field('compression'),
    line: 15,
    column: 23,
    expected: 'no lone surrogate',
    found: '\\ude00',
  },
  {
    what: 'a high surrogate after a high one',
    bytes: changed('snappy', '\\ud83d\\ud83d'),
    path: field('compression'),
    line: 15,
    column: 29,
    expected: 'a low surrogate',
    found: '\\ud83d',
  },
  {
    what: 'UTF-8 cut short',
    bytes: Buffer.from(changed('snappy', 'sn\u00e4'), 'latin1'),
    path: field('compression'),
    line: 15,
    column: 26,
    expected: 'valid UTF-8',
    found: '"""',
  },
  {
    what: 'a slash in overlong UTF-8',
    bytes: Buffer.from(changed('snappy', '\u00c0\u00af'), 'latin1'),
    path: field('compression'),
    line: 15,
    column: 23,
    expected: 'valid UTF-8',
    found: 'the byte 0xc0',
  },
  {
    what: 'invalid UTF-8 in a field that nobody reads',
    bytes: Buffer.from(changed('"topic": "orders"', '"x": "\u00ff", "topic": "orders"'), 'latin1'),
    path: field('x'),
    line: 5,
    column: 13,
    expected: 'valid UTF-8',
    found: 'the byte 0xff',
  },
];

async function refusal(bytes: string | Uint8Array, chunk: number): Promise<SegctlError> {
  const source = bytesSource('/data/segment_index.json', Buffer.from(bytes), chunk);
  const error = await readIndex(source).catch((thrown: unknown) => thrown);
  if (error instanceof SegctlError) return error;
  throw new Error(`not refused: ${String(error)}`);
}

describe('a file that the server would refuse', () => {
  for (const { what, bytes, path, line, column, expected, found } of REFUSALS) {
    it(`is refused at the very place: ${what}`, async () => {
      for (const chunk of [1, 100, 1 << 20]) {
        const error = await refusal(bytes, chunk);
        expect(error.code).toBe('index-malformed');
        expect(error.exitCode).toBe(1);
        expect(error.facts).toMatchObject({
          file: '/data/segment_index.json',
          path,
          line,
          column,
          found,
        });
        expect(error.facts.expected).toMatch(expected);
        expect(Number(error.facts.byte)).toBe(byteAt(bytes, line, column));
        expect(error.message).toContain(`line ${line}, column ${column}`);
        expect(String(error.facts.consequence)).toContain('starts with an empty index');
        expect(error.remedy).toContain('segctl reindex');
      }
    });
  }
});

function byteAt(text: string | Uint8Array, line: number, column: number): number {
  const lines = Buffer.from(text).toString('latin1').split('\n');
  return lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
}

describe('an entry among many in the formatting of the server', () => {
  const many = `{\n  "orders-0": [\n    ${Array(8).fill(ENTRY).join(',\n    ')}\n  ]\n}`;
  const third = many.indexOf(ENTRY, many.indexOf(ENTRY) + 2 * ENTRY.length);
  const numbers = [...ENTRY.matchAll(/: ([0-9]+)/g)].map((match) => match.index + 2);

  it('is refused for a leading zero, a sign or a point in any of its numbers', async () => {
    expect(numbers).toHaveLength(8);
    for (const at of numbers) {
      for (const put of ['0', '+', '.', '--']) {
        const bytes = many.slice(0, third + at) + put + many.slice(third + at);
        const error = await refusal(bytes, 1 << 20);
        expect(error.facts.path).toMatch(/^\$\["orders-0"\]\[2\]\./);
      }
    }
  });

  it('is refused for any byte that is left out of its names, colons and commas', async () => {
    const bones = [...ENTRY.matchAll(/[:,"{}]/g)].map((match) => match.index);
    for (const at of bones) {
      const bytes = many.slice(0, third + at) + many.slice(third + at + 1);
      await refusal(bytes, 1 << 20);
    }
  });
});

describe('a bomb', () => {
  it('of ten million brackets in an ignored field is read with a bit a level, as the server does', async () => {
    const depth = 10_000_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    const index = await readIndex(
      bytesSource('x', Buffer.from(changed('"topic"', `"deep": ${nested}, "topic"`))),
    );
    expect(index.unknownFields(0)).toEqual(['deep']);
  });

  it('of a name that never ends is refused before it fills the memory', async () => {
    const error = await refusal(`{"${'x'.repeat(17 << 20)}-0": []}`, 1 << 20);
    expect(error.facts).toMatchObject({ expected: 'a text of at most 16 MiB', column: 2 });
  });

  it('of digits is refused, and not repeated in full', async () => {
    const error = await refusal(changed('5755', '9'.repeat(100_000)), 1 << 20);
    expect(error.facts.found).toBe(`${'9'.repeat(40)}...`);
  });
});
