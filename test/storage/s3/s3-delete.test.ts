import { afterEach, describe, expect, test } from 'vitest';
import type { DeleteOutcome } from '../../../src/storage/object-store.ts';
import { type S3Proxy, startS3Proxy, type WireCall } from '../../servers/s3-proxy.ts';
import { collect } from '../collect.ts';
import { describeEachServer } from './each-server.ts';
import { errorXml, openAt } from './open-at.ts';

let proxy: S3Proxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

const isBulk = ({ method }: WireCall): boolean => method === 'POST';
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);

/** The outcomes by kind, with the codes of what failed. */
function tally(outcomes: readonly DeleteOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of outcomes) {
    const code = item.outcome === 'failed' && 'code' in item.error ? ` ${item.error.code}` : '';
    counts[`${item.outcome}${code}`] = (counts[`${item.outcome}${code}`] ?? 0) + 1;
  }
  return counts;
}

await describeEachServer('bulk delete', ['moto', 'versitygw'], (server) => {
  async function open(fault?: Parameters<typeof startS3Proxy>[0]['fault']) {
    const { endpoint, makeBucket, env } = server();
    proxy = await startS3Proxy({ target: endpoint, ...(fault === undefined ? {} : { fault }) });
    const bucket = await makeBucket();
    return openAt(proxy.endpoint, {
      ...env(bucket),
      S3_ENDPOINT: proxy.endpoint,
      S3_SESSION_TOKEN: '',
    });
  }

  test('2,001 keys are three requests, whether the objects are there or not', async () => {
    const store = await open();
    await store.put('/data/k-7', Buffer.of(1));
    const outcomes = await collect(store.deleteMany(names('/data/k-', 2001)));
    expect(tally(outcomes)).toEqual({ deleted: 2001 });
    expect(new Set(outcomes.map(({ key }) => key)).size).toBe(2001);
    expect(proxy?.calls.filter(isBulk)).toHaveLength(3);
    expect(await store.head('/data/k-7')).toBeUndefined();
    await store.close();
  });

  test('a key that XML cannot carry is deleted by itself, the others together', async () => {
    const store = await open();
    const odd = ['/data/bell\u0007', '/data/cr\r', '/data/\ufffe'];
    const outcomes = await collect(store.deleteMany(['/data/a', ...odd, '/data/b']));
    expect(tally(outcomes)).toEqual({ deleted: 5 });
    expect(proxy?.calls.map(({ method }) => method).sort()).toEqual([
      'DELETE',
      'DELETE',
      'DELETE',
      'POST',
    ]);
    await store.close();
  });

  test('keys that the answer does not mention are not believed to be deleted', async () => {
    const store = await open((call) =>
      isBulk(call)
        ? {
            kind: 'rewrite',
            body: (body) => body.replace(/<Deleted><Key>[^<]*k-1<\/Key>.*?<\/Deleted>/s, ''),
          }
        : undefined,
    );
    await store.put('/data/k-1', Buffer.of(1));
    const outcomes = await collect(store.deleteMany(names('/data/k-', 3)));
    expect(tally(outcomes)).toEqual({ deleted: 3 });
    expect(proxy?.calls.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    await store.close();
  });

  test('two spellings of one key in a batch', async () => {
    const store = await open();
    await store.put('/data/k', Buffer.of(1));
    await store.put('data/k', Buffer.of(2));
    const outcomes = await collect(store.deleteMany(['/data/k', './data/k', 'data/k']));
    expect(tally(outcomes)).toEqual({ deleted: 3 });
    expect(await collect(store.list(''))).toEqual([]);
    await store.close();
  });

  test('of two objects that differ in spelling only the one that is meant goes', async () => {
    const store = await open();
    // One object where the server folds keys, two where it keeps them.
    const left = server().keys === 'folded' ? [] : ['data/k'];
    for (const remove of [
      () => collect(store.deleteMany(['/data/k'])),
      () => store.delete('/data/k'),
      () => collect(store.deleteMany(['./data/k', '/data/k'])),
    ]) {
      await store.put('/data/k', Buffer.of(1));
      await store.put('data/k', Buffer.of(2));
      await remove();
      expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(left);
    }
    await store.close();
  });
});

describe('per-key errors in a 200 answer', () => {
  /** Answers bulk deletes: each key with an error of `errorOf`, or as deleted. */
  async function openStub(errorOf: (key: string, request: number) => string | undefined) {
    const sizes: number[] = [];
    proxy = await startS3Proxy({
      answer: (_, body) => {
        const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? '');
        sizes.push(keys.length);
        const items = keys.map((key) => {
          const code = errorOf(key, sizes.length);
          return code === undefined
            ? `<Deleted><Key>${key}</Key></Deleted>`
            : `<Error><Key>${key}</Key><Code>${code}</Code><Message>m</Message></Error>`;
        });
        return {
          status: 200,
          body: `<?xml version="1.0"?><DeleteResult>${items.join('')}</DeleteResult>`,
        };
      },
    });
    return Object.assign(await openAt(proxy.endpoint), { sizes });
  }

  test('only the keys that can succeed later are sent again', async () => {
    const store = await openStub((key, request) => {
      if (key.endsWith('denied')) {
        return 'AccessDenied';
      }
      if (key.endsWith('gone')) {
        return 'NoSuchKey';
      }
      return request <= 2 && /slow|internal/.test(key)
        ? key.includes('slow')
          ? 'SlowDown'
          : 'InternalError'
        : undefined;
    });
    const keys = ['a', 'b', 'slow', 'internal', 'denied', 'gone'].map((name) => `/data/${name}`);
    const outcomes = await collect(store.deleteMany(keys));
    expect(store.sizes).toEqual([6, 2, 2]);
    expect(store.waits).toEqual([150, 300]);
    expect(tally(outcomes)).toEqual({ deleted: 4, 'failed store-denied': 1, missing: 1 });
    expect(outcomes.find(({ key }) => key === '/data/denied')).toMatchObject({
      error: {
        facts: { action: 's3:DeleteObject', resource: 'arn:aws:s3:::bucket//data/denied' },
      },
    });
  });

  test('a key that never succeeds is failed, after as many tries as a request has', async () => {
    const store = await openStub((key) => (key === 'stuck' ? 'SlowDown' : undefined));
    const outcomes = await collect(store.deleteMany(['stuck', 'fine']));
    expect(tally(outcomes)).toEqual({ deleted: 1, 'failed store-throttled': 1 });
    expect(store.sizes).toEqual([2, 1, 1, 1, 1, 1]);
  });

  test('every key has exactly one outcome, over many batches', async () => {
    const store = await openStub((key) => (/7$/.test(key) ? 'AccessDenied' : undefined));
    const keys = names('k-', 4321);
    const outcomes = await collect(store.deleteMany(keys));
    expect(outcomes.map(({ key }) => key).sort()).toEqual([...keys].sort());
    expect(tally(outcomes)).toEqual({ deleted: 3889, 'failed store-denied': 432 });
    expect([...store.sizes].sort((a, b) => a - b)).toEqual([321, 1000, 1000, 1000, 1000]);
  });
});

