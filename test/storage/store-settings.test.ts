import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/storage/open-store.ts';
import { type S3StoreSettings, storeSettings } from '../../src/storage/store-settings.ts';

const malformed = (code: string) => expect.objectContaining({ code, exit: 'usage' });

function s3(env: Record<string, string>, store?: string): S3StoreSettings {
  const settings = storeSettings(env, { store });
  if (settings.kind !== 's3') {
    throw new Error(`got ${settings.kind}`);
  }
  return settings;
}

describe('the local backend', () => {
  test.each([
    ['nothing set', {}, undefined, 'data/segments'],
    ['a data dir flag', {}, '/data', '/data/segments'],
    [
      'a data dir variable',
      { CHRONIK_DATA_DIR: '/srv/chronik/' },
      undefined,
      '/srv/chronik/segments',
    ],
    ['the flag wins', { CHRONIK_DATA_DIR: '/srv' }, './data', 'data/segments'],
    [
      'LOCAL_STORAGE_PATH without a backend',
      { LOCAL_STORAGE_PATH: '/x' },
      '/data',
      '/data/segments',
    ],
    [
      'backend local ignores the data dir',
      { OBJECT_STORE_BACKEND: 'local' },
      '/data',
      './data/segments',
    ],
    [
      'backend local, any case',
      { OBJECT_STORE_BACKEND: 'LOCAL', LOCAL_STORAGE_PATH: '/x' },
      '/data',
      '/x',
    ],
    ['an unknown backend', { OBJECT_STORE_BACKEND: 'hdfs' }, '/data', '/data/segments'],
  ])('%s', (_, env, dataDir, root) => {
    expect(storeSettings(env, { dataDir })).toMatchObject({ kind: 'fs', root });
  });

  test('an unknown backend is local, as in Chronik, with a warning', () => {
    const { warnings } = storeSettings({ OBJECT_STORE_BACKEND: 'hdfs' }, {});
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('hdfs');
    expect(storeSettings({}, {}).warnings).toEqual([]);
  });

  test("the operator's S3_BUCKET without a backend stays local, with a warning", () => {
    const settings = storeSettings(
      { S3_BUCKET: 'b', S3_REGION: 'eu-west-1' },
      { dataDir: '/data' },
    );
    expect(settings).toMatchObject({ kind: 'fs', root: '/data/segments' });
    expect(settings.warnings[0]).toContain('--store s3://b');
  });
});

describe('the s3 backend', () => {
  test("has Chronik's defaults", () => {
    const settings = s3({ OBJECT_STORE_BACKEND: 's3' });
    expect(settings).toMatchObject({
      bucket: 'chronik-storage',
      region: 'us-east-1',
      pathStyle: true,
    });
    expect('prefix' in settings || 'endpoint' in settings || 'credentials' in settings).toBe(false);
  });

  test("takes Chronik's variables, and says where each value came from", () => {
    const settings = s3({
      OBJECT_STORE_BACKEND: 'S3',
      S3_BUCKET: 'archive',
      S3_REGION: 'eu-central-1',
      S3_ENDPOINT: 'http://minio:9000',
      S3_PREFIX: 'prod/eu',
      S3_PATH_STYLE: 'false',
      S3_ACCESS_KEY: 'id',
      S3_SECRET_KEY: 'hidden',
      S3_SESSION_TOKEN: 'token',
      S3_DISABLE_SSL: 'true',
    });
    expect(settings).toMatchObject({
      bucket: 'archive',
      region: 'eu-central-1',
      endpoint: 'http://minio:9000',
      prefix: 'prod/eu',
      pathStyle: false,
      origins: { bucket: 'S3_BUCKET', endpoint: 'S3_ENDPOINT', pathStyle: 'S3_PATH_STYLE' },
    });
    expect(settings.credentials?.secretAccessKey.reveal()).toBe('hidden');
    expect(settings.credentials?.sessionToken?.reveal()).toBe('token');
  });

  test.each([
    ['false', false],
    ['true', true],
    ['FALSE', true],
    ['0', true],
    ['', true],
  ])("only 'false' switches path style off: %s", (value, pathStyle) => {
    expect(s3({ OBJECT_STORE_BACKEND: 's3', S3_PATH_STYLE: value }).pathStyle).toBe(pathStyle);
  });

  test('an empty prefix is not an absent one', () => {
    expect(s3({ OBJECT_STORE_BACKEND: 's3', S3_PREFIX: '' }).prefix).toBe('');
  });

  test('half a credential is none, with a warning', () => {
    const settings = s3({ OBJECT_STORE_BACKEND: 's3', S3_ACCESS_KEY: 'id' });
    expect(settings.credentials).toBeUndefined();
    expect(settings.warnings[0]).toContain('S3_SECRET_KEY');
  });

  test('refuses an empty bucket and an endpoint that is no URL', () => {
    const base = { OBJECT_STORE_BACKEND: 's3' };
    const wrong = malformed('store-setting-malformed');
    expect(() => s3({ ...base, S3_BUCKET: '' })).toThrow(wrong);
    expect(() => s3({ ...base, S3_ENDPOINT: 'minio:9000' })).toThrow(wrong);
    expect(() => s3({ ...base, S3_ENDPOINT: 'http://' })).toThrow(wrong);
  });

  test('no print of the settings shows a secret', () => {
    const settings = s3({
      OBJECT_STORE_BACKEND: 's3',
      S3_ACCESS_KEY: 'AKIDHIDDEN',
      S3_SECRET_KEY: 'hidden-secret',
      S3_SESSION_TOKEN: 'hidden-token',
    });
    const prints = [
      JSON.stringify(settings),
      inspect(settings, { depth: 9, showHidden: true }),
      `${settings.credentials?.secretAccessKey}`,
    ].join('\n');
    expect(prints).not.toMatch(/hidden/i);
    expect(prints).toContain('***');
  });

  test('an endpoint with a password is refused without repeating it', () => {
    const env = { OBJECT_STORE_BACKEND: 's3', S3_ENDPOINT: 'http://me:hunter2@minio:9000' };
    expect(() => s3(env)).toThrow(malformed('store-setting-malformed'));
    expect(() => s3(env)).toThrow(expect.not.objectContaining({ message: /hunter2/ }));
  });
});

