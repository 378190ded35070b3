import { SegctlError } from '../segctl-error.ts';
import type { ByteSource } from './byte-source.ts';
import type { JsonFault } from './json-fault.ts';

/** Where in the document's structure a fault lies, e.g. `$["orders-0"][3].max_offset`. */
export interface FaultPlace {
  readonly jsonPath: string;
}

const CONSEQUENCE =
  'a Chronik server refuses the whole file, starts with an empty index and overwrites the file at its next save';

/**
 * The error for bytes that Chronik's serde reader refuses. Line and column count from 1; the column
 * counts bytes, as serde_json's own messages do.
 */
export async function malformedError(
  source: ByteSource,
  fault: JsonFault,
  place: FaultPlace,
): Promise<SegctlError> {
  const { line, column } = await locate(source, fault.byteOffset);
  const where = `line ${line}, column ${column}`;
  return new SegctlError(
    `${source.name} is not a segment index: ${where}: expected ${fault.expected}, found ${fault.found}`,
    {
      code: 'index-malformed',
      exit: 'failed',
      facts: {
        file: source.name,
        path: place.jsonPath,
        line,
        column,
        byte: fault.byteOffset,
        expected: fault.expected,
        found: fault.found,
        consequence: CONSEQUENCE,
      },
      remedy:
        'correct this place in the file, restore the file from a backup, or rebuild it from the archives with: segctl reindex',
      cause: fault,
    },
  );
}

/** Line and column (from 1) of a byte offset; the end's where the source is shorter by now. */
async function locate(
  source: ByteSource,
  byteOffset: number,
): Promise<{ line: number; column: number }> {
  let line = 1;
  let lineStart = 0;
  let base = 0;
  for await (const chunk of source.chunks()) {
    const end = Math.min(chunk.length, byteOffset - base);
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let newline = bytes.indexOf(0x0a);
    while (newline >= 0 && newline < end) {
      line++;
      lineStart = base + newline + 1;
      newline = bytes.indexOf(0x0a, newline + 1);
    }
    base += chunk.length;
    if (base >= byteOffset) break;
  }
  return { line, column: Math.min(byteOffset, base) - lineStart + 1 };
}
