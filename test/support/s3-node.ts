import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openStore } from '../../src/storage/open-store.ts';
import { storeSettings } from '../../src/storage/store-settings.ts';
import type { S3Server } from '../servers/s3-server.ts';
import { chronikKey, uploadFolder } from '../servers/upload-folder.ts';
import { FIXTURE_DATA } from './fixture.ts';
import { type RunResult, runSegctl } from './run-segctl.ts';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A node whose archives are in a bucket; index, journal and WAL stay in its data folder. */
export interface S3Node {
  /** The folder that holds `data`. */
  readonly cwd: string;
  readonly dataDir: string;
  readonly indexPath: string;
  readonly bucket: string;
  /** Chronik's variables, by which segctl finds the bucket. */
  readonly env: Readonly<Record<string, string>>;
  run(...args: string[]): Promise<RunResult>;
  /** The same with other variables on top. */
  runWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<RunResult>;
  /** Every object: its key as the store lists it, without the prefix, and its size in bytes. */
  objects(): Promise<Map<string, number>>;
}

export interface S3NodeOptions {
  /** S3_PREFIX; unset without it. */
  readonly prefix?: string;
  /** A data folder of a node with a local store, `segments/` and all. Default: the fixture's. */
  readonly from?: string;
}

/** Puts the archives of a local node into a new bucket, under the keys that Chronik gives them on S3. */
export async function makeS3Node(
  server: S3Server,
  { prefix, from = FIXTURE_DATA }: S3NodeOptions = {},
): Promise<S3Node> {
  const cwd = mkdtempSync(join(tmpdir(), `segctl-${server.name}-node-`));
  made.push(cwd);
  const dataDir = join(cwd, 'data');
  const segments = join(from, 'segments');
  cpSync(from, dataDir, { recursive: true, filter: (path) => path !== segments });
  const bucket = await server.makeBucket();
  const env = server.env(bucket, prefix);
  await uploadFolder(env, segments, chronikKey('./data'));
  const runWith = (more: Readonly<Record<string, string>>, ...args: string[]) =>
    runSegctl(args, { cwd, env: { ...env, ...more } });
  return {
    cwd,
    dataDir,
    indexPath: join(dataDir, 'segment_index.json'),
    bucket,
    env,
    run: (...args) => runWith({}, ...args),
    runWith,
    objects: () => listAll(env),
  };
}

async function listAll(env: Readonly<Record<string, string>>): Promise<Map<string, number>> {
  const store = await openStore(storeSettings(env, {}));
  try {
    const found = new Map<string, number>();
    for await (const { key, sizeBytes } of store.list('')) found.set(key, sizeBytes);
    return found;
  } finally {
    await store.close();
  }
}
