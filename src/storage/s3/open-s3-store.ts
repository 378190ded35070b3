import { createHash } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { Limiter } from '../limiter.ts';
import { DEFAULT_RETRY, type RetryPolicy, SYSTEM_TIMING, type Timing } from '../retry.ts';
import type { S3StoreSettings } from '../store-settings.ts';
import { S3Store } from './s3-store.ts';
import { SecretScrubber } from './secret-scrubber.ts';

export interface S3StoreOptions {
  /** Requests in flight at once, default 32. A body that is read holds its own connection besides. */
  readonly concurrency?: number;
  readonly onCall?: (call: { action: string; key: string }) => void;
  readonly retry?: Partial<RetryPolicy>;
  readonly timing?: Timing;
  /** How long a connection may take to open (default 10,000), and then be silent (60,000), in ms. */
  readonly connectTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** How host names are resolved; default the system's way. */
  readonly lookup?: LookupFunction;
  /** Unix time in ms. */
  readonly now?: () => number;
}

const DEFAULT_CONCURRENCY = 32;
const FALLBACK_REGION = 'us-east-1';

/** Opens the bucket of `settings`; this is where the AWS SDK is loaded. No request is made yet. */
export async function openS3Store(
  settings: S3StoreSettings,
  options: S3StoreOptions = {},
): Promise<S3Store> {
  // The SDK would print a warning about Node 20 into every run.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { S3Client } = await import('@aws-sdk/client-s3');
  const scrubber = new SecretScrubber(settings.credentials);
  let client = new S3Client(clientConfig(settings, options));
  const region = await client.config.region().catch(() => undefined);
  if (region === undefined) {
    client.destroy();
    client = new S3Client(clientConfig({ ...settings, region: FALLBACK_REGION }, options));
  }
  scrubber.watch(client);
  addContentMd5(client);
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  return new S3Store({
    client,
    bucket: settings.bucket,
    prefix: settings.prefix,
    storeUrl: storeUrl(settings),
    endpoint: endpointName(settings),
    region: region ?? FALLBACK_REGION,
    limiter: new Limiter(concurrency),
    concurrency,
    retry: { ...DEFAULT_RETRY, ...options.retry },
    timing: options.timing ?? SYSTEM_TIMING,
    scrub: (text) => scrubber.scrub(text),
    now: options.now ?? Date.now,
    onCall: options.onCall,
  });
}

function clientConfig(settings: S3StoreSettings, options: S3StoreOptions): S3ClientConfig {
  const { credentials, endpoint, region } = settings;
  const idleTimeoutMs = options.idleTimeoutMs ?? 60_000;
  const hasOwnEndpoint = settings.origins.endpoint !== undefined;
  const agent = {
    keepAlive: true,
    maxSockets: Number.POSITIVE_INFINITY,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  };
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: settings.pathStyle ?? hasOwnEndpoint,
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKeyId.reveal(),
            secretAccessKey: credentials.secretAccessKey.reveal(),
            ...(credentials.sessionToken === undefined
              ? {}
              : { sessionToken: credentials.sessionToken.reveal() }),
          },
        }),
    // Retries are this store's own: bounded over keys and requests alike, on an injected clock.
    maxAttempts: 1,
    // Older S3-compatible stores refuse the checksum headers that newer SDKs add unasked.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? Math.min(10_000, idleTimeoutMs),
      socketTimeout: idleTimeoutMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
}

/** DeleteObjects wants a checksum, and stores older than S3's CRC headers know only Content-MD5. */
function addContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { request } = args;
      if (context.commandName === 'DeleteObjectsCommand' && isTextRequest(request)) {
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { step: 'build', name: 'segctlContentMd5', priority: 'low' },
  );
}

function isTextRequest(
  request: unknown,
): request is { headers: Record<string, string>; body: string | Uint8Array } {
  return (
    typeof request === 'object' &&
    request !== null &&
    'headers' in request &&
    'body' in request &&
    (typeof request.body === 'string' || request.body instanceof Uint8Array)
  );
}

function storeUrl(settings: S3StoreSettings): string {
  return settings.prefix === undefined
    ? `s3://${settings.bucket}`
    : `s3://${settings.bucket}/${settings.prefix}`;
}

/** For messages: never with a user, password or query. */
function endpointName(settings: S3StoreSettings): string {
  if (settings.endpoint !== undefined) {
    return new URL(settings.endpoint).origin;
  }
  const variable = settings.origins.endpoint;
  return variable === undefined
    ? `s3.${settings.region ?? FALLBACK_REGION}.amazonaws.com`
    : `the endpoint in ${variable}`;
}
