import { afterEach, describe, expect, test } from 'vitest';
import { canonicalKey } from '../../../src/storage/canonical-key.ts';
import { readBody } from '../../../src/storage/object-body.ts';
import { type Answer, type S3Proxy, startS3Proxy, type WireCall } from '../../servers/s3-proxy.ts';
import { collect } from '../collect.ts';
import { describeEachServer } from './each-server.ts';
import { errorXml, openAt } from './open-at.ts';

let proxy: S3Proxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

await describeEachServer('spellings', ['moto', 'versitygw'], (server) => {
  const open = async (prefix?: string) => {
    const { makeBucket, env, endpoint } = server();
    proxy = await startS3Proxy({ target: endpoint });
    const bucket = await makeBucket();
    return openAt(proxy.endpoint, {
      ...env(bucket, prefix),
      S3_ENDPOINT: proxy.endpoint,
      S3_SESSION_TOKEN: '',
    });
  };

  test('what the server does with /data/x and ./data//x, as docs/stores.md says', async () => {
    const store = await open();
    await store.put('/data/x', Buffer.of(1));
    await store.put('./data//y', Buffer.of(1));
    const listed = (await collect(store.list(''))).map(({ key }) => key).sort();
    expect(listed).toEqual(
      server().keys === 'folded' ? ['data/x', 'data/y'] : ['./data//y', '/data/x'],
    );
    await store.close();
  });

  test.each([undefined, 'prod/eu', ''])(
    'a listing by any spelling finds what was put by any, once (prefix %s)',
    async (prefix) => {
      const store = await open(prefix);
      const keys = ['/data/t/a', '/data/t/b', '/data/u/c'];
      for (const key of keys) {
        await store.put(key, Buffer.from(key));
      }
      const found = await collect(store.list('/data/t/', { pageSize: 1 }));
      expect(found.map(({ key }) => canonicalKey(key)).sort()).toEqual(['data/t/a', 'data/t/b']);
      for (const { key } of found) {
        expect(Buffer.from(await readBody(await store.get(key))).toString()).toBe(
          `/${canonicalKey(key)}`,
        );
      }
      const other = await collect(store.list('./data/'));
      expect(other).toHaveLength(server().keys === 'folded' ? 3 : 0);
      await store.close();
    },
  );

  test('on a literal store an empty prefix stays empty, whatever its folded spelling holds', async () => {
    const store = await open();
    await store.put('data/x', Buffer.of(1));
    const found = await collect(store.list('/data/'));
    expect(found.map(({ key }) => key)).toEqual(server().keys === 'folded' ? ['data/x'] : []);
    expect((await store.head('/data/x')) !== undefined).toBe(server().keys === 'folded');
    await store.close();
  });

  test('what was learned of the server is not asked again', async () => {
    const store = await open();
    await store.put('data/x', Buffer.of(1));
    await collect(store.list('/data/'));
    proxy?.forget();
    await collect(store.list('/data/'));
    expect(proxy?.calls.map(({ method }) => method)).toEqual(['GET']);
    await store.close();
  });
});

/** Strips a leading slash and refuses empty and `.` parts, as MinIO does. */
function refusingServer(): (call: WireCall, body: string) => Answer {
  const objects = new Map<string, string>();
  const refusal = { status: 400, body: errorXml('XMinioInvalidObjectName') };
  const isOdd = (key: string): boolean => canonicalKey(key) !== key;
  return ({ method, target }, body) => {
    const [path = '', query = ''] = target.split('?');
    const key = decodeURIComponent(path.replace('/bucket', '').slice(1)).replace(/^\//, '');
    if (method === 'POST') {
      const asked = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name ?? '');
      const items = asked.map((name) => {
        const stripped = name.replace(/^\//, '');
        if (isOdd(stripped)) {
          return `<Error><Key>${name}</Key><Code>XMinioInvalidObjectName</Code></Error>`;
        }
        objects.delete(stripped);
        return `<Deleted><Key>${stripped}</Key></Deleted>`;
      });
      return { status: 200, body: `<DeleteResult>${items.join('')}</DeleteResult>` };
    }
    if (key === '' && method === 'GET') {
      const prefix = new URLSearchParams(query).get('prefix') ?? '';
      const items = [...objects.keys()]
        .filter((name) => name.startsWith(prefix))
        .map((name) => `<Contents><Key>${name}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`);
      return { status: 200, body: `<ListBucketResult>${items.join('')}</ListBucketResult>` };
    }
    if (key === '') {
      return { status: 200, body: '' };
    }
    if (isOdd(key)) {
      return method === 'HEAD' ? { status: 400, body: '' } : refusal;
    }
    if (method === 'PUT') {
      objects.set(key, body);
      return { status: 200, body: '', headers: { etag: '"e"' } };
    }
    const held = objects.get(key);
    if (method === 'DELETE') {
      objects.delete(key);
      return { status: 204, body: '' };
    }
    return held === undefined
      ? { status: 404, body: method === 'HEAD' ? '' : errorXml('NoSuchKey') }
      : { status: 200, body: method === 'HEAD' ? '' : held, headers: { etag: '"e"' } };
  };
}

describe('a server that refuses odd spellings and strips a leading slash', () => {
  const open = async () => {
    proxy = await startS3Proxy({ answer: refusingServer() });
    return openAt(proxy.endpoint);
  };

  test('each way to name an object reaches the only one that can be meant', async () => {
    const store = await open();
    await store.put('/data/x', Buffer.from('x'));
    for (const key of ['data/x', '/data/x', './data/x', 'data//x']) {
      expect(await store.head(key), key).toBeDefined();
      expect(Buffer.from(await readBody(await store.get(key))).toString()).toBe('x');
    }
    for (const prefix of ['/data/', './data/', 'data//']) {
      expect((await collect(store.list(prefix))).map(({ key }) => key)).toEqual(['data/x']);
    }
    expect(await store.head('./data/none')).toBeUndefined();
    await expect(store.get('./data/none')).rejects.toThrow(
      expect.objectContaining({ code: 'object-missing' }),
    );
  });

  test('deleting in any spelling, alone and in bulk', async () => {
    const store = await open();
    const spellings = ['/data/a', './data/b', 'data//c', 'data/d'];
    for (const key of spellings) {
      await store.put(key, Buffer.of(1));
    }
    await store.put('data/e', Buffer.of(1));
    await store.delete('./data/e');
    const outcomes = await collect(store.deleteMany(spellings));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array(4).fill('deleted'));
    expect(await collect(store.list(''))).toEqual([]);
  });

  test('a spelling that was refused is not tried twice', async () => {
    const store = await open();
    await store.put('./data/x', Buffer.of(1));
    proxy?.forget();
    await (await store.get('./data/x')).destroy();
    expect(proxy?.calls.map(({ target }) => target.split('?')[0])).toEqual(['/bucket/data/x']);
  });

  test('a 400 for another reason is that error, not a spelling', async () => {
    proxy = await startS3Proxy({
      fault: () => ({ kind: 'answer', status: 400, body: errorXml('ExpiredToken') }),
    });
    const store = await openAt(proxy.endpoint);
    await expect(store.get('./data/x')).rejects.toThrow(
      expect.objectContaining({ code: 'store-expired-token' }),
    );
  });
});
