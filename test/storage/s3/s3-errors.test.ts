import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { SegctlError } from '../../../src/core/segctl-error.ts';
import { readBody } from '../../../src/storage/object-body.ts';
import type { S3StoreOptions } from '../../../src/storage/s3/open-s3-store.ts';
import { isWorthAnotherRead } from '../../../src/storage/store-errors.ts';
import { type Fault, type S3Proxy, startS3Proxy } from '../../servers/s3-proxy.ts';
import { collect } from '../collect.ts';
import { errorXml, KEY_ID, openAt, SECRET, TOKEN } from './open-at.ts';

let stub: S3Proxy | undefined;
afterEach(async () => {
  await stub?.stop();
  stub = undefined;
});

async function openStub(
  fault: Fault | ((count: number, method: string) => Fault),
  env: Record<string, string> = {},
  options: S3StoreOptions = {},
) {
  stub = await startS3Proxy({
    fault: ({ method }, count) => (typeof fault === 'function' ? fault(count, method) : fault),
  });
  return openAt(stub.endpoint, env, options);
}

async function failureOf(work: Promise<unknown>): Promise<SegctlError> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SegctlError);
  if (!(error instanceof SegctlError)) {
    throw error;
  }
  expect(error.remedy).toBeTruthy();
  expect(error.message).not.toMatch(/^[A-Z]|\.$/);
  // All that a log, a print or a JSON report could show.
  const print = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error);
  expect(print).not.toMatch(/not-for-print|NOTFORPRINT/);
  return error;
}

const answer = (
  status: number,
  code: string,
  message?: string,
  more?: string,
  headers: Record<string, string> = {},
): Fault => ({ kind: 'answer', status, body: errorXml(code, message, more), headers });

describe('what S3 says is worded for a person', () => {
  test.each<[string, Fault, string, RegExp]>([
    ['an expired token', answer(400, 'ExpiredToken'), 'store-expired-token', /aws sso login/],
    ['an invalid token', answer(400, 'InvalidToken'), 'store-expired-token', /S3_SESSION_TOKEN/],
    ['no such bucket', answer(404, 'NoSuchBucket'), 'store-no-such-bucket', /S3_BUCKET/],
    ['a wrong secret', answer(403, 'SignatureDoesNotMatch'), 'store-bad-credentials', /secret/],
    [
      'an unknown key id',
      answer(403, 'InvalidAccessKeyId'),
      'store-bad-credentials',
      /S3_ACCESS_KEY/,
    ],
    ['a request that expired', answer(403, 'RequestTimeTooSkewed'), 'store-clock-skew', /clock/],
    ['a denied call', answer(403, 'AccessDenied'), 'store-denied', /allow s3:/],
    ['an answer of its own', answer(418, 'Teapot'), 'store-failed', /facts/],
    [
      'no XML at all',
      { kind: 'answer', status: 502, body: '<html><title>x</html>' },
      'store-failed',
      /log/,
    ],
  ])('%s', async (_, fault, code, remedy) => {
    const store = await openStub(fault);
    for (const work of [
      () => store.get('/data/x'),
      () => collect(store.list('/data/')),
      () => store.put('/data/x', Buffer.of(1)),
      () => store.delete('/data/x'),
    ]) {
      const error = await failureOf(work());
      expect(error.code).toBe(code);
      expect(error.remedy).toMatch(remedy);
    }
  });

  test('denied names the action and the resource', async () => {
    const store = await openStub(answer(403, 'AccessDenied'), { S3_PREFIX: 'prod' });
    const facts = async (work: Promise<unknown>) => (await failureOf(work)).facts;
    const object = 'arn:aws:s3:::bucket/prod//data/x';
    expect(await facts(store.get('/data/x'))).toMatchObject({
      action: 's3:GetObject',
      resource: object,
    });
    expect(await facts(store.head('/data/x'))).toMatchObject({ action: 's3:GetObject' });
    expect(await facts(store.delete('/data/x'))).toMatchObject({
      action: 's3:DeleteObject',
      resource: object,
    });
    expect(await facts(collect(store.list('/data/')))).toMatchObject({
      action: 's3:ListBucket',
      resource: 'arn:aws:s3:::bucket',
    });
  });

  test('HEAD has no body: the reason is asked for by a ranged GET', async () => {
    const head: Fault = { kind: 'answer', status: 400 };
    const expired = await openStub((_, method) =>
      method === 'HEAD' ? head : answer(400, 'ExpiredToken'),
    );
    expect((await failureOf(expired.head('/data/x'))).code).toBe('store-expired-token');
  });

  test.each<[string, Fault]>([
    [
      'a redirect with a header',
      answer(301, 'PermanentRedirect', '', '', { 'x-amz-bucket-region': 'eu-north-1' }),
    ],
    [
      'a signature for another region',
      answer(
        400,
        'AuthorizationHeaderMalformed',
        "the region 'us-east-1' is wrong; expecting 'eu-north-1'",
      ),
    ],
    [
      'the same with an element',
      answer(400, 'AuthorizationHeaderMalformed', 'wrong', '<Region>eu-north-1</Region>'),
    ],
  ])('wrong region: %s', async (_, fault) => {
    const store = await openStub(fault);
    const error = await failureOf(collect(store.list('data/')));
    expect(error.code).toBe('store-wrong-region');
    expect(error.facts).toMatchObject({
      bucketRegion: 'eu-north-1',
      configuredRegion: 'us-east-1',
    });
    expect(error.remedy).toContain('eu-north-1');
  });

  test('an error that repeats the credentials is scrubbed, causes and all', async () => {
    const more = `<AWSAccessKeyId>${KEY_ID}</AWSAccessKeyId><CanonicalRequest>x-amz-security-token:${TOKEN}</CanonicalRequest><StringToSign>${SECRET}</StringToSign>`;
    const store = await openStub(
      answer(403, 'SignatureDoesNotMatch', `the key ${KEY_ID} and ${TOKEN}`, more),
    );
    const error = await failureOf(store.get('/data/x'));
    expect(error.code).toBe('store-bad-credentials');
    expect(inspect(error.cause)).toContain('***');
  });
});

