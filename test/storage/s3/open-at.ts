import { openS3Store, type S3StoreOptions } from '../../../src/storage/s3/open-s3-store.ts';
import type { S3Store } from '../../../src/storage/s3/s3-store.ts';
import { storeSettings } from '../../../src/storage/store-settings.ts';

/** The waits that were asked for, in ms, none of which took place. */
export interface Waits {
  readonly waits: number[];
}

export const KEY_ID = 'AKIDNOTFORPRINT';
export const SECRET = 'secret-not-for-print';
export const TOKEN = 'token-not-for-print';

/** A store at any endpoint, with time that doesn't pass. */
export async function openAt(
  endpoint: string,
  env: Record<string, string> = {},
  options: S3StoreOptions = {},
): Promise<S3Store & Waits> {
  const settings = storeSettings(
    {
      OBJECT_STORE_BACKEND: 's3',
      S3_BUCKET: 'bucket',
      S3_ENDPOINT: endpoint,
      S3_ACCESS_KEY: KEY_ID,
      S3_SECRET_KEY: SECRET,
      S3_SESSION_TOKEN: TOKEN,
      ...env,
    },
    {},
  );
  if (settings.kind !== 's3') {
    throw new Error('not an S3 store');
  }
  const waits: number[] = [];
  const store = await openS3Store(settings, {
    timing: {
      sleep: async (ms) => {
        waits.push(ms);
      },
      random: () => 0.5,
    },
    ...options,
  });
  return Object.assign(store, { waits });
}

/** S3's error document. */
export function errorXml(code: string, message = 'told by the test', more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>1</RequestId></Error>`;
}
