import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexBuilder, TantivyError, TantivyIndex } from '../index.js';
import { allRows, collect, type Files, failureOf, fixture } from './support.ts';

const CODES =
  /^TANTIVY_(CORRUPT_FILE|MISSING_FILE|UNSUPPORTED_VERSION|UNSUPPORTED_CODEC|SCHEMA|FIELD_TYPE|LIMIT|PANIC)$/;

function biggestStore(files: Files): string {
  const stores = [...files].filter(([name]) => name.endsWith('.store'));
  return stores.sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? '';
}

/** The files with one of them replaced by what `change` makes of it. */
function changed(files: Files, name: string, change: (data: Buffer) => Uint8Array): Files {
  const data = files.get(name);
  if (data === undefined) throw new Error(`no file ${name}`);
  return new Map([...files, [name, change(Buffer.from(data))]]);
}

interface Footer {
  bodyLength: number;
  json: { version: { index_format_version: number }; crc: number };
}

function footerOf(data: Buffer): Footer {
  const jsonLength = data.readUInt32LE(data.length - 8);
  const bodyLength = data.length - 8 - jsonLength;
  return {
    bodyLength,
    json: JSON.parse(data.toString('utf8', bodyLength, bodyLength + jsonLength)),
  };
}

function withFooter(body: Buffer, json: Footer['json']): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(text.length, 0);
  trailer.writeUInt32LE(1337, 4);
  return Buffer.concat([body, text, trailer]);
}

/** Changes the body and gives it a checksum that holds. */
function forged(change: (body: Buffer) => void): (data: Buffer) => Buffer {
  return (data) => {
    const { bodyLength, json } = footerOf(data);
    const body = data.subarray(0, bodyLength);
    change(body);
    return withFooter(body, { ...json, crc: crc32(body) });
  };
}

async function readAll(files: Files) {
  const index = await TantivyIndex.open(files);
  try {
    return await allRows(index.read({ orderBy: '_offset' }));
  } finally {
    index.close();
  }
}

describe('missing files', () => {
  it('are named', async () => {
    const files = fixture('records-13');
    const store = biggestStore(files);
    files.delete(store);
    const index = await TantivyIndex.open(files);
    expect(await failureOf(() => collect(index.read()))).toMatchObject({
      code: 'TANTIVY_MISSING_FILE',
      file: store,
    });
    expect((await index.verifyChecksums()).filter((checksum) => !checksum.ok)).toMatchObject([
      { name: store, code: 'TANTIVY_MISSING_FILE' },
    ]);
    files.delete('meta.json');
    const failure = await failureOf(() => TantivyIndex.open(files));
    expect(failure).toBeInstanceOf(TantivyError);
    expect(failure).toMatchObject({ code: 'TANTIVY_MISSING_FILE', file: 'meta.json' });
  });
});

describe('checksums', () => {
  it('find a flipped bit in any file, and reading refuses it', async () => {
    const files = fixture('every-type');
    for (const [name, data] of files) {
      if (name.startsWith('.') || name === 'meta.json') continue;
      const flipped = changed(files, name, (copy) => {
        copy[0] = (copy[0] ?? 0) ^ 0x10;
        return copy;
      });
      const index = await TantivyIndex.open(flipped);
      const bad = (await index.verifyChecksums()).filter((checksum) => !checksum.ok);
      expect(bad).toMatchObject([{ name, code: 'TANTIVY_CORRUPT_FILE' }]);
      expect(bad[0]?.message).toContain('checksum');
      expect(data.length).toBeGreaterThan(0);
      if (/\.(store|del)$/.test(name)) {
        const failure = await failureOf(() => collect(index.read({ fields: ['id'] })));
        expect(failure).toMatchObject({ code: 'TANTIVY_CORRUPT_FILE', file: name });
      }
    }
  });

  it('can be left out of reading', async () => {
    const files = fixture('records-96');
    const store = biggestStore(files);
    const wrong = changed(files, store, (data) => {
      const { bodyLength, json } = footerOf(data);
      return withFooter(data.subarray(0, bodyLength), { ...json, crc: json.crc ^ 1 });
    });
    const strict = await TantivyIndex.open(wrong);
    expect(await failureOf(() => collect(strict.read()))).toMatchObject({
      code: 'TANTIVY_CORRUPT_FILE',
    });
    const lax = await TantivyIndex.open(wrong, { verifyChecksums: false });
    expect(await allRows(lax.read())).toHaveLength(96);
  });
});

describe('versions', () => {
  it('beyond those known are refused at opening', async () => {
    const files = fixture('records-13');
    for (const version of [3, 8]) {
      const newer = changed(files, biggestStore(files), (data) => {
        const { bodyLength, json } = footerOf(data);
        return withFooter(data.subarray(0, bodyLength), {
          ...json,
          version: { ...json.version, index_format_version: version },
        });
      });
      const failure = await failureOf(() => TantivyIndex.open(newer));
      expect(failure).toMatchObject({
        code: 'TANTIVY_UNSUPPORTED_VERSION',
        file: biggestStore(files),
      });
      expect(failure.message).toContain(`index format ${version}`);
    }
  });
});

