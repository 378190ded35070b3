import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { installServer, type ServerName } from './install.ts';

// The SDK's warning about Node 20 says nothing about a test.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** A real S3 server on loopback, with an account that may do all. */
export interface S3Server {
  readonly name: ServerName;
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** `folded`: the server takes `/data/x` and `data/x` for one object, and lists the latter. */
  readonly keys: 'folded' | 'literal';
  /** An empty bucket with a name of its own. */
  makeBucket(): Promise<string>;
  /** The environment that makes segctl use the bucket, in Chronik's own variables. */
  env(bucket: string, prefix?: string): Record<string, string>;
  /** A client of the SDK, for what segctl itself never asks. The caller destroys it. */
  client(): S3Client;
  stop(): Promise<void>;
}

/** `undefined` where the server can't be installed outside of CI: then skip, `installServer` has said why. */
export async function availableServer(
  name: ServerName,
): Promise<(() => Promise<S3Server>) | undefined> {
  const installed = await installServer(name);
  return 'missing' in installed ? undefined : () => startServer(name, installed.program);
}

async function startServer(name: ServerName, program: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), `segctl-${name}-`));
  const accessKey = 'segctl-test-root';
  const secretKey = `secret-${randomUUID()}`;
  const port = await freePort();
  const args =
    name === 'moto'
      ? ['--host', '127.0.0.1', '--port', `${port}`]
      : await versitygwArgs(folder, port);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ROOT_ACCESS_KEY_ID: accessKey, ROOT_SECRET_ACCESS_KEY: secretKey },
  });
  const killAtExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  await listening(child, port, name);
  const endpoint = `http://127.0.0.1:${port}`;
  const client = (): S3Client =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
  return {
    name,
    endpoint,
    accessKey,
    secretKey,
    keys: name === 'moto' ? 'literal' : 'folded',
    client,
    makeBucket: () => makeBucket(client()),
    env: (bucket, prefix) => ({
      OBJECT_STORE_BACKEND: 's3',
      S3_BUCKET: bucket,
      S3_ENDPOINT: endpoint,
      S3_REGION: 'us-east-1',
      S3_ACCESS_KEY: accessKey,
      S3_SECRET_KEY: secretKey,
      ...(prefix === undefined ? {} : { S3_PREFIX: prefix }),
    }),
    stop: async () => {
      process.off('exit', killAtExit);
      await stopped(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function versitygwArgs(folder: string, port: number): Promise<string[]> {
  const [data, iam] = [join(folder, 'data'), join(folder, 'iam')];
  await mkdir(data);
  await mkdir(iam);
  return ['--port', `127.0.0.1:${port}`, '--quiet', '--iam-dir', iam, 'posix', data];
}

async function makeBucket(client: S3Client): Promise<string> {
  const bucket = `segctl-${randomUUID()}`;
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return bucket;
  } finally {
    client.destroy();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') {
    throw new Error('no port was given');
  }
  return address.port;
}

/** Resolves once the port takes connections; rejects with the server's last words when it ends. */
async function listening(child: ChildProcess, port: number, name: string): Promise<void> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code} before it listened: ${words}`);
  });
  await Promise.race([ended, polled(child, port)]);
  ended.catch(() => undefined);
}

async function polled(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}
