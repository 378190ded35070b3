import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type S3Proxy, startS3Proxy } from '../../servers/s3-proxy.ts';
import { collect } from '../collect.ts';
import { openAt } from './open-at.ts';

let proxy: S3Proxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

/** A server that finds nothing, whatever it is asked for. */
async function nothing(): Promise<S3Proxy> {
  proxy = await startS3Proxy({
    fault: ({ method }) => ({
      kind: 'answer',
      status: method === 'GET' || method === 'POST' ? 200 : 204,
      body: '<?xml version="1.0"?><X/>',
    }),
  });
  return proxy;
}

const anywhere: LookupFunction = (_name, options, done) => {
  const { all } = typeof options === 'object' ? options : { all: false };
  if (all === true) {
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  } else {
    done(null, '127.0.0.1', 4);
  }
};

describe('keys stand on the wire as they are spelled', () => {
  test.each([
    ['/data/x', undefined, '/bucket//data/x'],
    ['./data/x', undefined, '/bucket/./data/x'],
    ['data/x', undefined, '/bucket/data/x'],
    ['/data/x', 'prod/eu/', '/bucket/prod/eu//data/x'],
    ['./data/x', 'prod/eu', '/bucket/prod/eu/./data/x'],
    ['/data/x', '', '/bucket///data/x'],
    ['a/../b', undefined, '/bucket/a/../b'],
    ['a b+c%ä', undefined, '/bucket/a%20b%2Bc%25%C3%A4'],
  ])('%s with prefix %s, path style', async (key, prefix, path) => {
    const { endpoint, calls } = await nothing();
    const store = await openAt(endpoint, prefix === undefined ? {} : { S3_PREFIX: prefix });
    await store.delete(key);
    await store.put(key, Buffer.of(1));
    await (await store.get(key)).destroy();
    const paths = calls.map(({ target }) => target.split('?')[0]);
    expect(paths).toEqual([path, path, path]);
  });

  test.each([
    ['/data/x', undefined, '//data/x'],
    ['./data/x', undefined, '/./data/x'],
    ['/data/x', 'prod', '/prod//data/x'],
  ])('%s with prefix %s, virtual host', async (key, prefix, path) => {
    const { endpoint, calls } = await nothing();
    const port = new URL(endpoint).port;
    const env = { S3_PATH_STYLE: 'false', ...(prefix === undefined ? {} : { S3_PREFIX: prefix }) };
    const store = await openAt(`http://s3.test:${port}`, env, { lookup: anywhere });
    await store.delete(key);
    expect(calls[0]?.target.split('?')[0]).toBe(path);
    expect(calls[0]?.host).toBe(`bucket.s3.test:${port}`);
  });

  test('a listing asks for the literal prefix', async () => {
    const { endpoint, calls } = await nothing();
    const store = await openAt(endpoint, { S3_PREFIX: 'prod' });
    await collect(store.list('/data/tantivy_indexes/'));
    const query = new URLSearchParams(calls[0]?.target.split('?')[1]);
    expect(query.get('prefix')).toBe('prod//data/tantivy_indexes/');
  });

  test('puts carry no unasked checksums, and a bulk delete carries Content-MD5', async () => {
    const { endpoint, calls } = await nothing();
    const store = await openAt(endpoint);
    await store.put('x', Buffer.of(1));
    await collect(store.deleteMany(['x']));
    const [put, bulk] = calls;
    expect(Object.keys(put?.headers ?? {}).filter((name) => /checksum/.test(name))).toEqual([]);
    expect(bulk?.method).toBe('POST');
    expect(bulk?.headers['content-md5']).toMatch(/^[\w+/]{22}==$/);
  });
});
