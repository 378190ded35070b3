import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { S3Server } from '../servers/s3-server.ts';
import { chronikKey, uploadFolder } from '../servers/upload-folder.ts';
import { describeEachServer } from '../storage/s3/each-server.ts';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { copyNode } from '../support/node-copy.ts';
import { cleanEnv, runSegctl } from '../support/run-segctl.ts';
import { makeS3Node, type S3Node } from '../support/s3-node.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Credentials, region and endpoint in AWS's own files, as the profile `archives`. */
function profileFiles(server: S3Server, folder: string): Record<string, string> {
  const config = join(folder, 'aws-config');
  const credentials = join(folder, 'aws-credentials');
  writeFileSync(
    config,
    `[profile archives]\nregion = us-east-1\nendpoint_url = ${server.endpoint}\n`,
  );
  writeFileSync(
    credentials,
    `[archives]\naws_access_key_id = ${server.accessKey}\naws_secret_access_key = ${server.secretKey}\n`,
  );
  return { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
}

type Way = (
  server: S3Server,
  node: S3Node,
) => { readonly env: Record<string, string>; readonly flags: readonly string[] };

const WAYS: Readonly<Record<string, Way>> = {
  'a URL and the AWS variables': (server, node) => ({
    env: {
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_S3: server.endpoint,
    },
    flags: ['--store', `s3://${node.bucket}/prod/eu`],
  }),
  'a URL and a profile': (server, node) => ({
    env: { ...profileFiles(server, node.cwd), AWS_PROFILE: 'archives', S3_PATH_STYLE: 'true' },
    flags: ['--store', `s3://${node.bucket}/prod/eu`],
  }),
  "Chronik's bucket and AWS's credentials": (server, node) => ({
    env: {
      OBJECT_STORE_BACKEND: 'S3',
      S3_BUCKET: node.bucket,
      S3_PREFIX: 'prod/eu/',
      S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
    },
    flags: [],
  }),
  "a URL in segctl.yaml and Chronik's connection": (server, node) => {
    const config = join(node.cwd, 'own.yaml');
    writeFileSync(config, `defaults:\n  store: s3://${node.bucket}/prod/eu\n`);
    return {
      env: {
        S3_ENDPOINT: server.endpoint,
        S3_ACCESS_KEY: server.accessKey,
        S3_SECRET_KEY: server.secretKey,
      },
      flags: ['--config', config],
    };
  },
};

await describeEachServer('ways to name a bucket', ['moto', 'versitygw'], (server) => {
  test.concurrent('each finds the same objects, and tells no credentials', async () => {
    const node = await makeS3Node(server(), { prefix: 'prod/eu' });
    for (const [name, way] of Object.entries(WAYS)) {
      const { env, flags } = way(server(), node);
      const options = { cwd: node.cwd, env };
      const verified = await runSegctl(
        ['verify', '--quick', '-f', 'json', '-v', ...flags],
        options,
      );
      expect(verified.status, `${name}\n${verified.stderr}`).toBe(0);
      const fetched = await runSegctl(['fetch', 'orders:0', '--offset', '5:7', ...flags], options);
      expect(fetched.stdout.toString().trim().split('\n'), name).toHaveLength(2);
      const shown = await runSegctl(['config', 'show', '-f', 'csv', ...flags], options);
      expect(shown.stdout.toString()).toMatch(new RegExp(`,store.bucket,${node.bucket},`));
      for (const { stdout, stderr } of [verified, fetched, shown]) {
        const all = `${stdout}${stderr}`;
        expect(all).not.toContain(server().secretKey);
        expect(all).not.toContain(server().accessKey);
      }
    }
  });

  test.concurrent('an S3_PREFIX that is set but empty', async () => {
    const node = await makeS3Node(server(), { prefix: '' });
    const verified = await node.run('verify', '--quick', '-f', 'json');
    expect(verified.status, verified.stderr).toBe(0);
    expect(verified.stdout.toString().match(/"id":"object-superseded"/g)).toHaveLength(25);
  });
});

/** The blocks of docs/stores.md that want a bucket, each as one script. */
function scripts(): string[] {
  const page = readFileSync(join(ROOT, 'docs/stores.md'), 'utf8');
  return [...page.matchAll(/^```sh-s3\n(.+?)^```$/gms)].flatMap(([, script]) => script ?? []);
}

await describeEachServer('the S3 examples of docs/stores.md', ['moto'], (server) => {
  test.for(scripts().map((script, i) => [i + 1, script] as const))(
    'block %i',
    async ([, script]) => {
      const { env, endpoint, client } = server();
      const admin = client();
      await admin.send(new CreateBucketCommand({ Bucket: 'chronik-archives' }));
      admin.destroy();
      const settings = env('chronik-archives', 'prod/eu');
      await uploadFolder(settings, join(FIXTURE_DATA, 'segments'), chronikKey('./data'));
      const { cwd } = copyNode();
      mkdirSync(join(cwd, 'bin'));
      const node = process.env.SEGCTL_TEST_NODE ?? process.execPath;
      writeFileSync(
        join(cwd, 'bin/segctl'),
        `#!/bin/sh\nexec "${node}" "${join(ROOT, 'bin/segctl.js')}" "$@"\n`,
      );
      chmodSync(join(cwd, 'bin/segctl'), 0o755);
      const given = script.includes('OBJECT_STORE_BACKEND')
        ? {
            S3_ENDPOINT: endpoint,
            S3_ACCESS_KEY: settings.S3_ACCESS_KEY ?? '',
            S3_SECRET_KEY: settings.S3_SECRET_KEY ?? '',
          }
        : { ...profileFiles(server(), cwd), S3_PATH_STYLE: 'true' };
      const result = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
        cwd,
        env: cleanEnv({ ...given, PATH: `${join(cwd, 'bin')}:${process.env.PATH ?? ''}` }),
        encoding: 'utf8',
      });
      expect(result.status, `${script}\n${result.stderr}`).toBe(0);
    },
  );

  test('there are some', () => {
    expect(scripts().length).toBeGreaterThan(1);
  });
});
