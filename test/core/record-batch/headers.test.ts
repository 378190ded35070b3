import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadersWriter } from '../../../src/core/record-batch/encode-headers.ts';
import { formatHeaders, parseHeaders } from '../../../src/core/record-batch/header-json.ts';
import { SegctlError } from '../../../src/core/segctl-error.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function wire(text: Uint8Array): number[] {
  const writer = new HeadersWriter();
  // Not at the start of its blob, as in a column.
  const blob = Buffer.concat([bytesOf('[['), text, bytesOf(']]')]);
  const length = writer.write(blob, 2, 2 + text.length);
  return [...writer.bytes.subarray(0, length)];
}

describe('archived headers', () => {
  it('keep order, duplicates, null and empty values', () => {
    const text = '[{"key":"h","value":[104,105]},{"key":"h","value":null},{"key":"","value":[]}]';
    expect(parseHeaders(bytesOf(text))).toEqual([
      { key: 'h', value: Uint8Array.of(104, 105) },
      { key: 'h', value: null },
      { key: '', value: new Uint8Array() },
    ]);
    expect(wire(bytesOf(text))).toEqual([6, 2, 0x68, 4, 104, 105, 2, 0x68, 1, 0, 0]);
    expect(new TextDecoder().decode(formatHeaders(parseHeaders(bytesOf(text))))).toBe(text);
  });

  it('are none where the text is [] or of no length', () => {
    expect(parseHeaders(bytesOf('[]'))).toEqual([]);
    expect(parseHeaders(new Uint8Array())).toEqual([]);
  });

  it('are the same on the wire with blanks or escapes, which take the full parser', () => {
    const header = fc.record({
      key: fc.string({ unit: 'grapheme', maxLength: 80 }),
      value: fc.option(fc.uint8Array({ maxLength: 200 })),
    });
    fc.assert(
      fc.property(fc.array(header, { minLength: 1, maxLength: 70 }), (headers) => {
        const text = formatHeaders(headers);
        const blank = bytesOf(JSON.stringify(JSON.parse(new TextDecoder().decode(text)), null, 1));
        expect(wire(text)).toEqual(wire(blank));
        expect(parseHeaders(text)).toEqual(headers);
      }),
    );
  });

  it.each([
    '{}',
    '[',
    '[{"key":"h","value":[1]}',
    '[{"key":"h","value":[1]}]]',
    '[{"key":"h","value":[256]}]',
    '[{"key":"h","value":[-1]}]',
    '[{"key":"h","value":[1.5]}]',
    '[{"key":"h","value":[01]}]',
    '[{"key":"h","value":[1,]}]',
    '[{"key":"h","value":["1"]}]',
    '[{"key":"h","value":"aGk="}]',
    '[{"key":"h"}]',
    '[{"key":1,"value":null}]',
    '[{"key":"h","value":null,"more":1}]',
    '[null]',
    '[{"key":"h","value":nul}]',
    ' ',
  ])('are refused as %s', (text) => {
    for (const read of [parseHeaders, wire]) {
      expect(() => read(bytesOf(text))).toThrow(
        expect.objectContaining({ name: 'SegctlError', code: 'headers-malformed' }),
      );
    }
  });

  it('are refused where the text is not UTF-8', () => {
    const text = Buffer.from('[{"key":"\xff","value":null}]', 'latin1');
    expect(() => wire(text)).toThrow(SegctlError);
  });
});
