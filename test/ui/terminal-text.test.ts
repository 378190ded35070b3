import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, truncate } from '../../src/ui/display-width.ts';
import { bytesForTerminal, escapeForTerminal } from '../../src/ui/terminal-text.ts';

/** Any UTF-16 at all, lone surrogates included. */
const anyUtf16 = fc
  .array(fc.oneof(fc.nat(0xffff), fc.constantFrom(0x1b, 0x9b, 0x202e, 0xd83d, 0xde00, 0x200d)))
  .map((units) => String.fromCharCode(...units));
const OBEYED =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

describe('escapeForTerminal', () => {
  it.each([
    ['plain text stays', 'plain text stays'],
    ['Grüße, 世界 👩‍👩‍👧 אבג', 'Grüße, 世界 👩‍👩‍👧 אבג'],
    ['a\tb\r\nc\0', 'a\\tb\\r\\nc\\x00'],
    ['\u001b[2J\u009b31m\x7f', '\\x1b[2J\\x9b31m\\x7f'],
    ['\u202eevil\u2069', '\\u202eevil\\u2069'],
    ['\ud800', '\\ud800'],
    ['\u{e0041}', '\\u{e0041}'],
    ['C:\\new', 'C:\\new'],
  ])('%j', (text, expected) => {
    expect(escapeForTerminal(text)).toBe(expected);
  });

  it('leaves nothing that a terminal obeys, whatever the text', () => {
    fc.assert(
      fc.property(anyUtf16, (text) => {
        expect(escapeForTerminal(text)).not.toMatch(OBEYED);
      }),
    );
  });
});

describe('bytesForTerminal', () => {
  it('shows text as text and other bytes one by one', () => {
    expect(bytesForTerminal(Buffer.from('añ\n'))).toBe('añ\\n');
    expect(bytesForTerminal(Uint8Array.of(0x61, 0xc3, 0x0a, 0x1b))).toBe('a\\xc3\\n\\x1b');
  });

  it('leaves nothing that a terminal obeys, whatever the bytes, and cuts whole characters', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(20), (bytes, reach) => {
        expect(bytesForTerminal(bytes)).not.toMatch(OBEYED);
        expect(bytesForTerminal(bytes, reach)).not.toMatch(OBEYED);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 8 }), fc.nat(6), (text, reach) => {
        const shown = bytesForTerminal(Buffer.from(text), reach);
        expect(shown.endsWith('…')).toBe(true);
        expect(escapeForTerminal(text).startsWith(shown.slice(0, -1))).toBe(true);
      }),
    );
  });
});

describe('truncate', () => {
  it.each([
    ['short', 10, 'middle', 'short'],
    ['abcdefghij', 10, 'middle', 'abcdefghij'],
    ['abcdefghijk', 10, 'middle', 'abcde…hijk'],
    ['abcdefghijk', 10, 'end', 'abcdefghi…'],
    ['世界世界世界', 7, 'middle', '世…界'],
    ['世界世界世界', 6, 'end', '世界…'],
    ['abc', 1, 'middle', '…'],
    ['abc', 0, 'end', ''],
  ] as const)('%s in %i, cut in the %s', (text, columns, where, expected) => {
    expect(truncate(text, columns, where)).toBe(expected);
  });

  it('never takes more columns than it has and never splits a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).map(escapeForTerminal),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('middle', 'end'),
        (text, columns, where) => {
          const cut = truncate(text, columns, where);
          expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
          expect(cut).not.toMatch(/\p{Cs}/u);
        },
      ),
    );
  });
});
