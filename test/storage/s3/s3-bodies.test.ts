import { afterEach, expect, test } from 'vitest';
import { readBody } from '../../../src/storage/object-body.ts';
import type { S3StoreOptions } from '../../../src/storage/s3/open-s3-store.ts';
import { type Fault, type S3Proxy, startS3Proxy } from '../../servers/s3-proxy.ts';
import { describeEachServer } from './each-server.ts';
import { openAt } from './open-at.ts';

let proxy: S3Proxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

await describeEachServer('a body', ['moto', 'versitygw'], (server) => {
  /** An object of 100,000 bytes whose first read meets the fault. */
  async function openWith(fault: Fault, options: S3StoreOptions = {}) {
    let isHit = false;
    const bucket = await server().makeBucket();
    proxy = await startS3Proxy({
      target: server().endpoint,
      fault: ({ method }) => {
        const isNow = method === 'GET' && !isHit;
        isHit ||= isNow;
        return isNow ? fault : undefined;
      },
    });
    const env = { ...server().env(bucket), S3_ENDPOINT: proxy.endpoint, S3_SESSION_TOKEN: '' };
    const store = await openAt(proxy.endpoint, env, options);
    await store.put('/data/x', Buffer.alloc(100_000, 'x'));
    return store;
  }
  const cutShort = expect.objectContaining({
    code: 'body-cut-short',
    facts: expect.objectContaining({ expectedBytes: 100_000, receivedBytes: 1000 }),
  });

  test('that is cut is body-cut-short, and the next read is whole', async () => {
    const store = await openWith({ kind: 'cut', bytes: 1000 });
    await expect(store.get('/data/x').then(readBody)).rejects.toThrow(cutShort);
    expect(await readBody(await store.get('/data/x'))).toHaveLength(100_000);
    await store.close();
  });

  test('that stalls is store-timeout after the idle time', async () => {
    const store = await openWith({ kind: 'stall', bytes: 1000 }, { idleTimeoutMs: 500 });
    await expect(store.get('/data/x').then(readBody)).rejects.toThrow(
      expect.objectContaining({ code: 'store-timeout' }),
    );
    await store.close();
  });

  test('that stalls can be aborted, with the reason that was given', async () => {
    const store = await openWith({ kind: 'stall', bytes: 1000 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const body = await store.get('/data/x', { signal: controller.signal });
    const read = async (): Promise<void> => {
      for await (const _ of body) {
        controller.abort(reason);
      }
    };
    await expect(read()).rejects.toBe(reason);
    await store.close();
  });
});