describe('the network', () => {
  test('no server: unreachable, after tries with growing waits', async () => {
    const gone = await startS3Proxy({});
    await gone.stop();
    const store = await openAt(gone.endpoint);
    const error = await failureOf(store.get('/data/x'));
    expect(error.code).toBe('store-unreachable');
    expect(error.facts.endpoint).toBe(gone.endpoint);
    expect(store.waits).toEqual([150, 300, 600, 1200, 2400]);
  });

  test('a name that does not exist is not asked for twice', async () => {
    const lookup: S3StoreOptions['lookup'] = (_name, _options, done) => {
      const error: NodeJS.ErrnoException = new Error('getaddrinfo ENOTFOUND');
      error.code = 'ENOTFOUND';
      done(error, '', 4);
    };
    const store = await openAt('http://no-such-host.invalid', {}, { lookup });
    expect((await failureOf(store.get('/data/x'))).code).toBe('store-unreachable');
    expect(store.waits).toEqual([]);
  });

  test('a server that hangs up is tried again, and then answers', async () => {
    const store = await openStub((count) =>
      count < 3
        ? { kind: 'reset' }
        : {
            kind: 'answer',
            status: 200,
            body: 'hello',
            headers: { etag: '"e"', 'content-length': '5' },
          },
    );
    expect(Buffer.from(await readBody(await store.get('/data/x'))).toString()).toBe('hello');
    expect(store.waits).toHaveLength(2);
  });

  test('a server that says nothing is a timeout', async () => {
    const store = await openStub(
      { kind: 'silence' },
      {},
      { idleTimeoutMs: 60, retry: { attempts: 2 } },
    );
    expect((await failureOf(store.get('/data/x'))).code).toBe('store-timeout');
    expect(stub?.calls).toHaveLength(2);
  });

  test('https spoken to a plain port', async () => {
    const plain = await openStub(answer(400, 'InvalidRequest'));
    await plain.close();
    const store = await openAt(`${stub?.endpoint.replace('http:', 'https:')}`);
    expect((await failureOf(store.get('x'))).code).toBe('store-tls');
  });

  test('an abort ends the waiting, with the reason that was given', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const store = await openStub({ kind: 'silence' });
    const work = store.get('/data/x', { signal: controller.signal });
    await expect.poll(() => stub?.calls.length).toBe(1);
    controller.abort(reason);
    await expect(work).rejects.toBe(reason);
  });
});

describe('throttling', () => {
  test('SlowDown is waited out, with waits that grow', async () => {
    const listing = `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>data/x</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>`;
    const store = await openStub((count) =>
      count <= 4 ? answer(503, 'SlowDown') : { kind: 'answer', status: 200, body: listing },
    );
    expect((await collect(store.list('data/'))).map(({ key }) => key)).toEqual(['data/x']);
    expect(store.waits).toEqual([150, 300, 600, 1200]);
  });

  test('it ends as store-throttled when it never stops', async () => {
    const store = await openStub(answer(503, 'SlowDown'));
    const error = await failureOf(store.get('/data/x'));
    expect(error.code).toBe('store-throttled');
    expect(isWorthAnotherRead(error)).toBe(true);
    expect(stub?.calls).toHaveLength(6);
  });

  test('a conditional put is not sent again when its answer was lost', async () => {
    const store = await openStub({ kind: 'reset' });
    await failureOf(store.put('lock', Buffer.of(1), { ifAbsent: true }));
    expect(stub?.calls).toHaveLength(1);
    stub?.forget();
    await failureOf(store.put('lock', Buffer.of(1)));
    expect(stub?.calls).toHaveLength(6);
  });

  test('a clock that is off is signed right the second time, from the answer', async () => {
    const store = await openStub((count) =>
      count === 1
        ? answer(403, 'RequestTimeTooSkewed', '', '', { date: 'Fri, 01 Jan 2027 00:00:00 GMT' })
        : { kind: 'answer', status: 200, body: 'x', headers: { 'content-length': '1' } },
    );
    await (await store.get('/data/x')).destroy();
    expect(stub?.calls[1]?.headers['x-amz-date']).toMatch(/^20270101T0000/);
  });
});

describe('bodies', () => {
  const body = 'x'.repeat(100_000);
  const whole: Fault = { kind: 'answer', status: 200, body, headers: { etag: '"e"' } };

  test('another object than the version asked for, from a server that ignores If-Match', async () => {
    const store = await openStub(whole);
    expect((await failureOf(store.get('x', { ifVersion: 'other' }))).code).toBe('object-changed');
  });

  test('a whole body for a ranged read is refused', async () => {
    const store = await openStub(whole);
    const error = await failureOf(store.get('x', { range: { start: 10, end: 20 } }));
    expect(error.code).toBe('store-answer-malformed');
  });
});
