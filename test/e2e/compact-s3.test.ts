import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';
import { type Fault, type S3Proxy, startS3Proxy } from '../servers/s3-proxy.ts';
import { availableServer, type S3Server } from '../servers/s3-server.ts';
import { runSegctl } from '../support/run-segctl.ts';
import { makeNode, type Node, SEGMENTS } from './compact-world.ts';

const startServer = await availableServer('moto');

describe.skipIf(startServer === undefined)('segctl compact on S3', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let node: Node;
  let env: Record<string, string>;
  let fault: Fault | undefined;

  beforeAll(async () => {
    if (startServer === undefined) throw new Error('no server');
    server = await startServer();
    proxy = await startS3Proxy({
      target: server.endpoint,
      fault: ({ method, target }) =>
        method === 'POST' && target.includes('delete') ? fault : undefined,
    });
    node = await makeNode();
    env = { ...server.env(await server.makeBucket(), 'prod/eu'), S3_ENDPOINT: proxy.endpoint };
    const store = await openStore(storeSettings(env, { dataDir: node.dataDir, store: undefined }));
    for (const { objectStorePath } of SEGMENTS) {
      await store.put(objectStorePath, Buffer.from(objectStorePath));
    }
    await store.close();
  });

  afterAll(async () => {
    await node.remove();
    await proxy.stop();
    await server.stop();
  });

  async function keys(): Promise<string[]> {
    const store = await openStore(storeSettings(env, { dataDir: node.dataDir, store: undefined }));
    const found: string[] = [];
    for await (const { key } of store.list('')) found.push(key);
    await store.close();
    return found;
  }

  it('reads the errors in a DeleteObjects answer of 200, and a rerun finishes', async () => {
    const errors = SEGMENTS.map(
      ({ objectStorePath }) =>
        `<Error><Key>prod/eu/${objectStorePath}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`,
    );
    fault = {
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0"?><DeleteResult>${errors.join('')}</DeleteResult>`,
    };
    const partial = await runSegctl(['compact', '--yes', '-f', 'json', ...node.args], { env });
    expect(partial.status).toBe(5);
    expect(JSON.parse(partial.stdout.toString())).toMatchObject({
      state: 'partial',
      identified: 4,
      deleted: 0,
      failed: 4,
      bytesFreed: 0,
    });
    expect(await keys()).toHaveLength(6);
    fault = undefined;
    proxy.forget();
    const finished = await runSegctl(['compact', '--yes', '-f', 'json', ...node.args], { env });
    expect(finished.status).toBe(0);
    const deletes = proxy.calls.filter(({ method }) => method === 'POST' || method === 'DELETE');
    expect(deletes).toHaveLength(1);
    expect(await keys()).toHaveLength(2);
    expect(await node.segmentIds()).toHaveLength(2);
    const history = await runSegctl(['compact', 'history', '-f', 'json', ...node.args], { env });
    expect(JSON.parse(history.stdout.toString())).toMatchObject([{ state: 'done', segments: 4 }]);
  });
});
