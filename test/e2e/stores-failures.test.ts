import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Fault, startS3Proxy } from '../servers/s3-proxy.ts';
import { makeUser } from '../servers/versitygw-user.ts';
import { describeEachServer } from '../storage/s3/each-server.ts';
import { errorXml } from '../storage/s3/open-at.ts';
import { copyNode } from '../support/node-copy.ts';
import { type RunResult, runSegctl } from '../support/run-segctl.ts';
import { makeS3Node } from '../support/s3-node.ts';

const NOW = ['--at', '2026-11-24T12:00:00Z'];
const COMPACT = ['compact', '-y', '--max-age', '1h', ...NOW];

const READS: readonly (readonly string[])[] = [
  ['segments', 'ls', '--missing'],
  ['fetch', 'orders:0', '--offset', '5:7'],
  ['verify', '--quick'],
  ['verify', '--no-resume'],
  ['reindex', '--check'],
  ['gc', '--dry-run'],
];

interface ErrorReport {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly exitCode: number;
    readonly facts: Readonly<Record<string, unknown>>;
    readonly remedy: string;
  };
}

/** The error of a run with `-f json`: stderr's last line. */
function errorOf(result: RunResult): ErrorReport['error'] {
  const report: ErrorReport = JSON.parse(result.stderr.trim().split('\n').at(-1) ?? '');
  return report.error;
}

/** No output may hold a credential, in any command, at the highest verbosity. */
function expectNoSecret(result: RunResult, secrets: readonly (string | undefined)[]): void {
  const all = result.stdout.toString() + result.stderr;
  for (const secret of secrets) if (secret) expect(all).not.toContain(secret);
}

interface Failing {
  runWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<RunResult>;
}

/** The error of a run in JSON at -v, which may hold no secret. */
async function failing(
  node: Failing,
  env: Readonly<Record<string, string>>,
  command: readonly string[],
): Promise<ErrorReport['error']> {
  const result = await node.runWith(env, ...command, '-v', '-f', 'json');
  expectNoSecret(result, secretsOf(env));
  const error = errorOf(result);
  expect(result.stdout.toString(), 'no half document').toBe('');
  expect(result.status).toBe(error.exitCode);
  return error;
}

/** The same in text: the message, the facts and what to do next, for a person. */
async function expectToldInText(
  error: ErrorReport['error'],
  node: Failing,
  env: Readonly<Record<string, string>>,
  command: readonly string[],
): Promise<void> {
  const { status, stderr, stdout } = await node.runWith(env, ...command, '-v');
  expectNoSecret({ status, signal: null, stdout, stderr }, secretsOf(env));
  expect(status).toBe(error.exitCode);
  expect(stderr).toContain(`segctl: ${error.message}\n  store `);
  expect(stderr).toContain(`\nnext: ${error.remedy}`);
}

function secretsOf(env: Readonly<Record<string, string>>): (string | undefined)[] {
  return [env.S3_SECRET_KEY, env.S3_ACCESS_KEY, env.S3_SESSION_TOKEN];
}

const LIST = 's3:ListBucket';
const GET = 's3:GetObject';

