import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalKey, canonicalPrefix } from '../../src/storage/canonical-key.ts';
import { readBody } from '../../src/storage/object-body.ts';
import type { DeleteOutcome, ObjectStore } from '../../src/storage/object-store.ts';
import { collect } from './collect.ts';
import { propertyOptions } from './property-options.ts';

export interface ConformanceTarget {
  readonly name: string;
  /** An empty store. */
  readonly open: () => Promise<ObjectStore>;
  /** `folded`: `/data/x`, `./data/x` and `data/x` are one object. `literal`: three. */
  readonly keys: 'folded' | 'literal';
  /** Whether deleting tells 'missing' from 'deleted'; S3 doesn't. */
  readonly tellsMissing: boolean;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What each adapter has to do, run on each of them, on real servers where there are any. */
export function conformanceSuite(target: ConformanceTarget): void {
  describe(`object store: ${target.name}`, () => {
    let store: ObjectStore;
    beforeAll(async () => {
      store = await target.open();
    });
    afterAll(async () => {
      await store?.close();
    });
    const place = (): string => `/data/tantivy_indexes/${randomUUID()}`;
    const same = (a: string, b: string): boolean => canonicalKey(a) === canonicalKey(b);

    reading(() => store, place);
    writing(() => store, place);

    describe('listing', () => {
      test('gives every object of a prefix once, with size, time and version', async () => {
        const base = place();
        const keys = ['b/segment-0-9.tar.gz', 'a/segment-5-5.tar.gz', 'a/x', 'z'].map(
          (name) => `${base}/${name}`,
        );
        for (const [at, key] of keys.entries()) {
          await store.put(key, bytes('x'.repeat(at + 1)));
        }
        const found = await collect(store.list(`${base}/`));
        expect(found.map((item) => canonicalKey(item.key)).sort()).toEqual(
          keys.map(canonicalKey).sort(),
        );
        for (const item of found) {
          expect(item.sizeBytes).toBe(keys.findIndex((key) => same(key, item.key)) + 1);
          expect(item.version).toBe((await store.head(item.key))?.version);
          expect(Number.isSafeInteger(item.lastModifiedMs)).toBe(true);
        }
      });

      test('the prefix is the beginning of a string, not a folder', async () => {
        const base = place();
        await store.put(`${base}/order`, bytes('1'));
        await store.put(`${base}/orders/x`, bytes('2'));
        await store.put(`${base}/other`, bytes('3'));
        const found = await collect(store.list(`${base}/order`));
        expect(found.map((item) => canonicalKey(item.key)).sort()).toEqual(
          [`${base}/order`, `${base}/orders/x`].map(canonicalKey).sort(),
        );
      });

      test('a prefix with nothing below it is an empty listing', async () => {
        expect(await collect(store.list(`${place()}/`))).toEqual([]);
      });

      test('pages end nothing: more keys than a page holds, side by side or not', async () => {
        const base = place();
        const names = Array.from({ length: 23 }, (_, at) => `p-${at % 3}/q-${at % 2}/k-${at}`);
        await Promise.all(names.map((name) => store.put(`${base}/${name}`, bytes(name))));
        for (const options of [{ pageSize: 4 }, { pageSize: 4, parallel: 3 }, { parallel: 8 }]) {
          const found = await collect(store.list(`${base}/`, options));
          expect(found.map((item) => canonicalKey(item.key)).sort()).toEqual(
            names.map((name) => canonicalKey(`${base}/${name}`)).sort(),
          );
        }
      });

      test('keys that come back can be read and deleted as they are', async () => {
        const base = place();
        await store.put(`${base}/a`, bytes('a'));
        const [found] = await collect(store.list(`${base}/`));
        expect(found).toBeDefined();
        const key = found?.key ?? '';
        expect(Buffer.from(await readBody(await store.get(key))).toString()).toBe('a');
        await store.delete(key);
        expect(await store.head(`${base}/a`)).toBeUndefined();
      });

      test('stops when it is aborted', async () => {
        const base = place();
        await store.put(`${base}/a`, bytes('a'));
        const signal = AbortSignal.abort(new Error('enough'));
        await expect(collect(store.list(`${base}/`, { signal }))).rejects.toThrow();
      });
    });

    test(`the spellings of a key are ${target.keys === 'folded' ? 'one object' : 'apart'}`, async () => {
      const id = randomUUID();
      const absolute = `/data/${id}/x`;
      const dotted = `./data/${id}/x`;
      await store.put(absolute, bytes('absolute'));
      await store.put(dotted, bytes('dotted'));
      const read = async (key: string): Promise<string> =>
        Buffer.from(await readBody(await store.get(key))).toString();
      expect(await read(dotted)).toBe('dotted');
      expect(await read(absolute)).toBe(target.keys === 'folded' ? 'dotted' : 'absolute');
      for (const prefix of [`/data/${id}/`, `./data/${id}/`]) {
        const found = await collect(store.list(prefix));
        expect(found.map((item) => canonicalKey(item.key))).toEqual([`data/${id}/x`]);
      }
      await store.delete(dotted);
      expect(await store.head(dotted)).toBeUndefined();
      expect((await store.head(absolute)) === undefined).toBe(target.keys === 'folded');
    });

    test('unusual names survive the round trip', async () => {
      const base = place();
      const names = ['a b', 'ä-ö', '日本', 'x+y=z&w', "it's", '(1)', 'p%20q', '*', '#a?b', '<&>"'];
      for (const name of names) {
        await store.put(`${base}/${name}`, bytes(name));
      }
      const found = await collect(store.list(`${base}/`));
      expect(found.map((item) => canonicalKey(item.key)).sort()).toEqual(
        names.map((name) => canonicalKey(`${base}/${name}`)).sort(),
      );
      for (const name of names) {
        const body = await store.get(`${base}/${name}`);
        expect(Buffer.from(await readBody(body)).toString()).toBe(name);
      }
      const outcomes = await collect(store.deleteMany(names.map((name) => `${base}/${name}`)));
      expect(outcomes.filter(({ outcome }) => outcome !== 'deleted')).toEqual([]);
      expect(await collect(store.list(`${base}/`))).toEqual([]);
    });

    test('delete and deleteMany: one outcome a key, missing is no error', async () => {
      const base = place();
      const keys = Array.from({ length: 12 }, (_, at) => `${base}/k-${at}`);
      await Promise.all(keys.map((key) => store.put(key, bytes('x'))));
      expect(await store.delete(`${base}/k-0`)).toBe('deleted');
      expect(await store.delete(`${base}/k-0`)).toBe(target.tellsMissing ? 'missing' : 'deleted');
      const outcomes = await collect(store.deleteMany(keys));
      expect(outcomes.map(({ key }) => key).sort()).toEqual([...keys].sort());
      const missing = outcomes.filter(({ outcome }) => outcome === 'missing');
      expect(missing.map(({ key }) => key)).toEqual(target.tellsMissing ? [`${base}/k-0`] : []);
      expect(outcomes.some(({ outcome }) => outcome === 'failed')).toBe(false);
      expect(await collect(store.list(`${base}/`))).toEqual([]);
    });

    test('deleteMany of nothing is nothing, of a duplicate is harmless', async () => {
      expect(await collect(store.deleteMany([]))).toEqual([]);
      const key = `${place()}/k`;
      await store.put(key, bytes('x'));
      const outcomes: DeleteOutcome[] = await collect(store.deleteMany([key, key]));
      expect(outcomes.some(({ outcome }) => outcome === 'failed')).toBe(false);
      expect(await store.head(key)).toBeUndefined();
    });

    test('behaves like a map, whatever is done in whatever order', async () => {
      const key = fc.constantFrom('a', 'b/c', 'b/d', 'e');
      const action = fc.oneof(
        fc.record({ do: fc.constant('put' as const), key, body: fc.uint8Array({ maxLength: 40 }) }),
        fc.record({ do: fc.constant('delete' as const), key }),
        fc.record({ do: fc.constant('copy' as const), key, to: key }),
      );
      const property = fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
        const base = place();
        const model = new Map<string, Uint8Array>();
        for (const step of actions) {
          const held = model.get(step.key);
          if (step.do === 'put') {
            await store.put(`${base}/${step.key}`, step.body);
            model.set(step.key, step.body);
          } else if (step.do === 'delete') {
            await store.delete(`${base}/${step.key}`);
            model.delete(step.key);
          } else if (held === undefined) {
            await expect(store.copy(`${base}/${step.key}`, `${base}/${step.to}`)).rejects.toThrow(
              expect.objectContaining({ code: 'object-missing' }),
            );
          } else if (step.key !== step.to) {
            await store.copy(`${base}/${step.key}`, `${base}/${step.to}`);
            model.set(step.to, held);
          }
        }
        const found = await collect(store.list(`${base}/`));
        const names = found.map((item) =>
          canonicalKey(item.key).slice(canonicalPrefix(`${base}/`).length),
        );
        expect(names.sort()).toEqual([...model.keys()].sort());
        for (const [name, body] of model) {
          expect(await readBody(await store.get(`${base}/${name}`))).toEqual(Buffer.from(body));
        }
      });
      await fc.assert(property, propertyOptions(10));
    });
  });
}