describe('requests that fail as a whole', () => {
  const answerAll = async (status: number, code: string) => {
    proxy = await startS3Proxy({
      fault: () => ({ kind: 'answer', status, body: errorXml(code) }),
    });
    return openAt(proxy.endpoint, {}, { retry: { attempts: 2 } });
  };

  test('no bucket, bad credentials: thrown, not an outcome for each key', async () => {
    for (const [status, code, expected] of [
      [404, 'NoSuchBucket', 'store-no-such-bucket'],
      [403, 'SignatureDoesNotMatch', 'store-bad-credentials'],
      [400, 'ExpiredToken', 'store-expired-token'],
    ] as const) {
      const store = await answerAll(status, code);
      await expect(collect(store.deleteMany(['a']))).rejects.toThrow(
        expect.objectContaining({ code: expected }),
      );
      await proxy?.stop();
    }
  });

  test.each([
    [503, 'SlowDown', 'failed store-throttled'],
    [500, 'InternalError', 'failed store-failed'],
    [403, 'AccessDenied', 'failed store-denied'],
  ])('%s %s: each key failed, none is lost', async (status, code, kind) => {
    const store = await answerAll(status, code);
    expect(tally(await collect(store.deleteMany(names('k', 1500))))).toEqual({ [kind]: 1500 });
  });

  test('a store without DeleteObjects gets a request a key', async () => {
    proxy = await startS3Proxy({
      fault: (call) =>
        isBulk(call)
          ? { kind: 'answer', status: 501, body: errorXml('NotImplemented') }
          : { kind: 'answer', status: 204 },
    });
    const store = await openAt(proxy.endpoint);
    expect(tally(await collect(store.deleteMany(names('k', 40))))).toEqual({ deleted: 40 });
  });

  test('requests in flight are bounded', async () => {
    let inFlight = 0;
    let most = 0;
    proxy = await startS3Proxy({
      answer: async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
        return { status: 204, body: '' };
      },
    });
    const store = await openAt(proxy.endpoint, {}, { concurrency: 3 });
    await Promise.all(names('k', 30).map((key) => store.delete(key)));
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3);
  });
});