describe('forged stores', () => {
  it('claiming 4 GiB for a block are refused before anything is unpacked', async () => {
    const files = fixture('records-13');
    const store = biggestStore(files);
    const bomb = changed(
      files,
      store,
      forged((body) => body.writeUInt32LE(0xffff_ffff, 0)),
    );
    expect(await failureOf(() => readAll(bomb))).toMatchObject({
      code: 'TANTIVY_CORRUPT_FILE',
      file: store,
    });
  });

  it('that unpack to more than allowed are refused', async () => {
    const index = await TantivyIndex.open(fixture('records-13'));
    expect(await failureOf(() => collect(index.read({ maxBytes: 299_999 })))).toMatchObject({
      code: 'TANTIVY_LIMIT',
    });
    expect(await allRows(index.read({ maxBytes: 400_000 }))).toHaveLength(13);
  });

  it('whose number of documents is not that of meta.json are refused', async () => {
    const files = fixture('records-13');
    const more = changed(files, 'meta.json', (data) =>
      Buffer.from(data.toString().replace('"max_doc": 12', '"max_doc": 4000000000')),
    );
    expect(await failureOf(() => readAll(more))).toMatchObject({ code: 'TANTIVY_CORRUPT_FILE' });
  });
});

describe('whatever happens to a file', () => {
  it('there is an answer or a coded error', async () => {
    const files = fixture('records-13');
    const names = [...files.keys()].filter((name) => /\.store$|^meta\.json$/.test(name)).sort();
    const noticed = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('flip', 'forge', 'cut'),
        async (name, place, mask, how) => {
          const flip = (body: Buffer) => {
            const at = Math.floor(place * body.length);
            body[at] = (body[at] ?? 0) ^ mask;
          };
          const damaged = changed(files, name, (data) => {
            if (how === 'cut') return data.subarray(0, Math.floor(place * data.length));
            if (how === 'forge' && name !== 'meta.json') return forged(flip)(data);
            flip(data);
            return data;
          });
          for (const action of [() => readAll(damaged), () => IndexBuilder.merge([damaged])]) {
            try {
              await action();
            } catch (error) {
              expect(error).toBeInstanceOf(TantivyError);
              const { code } = error as TantivyError;
              expect(code).toMatch(CODES);
              noticed.add(code);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(noticed).toContain('TANTIVY_CORRUPT_FILE');
  });

  it('a cut store is always noticed', async () => {
    const files = fixture('records-13');
    const store = biggestStore(files);
    const length = files.get(store)?.length ?? 0;
    for (let keep = 0; keep < length; keep += 37) {
      const cut = changed(files, store, (data) => data.subarray(0, keep));
      expect(await failureOf(() => readAll(cut))).toMatchObject({
        code: 'TANTIVY_CORRUPT_FILE',
        file: store,
      });
    }
  });
});

describe('what a schema does not have', () => {
  it('is a coded error', async () => {
    const index = await TantivyIndex.open(fixture('every-type'));
    const bad: [string, Parameters<TantivyIndex['read']>[0]][] = [
      ['TANTIVY_SCHEMA', { fields: ['absent'] }],
      ['TANTIVY_SCHEMA', { fields: ['id'], orderBy: 'absent' }],
      ['TANTIVY_FIELD_TYPE', { fields: ['hidden'] }],
      ['TANTIVY_FIELD_TYPE', { fields: ['attributes'] }],
      ['TANTIVY_FIELD_TYPE', { fields: ['id'], orderBy: 'title' }],
      ['TANTIVY_FIELD_TYPE', { fields: ['id'], range: { field: 'ratio' } }],
      ['TANTIVY_FIELD_TYPE', {}],
      ['TANTIVY_INVALID_ARG', { fields: ['id', 'id'] }],
      ['TANTIVY_INVALID_ARG', { batchDocs: 0 }],
      ['TANTIVY_INVALID_ARG', { batchBytes: 1.5 }],
      ['TANTIVY_INVALID_ARG', { maxBytes: Number.POSITIVE_INFINITY }],
      ['TANTIVY_INVALID_ARG', { orderBy: 3 as unknown as string }],
      ['TANTIVY_INVALID_ARG', { fields: 'id' as unknown as string[] }],
      ['TANTIVY_INVALID_ARG', { range: { field: 'id', min: 3 as unknown as bigint } }],
      ['TANTIVY_INVALID_ARG', { multiValued: 'all' as 'first' }],
    ];
    for (const [code, options] of bad) {
      expect(await failureOf(() => index.read(options)), JSON.stringify(options)).toMatchObject({
        code,
      });
    }
  });

  it('includes one value where there are two', async () => {
    const index = await TantivyIndex.open(fixture('every-type'));
    const failure = await failureOf(() => collect(index.read({ fields: ['scores'] })));
    expect(failure).toMatchObject({ code: 'TANTIVY_MULTI_VALUED' });
    expect(failure.message).toContain("'scores'");
    expect(await allRows(index.read({ fields: ['scores'], multiValued: 'first' }))).toHaveLength(
      49,
    );
  });

  it('includes files of other types', async () => {
    for (const files of [
      new Map([['meta.json', 'text']]),
      { 'meta.json': [1, 2] },
      new Map([[1, new Uint8Array()]]),
    ]) {
      const failure = await failureOf(() => TantivyIndex.open(files as unknown as Files));
      expect(failure).toMatchObject({ code: 'TANTIVY_INVALID_ARG' });
    }
  });
});