function reading(storeOf: () => ObjectStore, place: () => string): void {
  test('gives back what was put, whole, in ranges, and with the right info', async () => {
    const store = storeOf();
    const key = `${place()}/segment-0-9.tar.gz`;
    const body = Uint8Array.from({ length: 700_001 }, (_, at) => (at * 31) % 251);
    const put = await store.put(key, body);
    expect(put.sizeBytes).toBe(body.length);
    expect(await store.head(key)).toMatchObject({ sizeBytes: body.length, version: put.version });
    const whole = await store.get(key);
    expect(whole.info).toMatchObject({ sizeBytes: body.length, version: put.version });
    expect(Buffer.compare(await readBody(whole), body)).toBe(0);
    const ranges = [
      { start: 0, end: 1 },
      { start: 699_999 },
      { start: 5, end: 300_000 },
      { start: 700_000, end: 900_000 },
    ];
    for (const range of ranges) {
      const part = await store.get(key, { range });
      expect(part.info.sizeBytes).toBe(body.length);
      expect(Buffer.compare(await readBody(part), body.slice(range.start, range.end))).toBe(0);
    }
    await expect(store.get(key, { range: { start: 700_001 } })).rejects.toThrow(
      expect.objectContaining({ code: 'range-past-end' }),
    );
    await expect(store.get(key, { range: { start: 5, end: 5 } })).rejects.toThrow(RangeError);
  });

  test('an empty object is an object', async () => {
    const store = storeOf();
    const key = `${place()}/empty`;
    await store.put(key, new Uint8Array());
    expect((await store.head(key))?.sizeBytes).toBe(0);
    expect(await readBody(await store.get(key))).toHaveLength(0);
  });

  test('a missing object: undefined by head, an error by get', async () => {
    const store = storeOf();
    const key = `${place()}/nothing`;
    expect(await store.head(key)).toBeUndefined();
    await expect(store.get(key)).rejects.toThrow(
      expect.objectContaining({ code: 'object-missing', name: 'SegctlError' }),
    );
  });

  test('a body can be left unread or half-read', async () => {
    const store = storeOf();
    const key = `${place()}/big`;
    await store.put(key, new Uint8Array(600_000));
    const unread = await store.get(key);
    await unread.destroy();
    await unread.destroy();
    const half = await store.get(key);
    for await (const chunk of half) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });

  test('an aborted read fails with the reason', async () => {
    const store = storeOf();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.get(`${place()}/x`, { signal })).rejects.toThrow();
    await expect(store.head(`${place()}/x`, { signal })).rejects.toThrow();
  });
}

