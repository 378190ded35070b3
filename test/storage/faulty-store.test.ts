import { describe, expect, test } from 'vitest';
import {
  denied,
  type Faults,
  FaultyStore,
  failAlways,
  failOnce,
  throttled,
} from '../../src/storage/faulty-store.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import { readBody } from '../../src/storage/object-body.ts';
import { collect } from './collect.ts';

async function open(faults: Faults): Promise<FaultyStore> {
  const inner = new MemoryStore();
  for (const key of ['a', 'b', 'c']) {
    await inner.put(key, Buffer.from(`content of ${key}`));
  }
  return new FaultyStore(inner, faults);
}

const read = async (store: FaultyStore, key: string): Promise<string> =>
  Buffer.from(await readBody(await store.get(key))).toString();

describe('a store with faults', () => {
  test('without any, it is the store it wraps', async () => {
    const store = await open({});
    expect(await read(store, 'a')).toBe('content of a');
    await store.copy('a', 'd');
    expect(await store.delete('a')).toBe('deleted');
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['b', 'c', 'd']);
    expect(store.calls).toEqual(['get a', 'copy a', 'delete a', 'list ']);
  });

  test('fails once, then works; or always', async () => {
    const once = await open({ fail: failOnce('get', throttled('memory:'), (key) => key === 'a') });
    await expect(once.get('a')).rejects.toThrow(
      expect.objectContaining({ code: 'store-throttled' }),
    );
    expect(await read(once, 'a')).toBe('content of a');
    const always = await open({ fail: failAlways('list', denied('memory:', 's3:ListBucket')) });
    for (let round = 0; round < 2; round += 1) {
      await expect(collect(always.list(''))).rejects.toThrow(
        expect.objectContaining({ code: 'store-denied' }),
      );
    }
    expect(await read(always, 'a')).toBe('content of a');
  });

  test('cuts a body: with the error that adapters throw, or unnoticed', async () => {
    const cut = await open({ cutBody: () => 4 });
    await expect(read(cut, 'a')).rejects.toThrow(
      expect.objectContaining({ code: 'body-cut-short' }),
    );
    expect(await read(await open({ endBodyEarly: () => 4 }), 'a')).toBe('cont');
  });

  test('flips a bit, tells a wrong length, is slow', async () => {
    const waited: string[] = [];
    const store = await open({
      flipBit: () => 0,
      wrongLength: (key) => (key === 'a' ? 1 : undefined),
      wait: async (method, key) => {
        waited.push(`${method} ${key}`);
      },
    });
    expect(await read(store, 'a')).toBe('bontent of a');
    expect((await store.head('a'))?.sizeBytes).toBe(13);
    expect((await store.head('b'))?.sizeBytes).toBe(12);
    expect(waited).toEqual(['get a', 'head a', 'head b']);
  });

  test('fails single keys of a bulk delete, and leaves their objects', async () => {
    const error = denied('memory:', 's3:DeleteObject');
    const store = await open({ failDelete: (key) => (key === 'b' ? error : undefined) });
    const outcomes = await collect(store.deleteMany(['a', 'b', 'c']));
    expect(outcomes).toContainEqual({ key: 'b', outcome: 'failed', error });
    expect(outcomes.filter(({ outcome }) => outcome === 'deleted')).toHaveLength(2);
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['b']);
  });

  test('a listing can miss a key that is there', async () => {
    const store = await open({ hideFromList: (key) => key === 'b' });
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['a', 'c']);
    expect(await store.head('b')).toBeDefined();
  });
});
