import { FsStore } from './fs-store.ts';
import type { ObjectStore } from './object-store.ts';
import type { StoreSettings } from './store-settings.ts';

export interface OpenStoreOptions {
  /** Requests (S3) or files (local) in flight at once; each adapter has its own default. */
  readonly concurrency?: number;
  /** How long an S3 store may be silent in an answer, in ms; default 60,000. A local store has none. */
  readonly timeoutMs?: number;
  /** Told of every request to S3 before it is first sent: its IAM action, and the key or ''. */
  readonly onCall?: (call: StoreCall) => void;
}

export interface StoreCall {
  readonly action: string;
  readonly key: string;
}

/** Opens the store. No request is made yet, and the AWS SDK is loaded only for an S3 store. */
export async function openStore(
  settings: StoreSettings,
  options: OpenStoreOptions = {},
): Promise<ObjectStore> {
  if (settings.kind === 'fs') {
    return new FsStore(settings.root, options);
  }
  const { openS3Store } = await import('./s3/open-s3-store.ts');
  const { timeoutMs, ...others } = options;
  return openS3Store(settings, {
    ...others,
    ...(timeoutMs === undefined ? {} : { idleTimeoutMs: timeoutMs }),
  });
}
