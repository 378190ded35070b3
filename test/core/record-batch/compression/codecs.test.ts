import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import {
  type Codec,
  codecOf,
  loadCodecs,
} from '../../../../src/core/record-batch/compression/codec.ts';
import {
  COMPRESSION_TYPES,
  type CompressionType,
} from '../../../../src/core/record-batch/record.ts';

const codecs = await loadCodecs(COMPRESSION_TYPES);
const packed = COMPRESSION_TYPES.filter((type) => type !== 'none');
const codec = (type: CompressionType): Codec => codecOf(codecs, type);
const MEBIBYTE = 1024 * 1024;
const tooLarge = expect.objectContaining({ code: 'records-too-large' });
const damaged = expect.objectContaining({ code: 'records-damaged' });

/** What the fixtures hold: numbered lines, 300,000 bytes. */
const lines = Buffer.from(
  Array.from({ length: 32_000 }, (_, i) => `line ${i % 5000}\n`)
    .join('')
    .slice(0, 300_000),
);

function fixture(name: string): Uint8Array {
  const here = dirname(fileURLToPath(import.meta.url));
  return new Uint8Array(readFileSync(join(here, '../../../fixtures/record-batch', name)));
}

function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  expect(found.length).toBe(expected.length);
  expect(Buffer.compare(found, expected)).toBe(0);
}

describe.each(packed)('%s', (type) => {
  const { compress, decompress } = codec(type);

  it.each([0, 1, 100, 65_536, 300_000])('gives back %d bytes', (length) => {
    const bytes = lines.subarray(0, length);
    expectBytes(decompress(compress(bytes), length), bytes);
  });

  it('unpacks up to the limit and not one byte more', () => {
    const payload = compress(lines);
    expectBytes(decompress(payload, lines.length), lines);
    expect(() => decompress(payload, lines.length - 1)).toThrow(tooLarge);
    expect(() => decompress(payload, 1)).toThrow(tooLarge);
  });

  it('refuses a payload that is cut, at every byte', () => {
    const payload = compress(lines.subarray(0, 200));
    for (let length = 0; length < payload.length; length++) {
      expect(() => decompress(payload.subarray(0, length), MEBIBYTE)).toThrow(damaged);
    }
  });

  it('refuses a bomb without unpacking it', () => {
    const bomb = bombs[type]();
    const before = process.memoryUsage();
    expect(() => decompress(bomb, MEBIBYTE)).toThrow(tooLarge);
    const after = process.memoryUsage();
    const grown = after.rss - before.rss + after.external - before.external;
    expect(grown).toBeLessThan(64 * MEBIBYTE);
  });
});

/** Payloads of some 100 KB to 4 MB that unpack to 256 MiB and more. */
const bombs: Record<(typeof packed)[number], () => Uint8Array> = {
  gzip: () => repeat(codec('gzip').compress(new Uint8Array(16 * MEBIBYTE)), 64),
  snappy: () => {
    const block = codec('snappy').compress(new Uint8Array(16 * MEBIBYTE));
    return xerial(...Array.from({ length: 16 }, () => block));
  },
  lz4: () => codec('lz4').compress(new Uint8Array(256 * MEBIBYTE)),
  // One frame of 8,192 run-length blocks of 128 KiB; its header tells no size.
  zstd: () => zstdRuns(8192),
};

function zstdRuns(blocks: number): Uint8Array {
  const runs = Array.from({ length: blocks }, (_, i) => {
    const header = ((128 * 1024) << 3) | (1 << 1) | (i === blocks - 1 ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, 0];
  });
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ...runs.flat()]);
}

function repeat(bytes: Uint8Array, times: number): Uint8Array {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

/** As snappy-java streams blocks. */
function xerial(...blocks: Uint8Array[]): Uint8Array {
  const header = Buffer.from('82534e41505059000000000100000001', 'hex');
  const parts = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([header, ...parts]);
}

describe('snappy as Java frames it', () => {
  const { compress, decompress } = codec('snappy');
  const halves = [lines.subarray(0, 100_000), lines.subarray(100_000)].map(compress);

  it('unpacks several blocks, no block, and streams one after another', () => {
    expectBytes(decompress(xerial(...halves), lines.length), lines);
    expectBytes(decompress(xerial(), 0), new Uint8Array());
    const streams = Buffer.concat(halves.map((block) => xerial(block)));
    expectBytes(decompress(streams, lines.length), lines);
  });

  it('counts all blocks against the limit', () => {
    expect(() => decompress(xerial(...halves), lines.length - 1)).toThrow(tooLarge);
  });

  it('refuses one that is cut, but between blocks', () => {
    const small = [lines.subarray(0, 50), lines.subarray(50, 99)].map(compress);
    const payload = xerial(...small);
    const ends = [16, 20 + (small[0]?.length ?? 0)];
    for (let length = 8; length < payload.length; length++) {
      if (ends.includes(length)) continue;
      expect(() => decompress(payload.subarray(0, length), MEBIBYTE)).toThrow(damaged);
    }
  });

  it('refuses a block that declares more than its bytes can hold', () => {
    // 16 MiB in 5 bytes.
    const liar = Uint8Array.of(0x80, 0x80, 0x80, 0x08, 0x00);
    expect(() => decompress(liar, 64 * MEBIBYTE)).toThrow(damaged);
  });
});

describe('lz4 frames by others', () => {
  const { compress, decompress } = codec('lz4');

  it('may have linked blocks, all checksums and a content size', () => {
    expectBytes(decompress(fixture('linked-blocks-checksums.lz4'), lines.length), lines);
  });

  it('may have a content checksum alone, as librdkafka writes them', () => {
    const payload = compressFrameSync(lines, { contentChecksum: true });
    expectBytes(decompress(payload, lines.length), lines);
    payload[payload.length - 1] = (payload[payload.length - 1] ?? 0) ^ 1;
    expect(() => decompress(payload, lines.length)).toThrow(damaged);
  });

  it('must not be followed by anything', () => {
    expect(() => decompress(Buffer.concat([compress(lines), Buffer.of(0)]), MEBIBYTE)).toThrow(
      damaged,
    );
  });
});

describe('zstd frames by others', () => {
  const { decompress } = codec('zstd');

  it('may tell no content size, as streams do', () => {
    const payload = fixture('stream-without-size.zst');
    expectBytes(decompress(payload, lines.length), lines);
    expectBytes(decompress(payload, 2 ** 31), lines);
    expect(() => decompress(payload, lines.length - 1)).toThrow(tooLarge);
  });

  it('may follow one another, with frames to skip between', () => {
    const payload = fixture('two-frames-and-skippable.zst');
    expectBytes(decompress(payload, lines.length), lines);
    expect(() => decompress(payload, lines.length - 1)).toThrow(tooLarge);
  });

  it('unpack run-length blocks within the limit', () => {
    expectBytes(decompress(zstdRuns(16), 2 * MEBIBYTE), new Uint8Array(2 * MEBIBYTE));
  });

  it('must not declare more than their blocks hold', () => {
    // Single segment, 8-byte content size of 1 GiB, one raw block of one byte.
    const liar = Buffer.from('28b52ffde0000000400000000009000061', 'hex');
    expect(() => decompress(liar, 2 ** 31)).toThrow(damaged);
  });
});
