import { createHash } from 'node:crypto';
import { SkipUncertain } from './array-skipper.ts';
import type { ByteSource } from './byte-source.ts';
import { malformedError } from './index-errors.ts';
import { IndexParser, type PartitionFilter } from './index-parser.ts';
import { JsonFault } from './json-fault.ts';
import { SegmentIndex } from './segment-index.ts';

export interface ReadIndexOptions {
  /**
   * Keeps only the partitions it says yes to. The arrays of the others are skipped by their brackets
   * alone: what is wrong inside them is not seen.
   */
  readonly filter?: PartitionFilter;
  /** Whether to take the SHA-256 of the bytes; default true, about 0.6 s a GB. */
  readonly digest?: boolean;
  readonly signal?: AbortSignal;
}

/** An entry in the server's formatting has about this many bytes. */
const TYPICAL_ENTRY_BYTES = 470;
/** Rows to make room for at once, whatever a file's size promises. */
const MAX_ROWS_HINT = 4_000_000;

/**
 * Reads a segment index. What Chronik's server would refuse is the error `index-malformed` with the
 * JSON path, line, column, byte, what was expected and what was found.
 */
export async function readIndex(
  source: ByteSource,
  options: ReadIndexOptions = {},
): Promise<SegmentIndex> {
  try {
    return await readOnce(source, options, true);
  } catch (error) {
    if (!(error instanceof SkipUncertain)) throw error;
    return await readOnce(source, options, false);
  }
}

async function readOnce(
  source: ByteSource,
  options: ReadIndexOptions,
  skipByBrackets: boolean,
): Promise<SegmentIndex> {
  const { filter, digest = true, signal } = options;
  const parser = new IndexParser({
    rowsHint: filter === undefined ? rowsHint(source.sizeHintBytes) : 0,
    filter,
    skipByBrackets,
  });
  const hash = digest ? createHash('sha256') : undefined;
  let sizeBytes = 0;
  try {
    for await (const chunk of source.chunks()) {
      signal?.throwIfAborted();
      hash?.update(chunk);
      sizeBytes += chunk.length;
      parser.push(chunk);
    }
    const origin = { name: source.name, sizeBytes, digest: hash?.digest('hex') };
    return new SegmentIndex(origin, parser.finish());
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw await malformedError(source, error, { jsonPath: parser.jsonPath });
  }
}

function rowsHint(sizeBytes: number): number {
  return Math.min(MAX_ROWS_HINT, Math.ceil((sizeBytes / TYPICAL_ENTRY_BYTES) * 1.02));
}
