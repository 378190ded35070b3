import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SEGMENT_COLUMNS } from '../../src/commands/segments/segment-row.ts';
import { csvHeader } from '../../src/ui/column.ts';
import { BATCH_FIELDS } from '../../src/ui/record-output/batch-fields.ts';
import { BYTE_ENCODINGS } from '../../src/ui/record-output/byte-encoding.ts';
import { FORMAT_TOKENS } from '../../src/ui/record-output/format-string.ts';
import { createRecordWriter, RECORD_FORMATS } from '../../src/ui/record-output/record-writer.ts';
import { OUTPUT_FORMATS } from '../../src/ui/result.ts';
import { PIPE } from './record-output/sample-records.ts';

const doc = readFileSync(new URL('../../docs/output.md', import.meta.url), 'utf8');
const csv = await createRecordWriter('csv', PIPE);

describe('docs/output.md', () => {
  it.each([
    ['formats', [...OUTPUT_FORMATS, ...RECORD_FORMATS]],
    ['keys of a segment', csvHeader(SEGMENT_COLUMNS)],
    ['keys of a record', csv.start().trim().split(',')],
    ['keys of a batch', BATCH_FIELDS.map(({ key }) => key)],
    ['encodings', BYTE_ENCODINGS],
    ['tokens', Object.keys(FORMAT_TOKENS).map((token) => `%${token}`)],
  ])('names all %s', (_, words) => {
    expect(words.length).toBeGreaterThan(0);
    expect(words.filter((word) => !doc.includes(`\`${word}\``))).toEqual([]);
  });
});