await describeEachServer('what a store refuses', ['versitygw'], (server) => {
  test.concurrent('a bucket that is not there, by every command', async () => {
    const node = await makeS3Node(server());
    const index = readFileSync(node.indexPath);
    const env = { ...node.env, S3_BUCKET: 'no-such-bucket' };
    for (const command of [...READS, COMPACT, ['gc', '-y'], ['reindex', '--rebuild', '-y']]) {
      const error = await failing(node, env, command);
      expect([error.exitCode, error.code], command.join(' ')).toEqual([1, 'store-no-such-bucket']);
      expect(error.message).toBe('there is no bucket no-such-bucket');
      if (command === COMPACT) await expectToldInText(error, node, env, command);
    }
    expect(readFileSync(node.indexPath)).toEqual(index);
  });

  test.concurrent('a wrong secret and an unknown key id', async () => {
    const node = await makeS3Node(server());
    for (const wrong of [{ S3_SECRET_KEY: 'not-the-secret' }, { S3_ACCESS_KEY: 'NOBODY-KNOWN' }]) {
      const env = { ...node.env, ...wrong };
      for (const command of [['fetch', 'plain:0', '--count', '1'], ['verify']]) {
        const error = await failing(node, env, command);
        expect([error.exitCode, error.code]).toEqual([1, 'store-bad-credentials']);
        expect(error.remedy).toContain('S3_SECRET_KEY');
        if (command[0] === 'fetch') await expectToldInText(error, node, env, command);
      }
      const doctor = await node.runWith(env, 'doctor', '-v', '-f', 'json');
      expect(doctor.status).toBe(4);
      expect(doctor.stdout.toString()).toContain('store-bad-credentials');
      expectNoSecret(doctor, secretsOf(env));
    }
  });

  test.concurrent('reading denied: named, and nothing is dropped because of it', async () => {
    const node = await makeS3Node(server());
    const index = readFileSync(node.indexPath);
    const env = await makeUser(server(), node.bucket, [LIST]);
    for (const command of [
      ['fetch', 'plain:0', '--count', '1'],
      ['verify'],
      ['reindex', '--rebuild', '-y'],
      ['gc', '-y', '--min-age', '0'],
    ]) {
      const error = await failing(node, env, command);
      expect([error.exitCode, error.code], command.join(' ')).toEqual([1, 'store-denied']);
      expect(error.message).toBe('the store does not allow s3:GetObject here');
      expect(error.facts.resource).toMatch(
        new RegExp(`^arn:aws:s3:::${node.bucket}/\\./data/tantivy_indexes/.+\\.tar\\.gz$`),
      );
    }
    expect(readFileSync(node.indexPath)).toEqual(index);
    expect((await node.objects()).size).toBe(34);
  });

  test.concurrent('listing denied', async () => {
    const node = await makeS3Node(server());
    const env = await makeUser(server(), node.bucket, [GET]);
    for (const command of [['verify'], ['reindex', '--rebuild', '-y'], ['gc', '-y']]) {
      const error = await failing(node, env, command);
      expect([error.exitCode, error.code], command.join(' ')).toEqual([1, 'store-denied']);
      expect(error.facts).toMatchObject({
        action: LIST,
        resource: `arn:aws:s3:::${node.bucket}`,
      });
    }
    const fetched = await node.runWith(env, 'fetch', 'plain:0', '--count', '1');
    expect(fetched.status, 'what needs no listing works').toBe(0);
  });

  test.concurrent('deleting denied: partly done, and a run with the right finishes', async () => {
    const node = await makeS3Node(server());
    const env = await makeUser(server(), node.bucket, [LIST, GET]);
    const result = await node.runWith(env, ...COMPACT, '-f', 'json');
    expect(result.status, result.stderr).toBe(5);
    expectNoSecret(result, [env.S3_SECRET_KEY]);
    const report: { deleted: number; failed: number; bytesFreed: number } = JSON.parse(
      result.stdout.toString(),
    );
    expect(report).toMatchObject({ deleted: 0, failed: 9, bytesFreed: 0 });
    expect(result.stdout.toString()).toContain('the store does not allow s3:DeleteObject here');
    expect((await node.objects()).size).toBe(34);
    const resumed = await node.run('compact', 'resume', '-y', '-f', 'json', ...NOW);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect((await node.objects()).size).toBe(25);
  });
});

