import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { ArchiveError } from '../../../src/core/archive/archive-error.ts';
import { openArchive } from '../../../src/core/archive/open-archive.ts';
import { readTarMembers } from '../../../src/core/archive/tar-members.ts';
import { archiveFile } from '../../support/fixture.ts';

const MAX_UNPACKED = 4 * 1024 * 1024;
const GOOD = readFileSync(archiveFile('plain/partition-0/segment-0-39.tar.gz'));
const GOOD_TAR = gunzipSync(GOOD);

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096);
}

/** The offsets read, or the damage that was told; any other error fails the test. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const archive = await openArchive(chunksOf(bytes), { maxUnpackedBytes: MAX_UNPACKED });
    try {
      let records = 0;
      for await (const columns of archive.records()) records += columns.length;
      return `${records} records`;
    } finally {
      archive.close();
    }
  } catch (error) {
    if (error instanceof ArchiveError) return error.damage;
    throw error;
  }
}

async function withMember(header: {
  name: string;
  type?: 'file' | 'symlink' | 'link';
  linkname?: string;
}) {
  const tar = pack();
  if (header.type === undefined) tar.entry(header, 'x');
  else tar.entry(header);
  tar.finalize();
  const extra = await buffer(tar);
  // Before the good members, without the end marker of its own.
  return gzipSync(Buffer.concat([extra.subarray(0, extra.length - 1024), GOOD_TAR]));
}

describe('what is no sound archive is a typed error', () => {
  test('the sound one is read', async () => {
    expect(await outcome(GOOD)).toBe('40 records');
  });

  test.each([
    ['nothing', new Uint8Array(0), 'archive-empty'],
    ['text', Buffer.from('hello, world'), 'archive-not-gzip'],
    ['a cut archive', GOOD.subarray(0, GOOD.length - 100), 'archive-cut-short'],
    ['a cut trailer', GOOD.subarray(0, GOOD.length - 3), 'archive-cut-short'],
    ['trailing text', Buffer.concat([GOOD, Buffer.from('trailing')]), 'archive-trailing-bytes'],
    ['trailing zeros', Buffer.concat([GOOD, Buffer.alloc(512)]), 'archive-trailing-bytes'],
    ['a wrong CRC', Buffer.concat([GOOD.subarray(0, -8), Buffer.alloc(8)]), 'archive-crc-mismatch'],
    ['a tar file cut at a block', gzipSync(GOOD_TAR.subarray(0, 5120)), 'archive-tar-damaged'],
    ['no tar file', gzipSync(Buffer.from('x'.repeat(5000))), 'archive-tar-damaged'],
    ['a gzip bomb', gzipSync(Buffer.alloc(64 * 1024 * 1024)), 'archive-too-large'],
  ])('%s', async (_name, bytes, damage) => {
    expect(await outcome(bytes)).toBe(damage);
  });

  test.each(['../x', '/etc/passwd', 'index/../../x', 'a\\b'])('a member named %s', async (name) => {
    expect(await outcome(await withMember({ name }))).toBe('archive-member-escapes');
  });

  test('a link', async () => {
    const bytes = await withMember({ name: 'index/a', type: 'symlink', linkname: '/etc/passwd' });
    expect(await outcome(bytes)).toBe('archive-member-escapes');
  });

  test('a bomb costs no more memory than the limit, by far', async () => {
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    expect(await outcome(bomb)).toBe('archive-too-large');
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  });

  test('random bytes, cuts and flips: records or damage, nothing else', async () => {
    const mutated = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc.nat(GOOD.length - 1).map((at) => GOOD.subarray(0, at)),
      fc.tuple(fc.nat(GOOD.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
        const bytes = Buffer.from(GOOD);
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        return bytes;
      }),
      // Past gzip's CRC: only tar's and Tantivy's own checks are left.
      fc.tuple(fc.nat(GOOD_TAR.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
        const bytes = Buffer.from(GOOD_TAR);
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        return gzipSync(bytes, { level: 1 });
      }),
    );
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => {
        expect(await outcome(bytes)).toMatch(/^(40 records|archive-[a-z-]+)$/);
      }),
      { numRuns: 400 },
    );
  });
});

describe('GNU sparse members', () => {
  /** A member of 10,000 bytes with "abc" at 1,000 and "defg" at 9,000, written by hand. */
  function sparseTar(pieces: readonly (readonly [number, string])[], realSize: number): Buffer {
    const header = Buffer.alloc(512);
    const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
    const data = pieces.map(([, text]) => text).join('');
    header.write('sparse', 0);
    header.write('0000644', 100);
    header.write(octal(data.length, 12), 124);
    header.write(octal(0, 12), 136);
    header.write('S', 156);
    header.write('ustar  ', 257);
    for (const [i, [offset, text]] of pieces.entries()) {
      header.write(octal(offset, 12), 386 + i * 24);
      header.write(octal(text.length, 12), 398 + i * 24);
    }
    header.write(octal(realSize, 12), 483);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const padded = Buffer.alloc(Math.ceil(data.length / 512) * 512);
    padded.write(data);
    return Buffer.concat([header, padded, Buffer.alloc(1024)]);
  }

  test('are filled up with zeros', () => {
    const [member] = readTarMembers(
      sparseTar(
        [
          [1000, 'abc'],
          [9000, 'defg'],
        ],
        10_000,
      ),
      MAX_UNPACKED,
    );
    const expected = Buffer.alloc(10_000);
    expected.write('abc', 1000);
    expected.write('defg', 9000);
    expect(Buffer.from(member?.data ?? []).equals(expected)).toBe(true);
  });

  test('that claim too much, or pieces outside of themselves, are refused', () => {
    expect(() => readTarMembers(sparseTar([[0, 'a']], MAX_UNPACKED + 1), MAX_UNPACKED)).toThrow(
      ArchiveError,
    );
    expect(() => readTarMembers(sparseTar([[9_999, 'ab']], 10_000), MAX_UNPACKED)).toThrow(
      ArchiveError,
    );
    expect(() =>
      readTarMembers(
        sparseTar(
          [
            [5, 'ab'],
            [6, 'c'],
          ],
          10_000,
        ),
        MAX_UNPACKED,
      ),
    ).toThrow(ArchiveError);
  });
});
