import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readBody } from '../../../src/storage/object-body.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { storeSettings } from '../../../src/storage/store-settings.ts';
import { describeEachServer } from './each-server.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segctl-aws-'));
  for (const name of Object.keys(process.env)) {
    if (/^(AWS|S3)_/.test(name)) {
      vi.stubEnv(name, undefined);
    }
  }
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

await describeEachServer('--store s3:// and the AWS ways', ['versitygw'], (server) => {
  const open = (bucket: string) =>
    openStore(storeSettings(process.env, { store: `s3://${bucket}/prod/eu` }));

  test('credentials, region and endpoint from the environment', async () => {
    const bucket = await server().makeBucket();
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server().endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', server().accessKey);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server().secretKey);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    const store = await open(bucket);
    expect(store.url).toBe(`s3://${bucket}/prod/eu`);
    await store.put('/data/x', Buffer.from('x'));
    expect(Buffer.from(await readBody(await store.get('/data/x'))).toString()).toBe('x');
    await store.close();
  });

  test('credentials from a profile, the region by default', async () => {
    // Before any client is made: the SDK remembers what it read, and that there was nothing.
    await writeFile(
      join(folder, 'credentials'),
      `[archive]\naws_access_key_id=${server().accessKey}\naws_secret_access_key=${server().secretKey}\n`,
    );
    vi.stubEnv('AWS_PROFILE', 'archive');
    vi.stubEnv('AWS_ENDPOINT_URL', server().endpoint);
    const store = await open(await server().makeBucket());
    expect(await store.head('/data/none')).toBeUndefined();
    await store.close();
  });

  test('no credentials anywhere', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server().endpoint);
    const store = await open('bucket');
    await expect(store.get('/data/x')).rejects.toThrow(
      expect.objectContaining({ code: 'store-no-credentials', exit: 'usage' }),
    );
    await store.close();
  });

  test('secrets of the chain are masked too', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server().endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', server().accessKey);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong-but-hidden');
    vi.stubEnv('AWS_SESSION_TOKEN', 'token-also-hidden');
    const store = await open(await server().makeBucket());
    const error: unknown = await store.get('/data/x').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'SegctlError' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hidden|segctl-test-root/);
    await store.close();
  });
});
