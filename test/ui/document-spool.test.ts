import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wholeDocument } from '../../src/ui/document-spool.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'segctl-spool-test-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('wholeDocument', () => {
  it.each([0, 10, 1000, 1_000_000])(
    'gives the same bytes with %i bytes of memory',
    async (memoryBytes) => {
      const chunks = Array.from({ length: 300 }, (_, i) =>
        i % 2 === 0 ? `é${i}` : Buffer.alloc(i, i),
      );
      const expected = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
      const out = await collect(wholeDocument(chunks, { memoryBytes, directory }));
      expect(out.equals(expected)).toBe(true);
    },
  );

  it('keeps no named file while it works, nor afterwards', async () => {
    const seen: string[][] = [];
    async function* chunks() {
      for (let i = 0; i < 5; i++) {
        yield Buffer.alloc(1000);
        seen.push(await readdir(directory));
      }
    }
    await collect(wholeDocument(chunks(), { memoryBytes: 100, directory }));
    expect(seen).toEqual([[], [], [], [], []]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('gives nothing when the source fails', async () => {
    async function* chunks() {
      yield Buffer.alloc(5000);
      throw new Error('source failed');
    }
    const given: Uint8Array[] = [];
    const read = async () => {
      for await (const chunk of wholeDocument(chunks(), { memoryBytes: 100, directory }))
        given.push(chunk);
    };
    await expect(read()).rejects.toThrow('source failed');
    expect(given).toEqual([]);
  });

  it('says what to do where there is no temporary space', async () => {
    const nowhere = join(directory, 'missing');
    const read = collect(wholeDocument([Buffer.alloc(10)], { memoryBytes: 1, directory: nowhere }));
    await expect(read).rejects.toMatchObject({
      code: 'no-temporary-space',
      remedy: expect.stringContaining('jsonl'),
    });
  });
});