function writing(storeOf: () => ObjectStore, place: () => string): void {
  test('a put replaces, and the version tells', async () => {
    const store = storeOf();
    const key = `${place()}/k`;
    const first = await store.put(key, bytes('one'));
    const second = await store.put(key, bytes('other'));
    expect(second.version).not.toBe(first.version);
    expect(Buffer.from(await readBody(await store.get(key))).toString()).toBe('other');
    await expect(store.get(key, { ifVersion: first.version })).rejects.toThrow(
      expect.objectContaining({ code: 'object-changed' }),
    );
    const body = await store.get(key, { ifVersion: second.version });
    expect(Buffer.from(await readBody(body)).toString()).toBe('other');
  });

  test('a conditional put does not overwrite', async () => {
    const store = storeOf();
    const key = `${place()}/k`;
    const first = await store.put(key, bytes('one'), { ifAbsent: true });
    await expect(store.put(key, bytes('two'), { ifAbsent: true })).rejects.toThrow(
      expect.objectContaining({ code: 'object-exists' }),
    );
    expect(Buffer.from(await readBody(await store.get(key))).toString()).toBe('one');
    const second = await store.put(key, bytes('two'), { ifVersion: first.version });
    await expect(store.put(key, bytes('three'), { ifVersion: first.version })).rejects.toThrow(
      expect.objectContaining({ code: 'object-changed' }),
    );
    expect((await store.head(key))?.version).toBe(second.version);
  });

  test('of many conditional puts at once exactly one wins', async () => {
    const store = storeOf();
    const key = `${place()}/lock`;
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => store.put(key, bytes(`${at}`), { ifAbsent: true })),
    );
    const winners = tries.flatMap((result, at) => (result.status === 'fulfilled' ? [at] : []));
    expect(winners).toHaveLength(1);
    expect(Buffer.from(await readBody(await store.get(key))).toString()).toBe(`${winners[0]}`);
  });

  test('a copy is the same bytes, and replaces', async () => {
    const store = storeOf();
    const base = place();
    await store.put(`${base}/from`, bytes('content'));
    await store.put(`${base}/deep/to`, bytes('old'));
    await store.copy(`${base}/from`, `${base}/deep/to`);
    await store.put(`${base}/from`, bytes('changed'));
    const body = await store.get(`${base}/deep/to`);
    expect(Buffer.from(await readBody(body)).toString()).toBe('content');
    await expect(store.copy(`${base}/none`, `${base}/x`)).rejects.toThrow(
      expect.objectContaining({ code: 'object-missing' }),
    );
  });
}
