import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SegctlError } from '../core/segctl-error.ts';
import { Secret } from './secret.ts';
import { unsupportedBackend, unsupportedUrl } from './unsupported-backend.ts';

/** Where the archives are, with everything that is needed to open the store but the AWS chain's part. */
export type StoreSettings = FsStoreSettings | S3StoreSettings;

interface Explained {
  /** Setting name -> what decided it: `--store`, an environment variable's name, or `default`. */
  readonly origins: Readonly<Record<string, string>>;
  /** What an operator should be told once: settings that look like a mistake but are legal. */
  readonly warnings: readonly string[];
}

export interface FsStoreSettings extends Explained {
  readonly kind: 'fs';
  /** As written; relative to the working directory. */
  readonly root: string;
}

export interface S3StoreSettings extends Explained {
  readonly kind: 's3';
  readonly bucket: string;
  /** Absent: from the AWS environment or profile, else us-east-1. */
  readonly region?: string;
  /** Absent: from AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile, else AWS itself. */
  readonly endpoint?: string;
  /**
   * Keys are `trimEnd(prefix, '/') + '/' + key`. Absent and '' differ: with '' every key gets a
   * leading slash, without one it is the key alone.
   */
  readonly prefix?: string;
  /** Absent: path style with an endpoint other than AWS's, virtual hosts without. */
  readonly pathStyle?: boolean;
  /** Absent: the AWS default credential chain. */
  readonly credentials?: S3Credentials;
}