describe('--store', () => {
  test.each([
    ['s3://b2b', 'b2b', undefined],
    ['s3://b2b/', 'b2b', undefined],
    ['s3://my.bucket-1/prod/eu', 'my.bucket-1', 'prod/eu'],
    ['s3://b2b/./a//b/?x#y%20', 'b2b', './a//b/?x#y%20'],
    ['S3A://bucket/p', 'bucket', 'p'],
  ])('%s', (url, bucket, prefix) => {
    const settings = s3({}, url);
    expect(settings.bucket).toBe(bucket);
    expect(settings.prefix).toBe(prefix);
    expect(settings.pathStyle).toBeUndefined();
  });

  test('takes region and endpoint from the AWS environment', () => {
    const env = { AWS_REGION: 'eu-west-3', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' };
    expect(s3(env, 's3://bucket/p')).toMatchObject({
      region: 'eu-west-3',
      origins: { region: 'AWS_REGION', endpoint: 'AWS_ENDPOINT_URL_S3', bucket: '--store' },
    });
  });

  test("wins over the environment's backend, whatever that is", () => {
    const env = { OBJECT_STORE_BACKEND: 'gcs', S3_BUCKET: 'other', S3_PREFIX: 'other' };
    expect(s3(env, 's3://bucket/p')).toMatchObject({ bucket: 'bucket', prefix: 'p' });
    expect(storeSettings(env, { store: 'file:///srv/a%20b' })).toMatchObject({ root: '/srv/a b' });
    expect(storeSettings(env, { store: './segments' })).toMatchObject({ root: './segments' });
  });

  test.each([
    's3://',
    's3:///x',
    's3:bucket',
    's3:/bucket/x',
    's3://a_/',
    '',
    'file://host/x',
    'file:x:y',
  ])('refuses %s', (store) => {
    expect(() => storeSettings({}, { store })).toThrow(
      expect.objectContaining({ exit: 'usage', code: 'store-url-malformed' }),
    );
  });

  test('refuses credentials in the URL without repeating them', () => {
    const attempt = () => storeSettings({}, { store: 's3://AKID:hunter2@bucket/x' });
    expect(attempt).toThrow(malformed('store-url-malformed'));
    try {
      attempt();
    } catch (error) {
      expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|AKID/);
    }
  });
});

describe('backends without an adapter', () => {
  test.each([
    [{ OBJECT_STORE_BACKEND: 'gcs' }, undefined, /storage\.googleapis\.com/],
    [{ OBJECT_STORE_BACKEND: 'Azure' }, undefined, /blobfuse2/],
    [{}, 'gs://bucket/x', /HMAC/],
    [{}, 'abfss://c@a.dfs.core.windows.net/x', /versitygw/],
    [{}, 'hdfs://x', /--store s3:/],
  ])('%o %s', (env, store, remedy) => {
    expect(() => storeSettings(env, { store })).toThrow(
      expect.objectContaining({
        code: 'store-backend-unsupported',
        exit: 'usage',
        remedy: expect.stringMatching(remedy),
      }),
    );
  });
});

describe('openStore', () => {
  test('opens without a request, and names the store without secrets', async () => {
    const env = {
      OBJECT_STORE_BACKEND: 's3',
      S3_ENDPOINT: 'http://127.0.0.1:9',
      S3_ACCESS_KEY: 'AKID',
      S3_SECRET_KEY: 'hidden',
      S3_PREFIX: 'prod',
    };
    const store = await openStore(storeSettings(env, {}));
    expect(store.url).toBe('s3://chronik-storage/prod');
    expect(inspect(store, { depth: 3 })).not.toContain('hidden');
    await store.close();
    expect((await openStore(storeSettings({}, { store: '/srv/x' }))).url).toBe('file:///srv/x');
  });
});
