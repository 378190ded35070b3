import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { readBody } from '../../../src/storage/object-body.ts';
import { type S3Proxy, startS3Proxy } from '../../servers/s3-proxy.ts';
import { makeUser } from '../../servers/versitygw-user.ts';
import { collect } from '../collect.ts';
import { describeEachServer } from './each-server.ts';
import { openAt } from './open-at.ts';

let proxy: S3Proxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

await describeEachServer('what the store says of', ['moto', 'versitygw'], (server) => {
  const env = async (more: Record<string, string> = {}) => ({
    ...server().env(await server().makeBucket()),
    S3_SESSION_TOKEN: '',
    ...more,
  });

  test('a bucket that is not there: an error from every method, never missing archives', async () => {
    const bucket = `segctl-none-${randomUUID()}`;
    const store = await openAt(server().endpoint, await env({ S3_BUCKET: bucket }));
    const none = expect.objectContaining({ code: 'store-no-such-bucket' });
    await expect(store.get('/data/x')).rejects.toThrow(none);
    await expect(store.head('/data/x')).rejects.toThrow(none);
    await expect(collect(store.list('/data/'))).rejects.toThrow(none);
    await expect(store.put('/data/x', Buffer.of(1))).rejects.toThrow(none);
    await expect(store.copy('/data/x', '/data/y')).rejects.toThrow(none);
    await expect(collect(store.deleteMany(['/data/x']))).rejects.toThrow(none);
    await store.close();
  });

  test('which actions each method needs', async () => {
    const bucket = await server().makeBucket();
    proxy = await startS3Proxy({ target: server().endpoint });
    const store = await openAt(
      proxy.endpoint,
      await env({ S3_BUCKET: bucket, S3_ENDPOINT: proxy.endpoint }),
    );
    const actionsOf = async (work: Promise<unknown>): Promise<string[] | undefined> => {
      await work;
      const actions = proxy?.actions();
      proxy?.forget();
      return actions;
    };
    expect(await actionsOf(store.put('/data/x', Buffer.of(1)))).toEqual(['s3:PutObject']);
    expect(await actionsOf(store.head('/data/x'))).toEqual(['s3:GetObject']);
    expect(await actionsOf(store.get('/data/x').then(readBody))).toEqual(['s3:GetObject']);
    expect(await actionsOf(store.head('/data/none'))).toEqual(['s3:GetObject', 's3:ListBucket']);
    const listing = await actionsOf(collect(store.list('/data/', { parallel: 4 })));
    expect(['s3:GetObject', 's3:ListBucket']).toEqual(expect.arrayContaining(listing ?? ['?']));
    expect(await actionsOf(store.copy('/data/x', '/data/y'))).toEqual([
      's3:GetObject',
      's3:PutObject',
    ]);
    expect(await actionsOf(store.delete('/data/x'))).toEqual(['s3:DeleteObject']);
    expect(await actionsOf(collect(store.deleteMany(['/data/y'])))).toEqual(['s3:DeleteObject']);
    await store.close();
  });
});

await describeEachServer('credentials that are refused', ['versitygw'], (server) => {
  test('a wrong secret and an unknown key id', async () => {
    const bucket = await server().makeBucket();
    for (const wrong of [{ S3_SECRET_KEY: 'not-the-secret' }, { S3_ACCESS_KEY: 'NOBODY' }]) {
      const store = await openAt(server().endpoint, {
        ...server().env(bucket),
        S3_SESSION_TOKEN: '',
        ...wrong,
      });
      const refused = expect.objectContaining({ code: 'store-bad-credentials' });
      await expect(store.get('/data/x')).rejects.toThrow(refused);
      await expect(store.head('/data/x')).rejects.toThrow(refused);
      await expect(collect(store.list(''))).rejects.toThrow(refused);
      await store.close();
    }
  });
});

await describeEachServer('the smallest policy, enforced', ['versitygw'], (server) => {
  const denied = (action: string) =>
    expect.objectContaining({
      code: 'store-denied',
      facts: expect.objectContaining({ action }),
    });

  test('List and Get are enough to read, and for nothing else', async () => {
    const bucket = await server().makeBucket();
    const owner = await openAt(server().endpoint, {
      ...server().env(bucket),
      S3_SESSION_TOKEN: '',
    });
    await owner.put('/data/x', Buffer.from('x'));
    await owner.close();
    const env = await makeUser(server(), bucket, ['s3:ListBucket', 's3:GetObject']);
    const store = await openAt(server().endpoint, env);
    expect(await collect(store.list('/data/', { parallel: 4 }))).toHaveLength(1);
    expect(await store.head('/data/x')).toBeDefined();
    expect(await store.head('/data/none')).toBeUndefined();
    expect(Buffer.from(await readBody(await store.get('/data/x'))).toString()).toBe('x');
    await expect(store.put('/data/y', Buffer.of(1))).rejects.toThrow(denied('s3:PutObject'));
    await expect(store.delete('/data/x')).rejects.toThrow(denied('s3:DeleteObject'));
    const outcomes = await collect(store.deleteMany(['/data/x']));
    expect(outcomes).toMatchObject([{ outcome: 'failed', error: { code: 'store-denied' } }]);
    expect(await store.head('/data/x')).toBeDefined();
    await store.close();
  });

  test('Delete on top is enough to compact; Put too, to move to the trash', async () => {
    const bucket = await server().makeBucket();
    const owner = await openAt(server().endpoint, {
      ...server().env(bucket),
      S3_SESSION_TOKEN: '',
    });
    await owner.put('/data/x', Buffer.from('x'));
    await owner.put('/data/y', Buffer.from('y'));
    await owner.close();
    const read = ['s3:ListBucket', 's3:GetObject', 's3:DeleteObject'];
    const compact = await openAt(server().endpoint, await makeUser(server(), bucket, read));
    expect(await collect(compact.deleteMany(['/data/x']))).toMatchObject([{ outcome: 'deleted' }]);
    await expect(compact.copy('/data/y', '/trash/y')).rejects.toThrow(denied('s3:PutObject'));
    await compact.close();
    const grace = await makeUser(server(), bucket, [...read, 's3:PutObject']);
    const moving = await openAt(server().endpoint, grace);
    await moving.copy('/data/y', '/trash/y');
    await moving.delete('/data/y');
    expect((await collect(moving.list(''))).map(({ key }) => key)).toEqual(['trash/y']);
    await moving.close();
  });

  test('without List, a listing is denied and names the bucket', async () => {
    const bucket = await server().makeBucket();
    const store = await openAt(
      server().endpoint,
      await makeUser(server(), bucket, ['s3:GetObject']),
    );
    await expect(collect(store.list('/data/'))).rejects.toThrow(
      expect.objectContaining({
        facts: expect.objectContaining({ resource: `arn:aws:s3:::${bucket}` }),
      }),
    );
    await store.close();
  });
});
