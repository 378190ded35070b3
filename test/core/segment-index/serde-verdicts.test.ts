import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SegctlError } from '../../../src/core/segctl-error.ts';
import { bytesSource } from '../../../src/core/segment-index/byte-source.ts';
import { readIndex } from '../../../src/core/segment-index/read-index.ts';

/** One verdict of serde_json on a damaged file; made by test/fixtures/segment-index/serde-oracle. */
interface Verdict {
  readonly file: string;
  readonly at: number;
  readonly cut: number;
  readonly put: string;
  readonly refused?: string;
  readonly index?: Record<string, string[][]>;
}

function fixture(name: string): Buffer {
  return readFileSync(
    fileURLToPath(new URL(`../../fixtures/segment-index/${name}`, import.meta.url)),
  );
}

function damaged(verdict: Verdict): Buffer {
  const bytes = fixture(verdict.file);
  return Buffer.concat([
    bytes.subarray(0, verdict.at),
    Buffer.from(verdict.put, 'hex'),
    bytes.subarray(verdict.at + verdict.cut),
  ]);
}

/** As the oracle prints an index: of equal keys the last, values in the order of the fields. */
async function readAsOracle(bytes: Buffer, chunk: number): Promise<Verdict['index']> {
  const index = await readIndex(bytesSource('x', bytes, chunk));
  return Object.fromEntries(
    index.keys.map((key) => [
      key.text,
      Array.from({ length: key.rowCount }, (_, i) => {
        const entry = index.entry(key.firstRow + i);
        return [
          entry.segmentId,
          entry.topic,
          entry.partition,
          entry.minOffset,
          entry.maxOffset,
          entry.recordCount,
          entry.minTimestamp,
          entry.maxTimestamp,
          entry.objectStorePath,
          entry.sizeBytes,
          entry.createdAtSeconds,
          entry.compression,
        ].map(String);
      }),
    ]),
  );
}

describe('the library that Chronik reads its index with', () => {
  it('and this reader accept and refuse the same damaged files, and read the same', async () => {
    const lines = gunzipSync(fixture('serde-verdicts.jsonl.gz'))
      .toString('utf8')
      .trim()
      .split('\n');
    const verdicts: Verdict[] = lines.map((line) => JSON.parse(line));
    let refused = 0;
    for (const [nth, verdict] of verdicts.entries()) {
      const bytes = damaged(verdict);
      const chunk = 1 + ((nth * 37) % 1500);
      const mine = await readAsOracle(bytes, chunk).catch((error: unknown) => error);
      const where = JSON.stringify(verdict).slice(0, 200);
      if (verdict.refused === undefined) expect(mine, where).toEqual(verdict.index);
      else {
        refused++;
        expect(mine, where).toBeInstanceOf(SegctlError);
        expect(mine, where).toMatchObject({ code: 'index-malformed' });
      }
    }
    expect(verdicts).toHaveLength(3242);
    expect(refused).toBe(2642);
  });
});