export interface S3Credentials {
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

export interface StoreFlags {
  /** `--data-dir`; else CHRONIK_DATA_DIR, else `./data`. */
  readonly dataDir?: string | undefined;
  /** `--store`: `file:///path`, `/path`, `s3://bucket/prefix`. */
  readonly store?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the store is: `--store` when given, else what Chronik's own server would take from the same
 * environment (OBJECT_STORE_BACKEND, LOCAL_STORAGE_PATH, S3_*). Pure. Throws SegctlError
 * `store-url-malformed`, `store-backend-unsupported` or `store-setting-malformed`.
 */
export function storeSettings(env: Environment, flags: StoreFlags): StoreSettings {
  return flags.store === undefined ? fromEnvironment(env, flags) : fromUrl(flags.store, env);
}

function fromEnvironment(env: Environment, flags: StoreFlags): StoreSettings {
  const backend = env.OBJECT_STORE_BACKEND?.toLowerCase();
  switch (backend) {
    case 's3':
      return chronikS3(env);
    case 'local':
      return {
        kind: 'fs',
        root: env.LOCAL_STORAGE_PATH ?? './data/segments',
        origins: { root: env.LOCAL_STORAGE_PATH === undefined ? 'default' : 'LOCAL_STORAGE_PATH' },
        warnings: [],
      };
    case 'gcs':
    case 'azure':
      throw unsupportedBackend(backend);
    default:
      return besideDataDir(env, flags);
  }
}

function besideDataDir(env: Environment, flags: StoreFlags): FsStoreSettings {
  const [dataDir, origin] =
    flags.dataDir !== undefined
      ? [flags.dataDir, '--data-dir']
      : env.CHRONIK_DATA_DIR !== undefined
        ? [env.CHRONIK_DATA_DIR, 'CHRONIK_DATA_DIR']
        : ['./data', 'default'];
  const root = join(dataDir, 'segments');
  const warnings: string[] = [];
  if (env.OBJECT_STORE_BACKEND) {
    warnings.push(
      `OBJECT_STORE_BACKEND=${env.OBJECT_STORE_BACKEND} names no backend that Chronik knows: as Chronik does, segctl uses the local store ${root}`,
    );
  } else if (env.S3_BUCKET) {
    warnings.push(
      `S3_BUCKET is set but OBJECT_STORE_BACKEND is not: Chronik then keeps its archives in the local store ${root}, and so does segctl; for the bucket, set OBJECT_STORE_BACKEND=s3 or give --store s3://${env.S3_BUCKET}`,
    );
  }
  return { kind: 'fs', root, origins: { root: origin }, warnings };
}

function chronikS3(env: Environment): S3StoreSettings {
  const origins: Record<string, string> = {};
  const pick = (setting: string, name: string, fallback: string): string => {
    const value = env[name];
    origins[setting] = value === undefined ? 'default' : name;
    return value ?? fallback;
  };
  const bucket = pick('bucket', 'S3_BUCKET', 'chronik-storage');
  if (bucket === '') {
    throw malformed('S3_BUCKET', 'it is empty');
  }
  const region = pick('region', 'S3_REGION', 'us-east-1') || 'us-east-1';
  const pathStyle = pick('pathStyle', 'S3_PATH_STYLE', 'true') !== 'false';
  if (env.S3_PREFIX !== undefined) {
    origins.prefix = 'S3_PREFIX';
  }
  return {
    kind: 's3',
    bucket,
    region,
    pathStyle,
    ...(env.S3_PREFIX === undefined ? {} : { prefix: env.S3_PREFIX }),
    ...connection(env, origins),
    origins,
    warnings: credentialWarnings(env),
  };
}

/** `--store s3://...`: Chronik's connection variables where they are set, else AWS's own ways. */
function urlS3(bucket: string, prefix: string | undefined, env: Environment): S3StoreSettings {
  const origins: Record<string, string> = { bucket: '--store' };
  if (prefix !== undefined) {
    origins.prefix = '--store';
  }
  const region = env.S3_REGION || env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (region) {
    origins.region = env.S3_REGION
      ? 'S3_REGION'
      : env.AWS_REGION
        ? 'AWS_REGION'
        : 'AWS_DEFAULT_REGION';
  }
  if (env.S3_PATH_STYLE !== undefined) {
    origins.pathStyle = 'S3_PATH_STYLE';
  }
  return {
    kind: 's3',
    bucket,
    ...(prefix === undefined ? {} : { prefix }),
    ...(region ? { region } : {}),
    ...(env.S3_PATH_STYLE === undefined ? {} : { pathStyle: env.S3_PATH_STYLE !== 'false' }),
    ...connection(env, origins),
    origins,
    warnings: credentialWarnings(env),
  };
}

function connection(
  env: Environment,
  origins: Record<string, string>,
): Pick<S3StoreSettings, 'endpoint' | 'credentials'> {
  const endpoint = env.S3_ENDPOINT || undefined;
  if (endpoint !== undefined) {
    assertEndpoint(endpoint);
    origins.endpoint = 'S3_ENDPOINT';
  } else if (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL) {
    origins.endpoint = env.AWS_ENDPOINT_URL_S3 ? 'AWS_ENDPOINT_URL_S3' : 'AWS_ENDPOINT_URL';
  }
  const { S3_ACCESS_KEY: id, S3_SECRET_KEY: secret, S3_SESSION_TOKEN: token } = env;
  const isStatic = Boolean(id && secret);
  origins.credentials = isStatic ? 'S3_ACCESS_KEY' : 'AWS credential chain';
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(id && secret
      ? {
          credentials: {
            accessKeyId: new Secret(id),
            secretAccessKey: new Secret(secret),
            ...(token ? { sessionToken: new Secret(token) } : {}),
          },
        }
      : {}),
  };
}

function credentialWarnings(env: Environment): string[] {
  if (Boolean(env.S3_ACCESS_KEY) === Boolean(env.S3_SECRET_KEY)) {
    return [];
  }
  const [set, unset] = env.S3_ACCESS_KEY
    ? ['S3_ACCESS_KEY', 'S3_SECRET_KEY']
    : ['S3_SECRET_KEY', 'S3_ACCESS_KEY'];
  return [`${set} is set but ${unset} is not: the AWS credential chain is used instead`];
}

function assertEndpoint(endpoint: string): void {
  if (!URL.canParse(endpoint) || !/^https?:\/\//i.test(endpoint)) {
    throw malformed('S3_ENDPOINT', 'it is no http:// or https:// URL');
  }
  const url = new URL(endpoint);
  if (url.username !== '' || url.password !== '') {
    throw malformed('S3_ENDPOINT', 'it holds a user or password; use S3_ACCESS_KEY, S3_SECRET_KEY');
  }
}

function fromUrl(store: string, env: Environment): StoreSettings {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(store)?.[1]?.toLowerCase();
  if (scheme === 's3' || scheme === 's3a') {
    return parseS3Url(store, env);
  }
  if (scheme === 'file') {
    return { kind: 'fs', root: filePath(store), origins: { root: '--store' }, warnings: [] };
  }
  if (scheme !== undefined) {
    throw unsupportedUrl(scheme);
  }
  if (store === '') {
    throw malformedUrl('it is empty');
  }
  return { kind: 'fs', root: store, origins: { root: '--store' }, warnings: [] };
}

/** Not by `new URL`, which would collapse `/./` and `//` in a prefix that is literal. */
function parseS3Url(store: string, env: Environment): S3StoreSettings {
  const match = /^s3a?:\/\/([^/]*)(?:\/(.*))?$/is.exec(store);
  const bucket = match?.[1] ?? '';
  if (bucket.includes('@')) {
    throw malformedUrl(
      'it holds credentials; use the AWS environment, a profile, or S3_ACCESS_KEY',
    );
  }
  if (!/^[a-z0-9][a-z0-9._-]{2,254}$/i.test(bucket)) {
    throw malformedUrl('it names no bucket');
  }
  return urlS3(bucket, match?.[2] || undefined, env);
}

function filePath(store: string): string {
  const wrong = malformedUrl('a file URL has three slashes and an absolute path');
  if (!/^file:\/\//i.test(store)) {
    throw wrong;
  }
  try {
    return fileURLToPath(store);
  } catch {
    throw wrong;
  }
}

/** The URL isn't repeated: it may hold a password. */
function malformedUrl(why: string): SegctlError {
  return new SegctlError(`the store's URL can't be used: ${why}`, {
    code: 'store-url-malformed',
    exit: 'usage',
    remedy: 'write --store s3://bucket/prefix, --store file:///path or --store /path',
  });
}

function malformed(name: string, why: string): SegctlError {
  return new SegctlError(`${name} can't be used: ${why}`, {
    code: 'store-setting-malformed',
    exit: 'usage',
    facts: { setting: name },
    remedy: 'correct the variable, or unset it',
  });
}