describe('what stands between', () => {
  const SECRETS = {
    OBJECT_STORE_BACKEND: 's3',
    S3_BUCKET: 'chronik-archives',
    S3_ACCESS_KEY: 'AKIDNOTFORPRINT',
    S3_SECRET_KEY: 'secret-not-for-print',
    S3_SESSION_TOKEN: 'token-not-for-print',
  };
  const FETCH = ['fetch', 'plain:0', '--count', '1'];

  async function against(fault: Fault, command = FETCH): Promise<ErrorReport['error']> {
    const stub = await startS3Proxy({ fault: () => fault });
    try {
      return await failingAt(stub.endpoint, command);
    } finally {
      await stub.stop();
    }
  }

  function failingAt(endpoint: string, command = FETCH): Promise<ErrorReport['error']> {
    const { cwd } = copyNode();
    const runWith: Failing['runWith'] = (env, ...args) => runSegctl(args, { cwd, env });
    return failing({ runWith }, { ...SECRETS, S3_ENDPOINT: endpoint }, command);
  }

  const answer = (status: number, code: string, more = ''): Fault => ({
    kind: 'answer',
    status,
    body: errorXml(code, `of ${SECRETS.S3_SECRET_KEY} and ${SECRETS.S3_SESSION_TOKEN}`, more),
  });

  test.concurrent('no server at all', async () => {
    const gone = await startS3Proxy({});
    await gone.stop();
    const error = await failingAt(gone.endpoint);
    expect([error.exitCode, error.code]).toEqual([1, 'store-unreachable']);
    expect(error.message).toBe(`the store can't be reached at ${gone.endpoint}`);
    expect(error.facts).toMatchObject({ reason: 'ECONNREFUSED' });
  });

  test.concurrent('a server that never answers', async () => {
    const error = await against({ kind: 'silence' }, [...FETCH, '--store-timeout', '200ms']);
    expect([error.exitCode, error.code]).toEqual([1, 'store-timeout']);
    expect(error.remedy).toContain('network');
  });

  test.concurrent.for<[string, Fault, string, RegExp]>([
    ['one that always asks to slow down', answer(503, 'SlowDown'), 'store-throttled', /later/],
    ['one that always fails', answer(500, 'InternalError'), 'store-failed', /run the command/],
    ['one that hangs up', { kind: 'reset' }, 'store-unreachable', /S3_ENDPOINT/],
    ['a token that ran out', answer(400, 'ExpiredToken'), 'store-expired-token', /S3_SESSION/],
    ['a clock that is off', answer(403, 'RequestTimeTooSkewed'), 'store-clock-skew', /clock/],
    [
      'a bucket elsewhere',
      answer(400, 'AuthorizationHeaderMalformed', '<Region>eu-north-1</Region>'),
      'store-wrong-region',
      /eu-north-1/,
    ],
    [
      'a signature that repeats the credentials',
      answer(
        403,
        'SignatureDoesNotMatch',
        `<AWSAccessKeyId>${SECRETS.S3_ACCESS_KEY}</AWSAccessKeyId>`,
      ),
      'store-bad-credentials',
      /S3_SECRET_KEY/,
    ],
  ])('%s', async ([, fault, code, remedy]) => {
    const error = await against(fault);
    expect([error.exitCode, error.code]).toEqual([1, code]);
    expect(error.remedy).toMatch(remedy);
  });

  test.concurrent('the settings are shown without the credentials', async () => {
    for (const format of ['table', 'json', 'csv', 'jsonl']) {
      const result = await runSegctl(['config', 'show', '-v', '-f', format], { env: SECRETS });
      expect(result.status).toBe(0);
      expect(result.stdout.toString()).toContain('***');
      expectNoSecret(result, [
        SECRETS.S3_SECRET_KEY,
        SECRETS.S3_ACCESS_KEY,
        SECRETS.S3_SESSION_TOKEN,
      ]);
    }
  });

  test.concurrent.for([
    [{ OBJECT_STORE_BACKEND: 'gcs' }, [], /S3_ENDPOINT=https:\/\/storage\.googleapis\.com/],
    [{ OBJECT_STORE_BACKEND: 'Azure' }, [], /blobfuse2/],
    [{}, ['--store', 'gs://bucket/x'], /HMAC/],
    [{}, ['--store', 'az://container'], /versitygw/],
    [{}, ['--store', 's3://KEY:top-secret@bucket'], /AWS environment|s3:\/\/bucket/],
    [{ OBJECT_STORE_BACKEND: 's3', S3_ENDPOINT: 'http://u:top-secret@h' }, [], /correct/],
  ] as const)('no store for these settings: %o', async ([env, flags, remedy]) => {
    for (const command of [['segments', 'ls'], ['verify'], COMPACT]) {
      const result = await runSegctl([...command, ...flags, '-v', '-f', 'json'], { env });
      expect(result.status, command.join(' ')).toBe(2);
      expect(errorOf(result).remedy).toMatch(remedy);
      expectNoSecret(result, ['top-secret']);
    }
  });
});
