import { SegctlError } from '../core/segctl-error.ts';

const HINTS = {
  gcs: 'read the bucket through its S3-compatible XML API: create an HMAC key for a service account, then set OBJECT_STORE_BACKEND=s3, S3_BUCKET, S3_ENDPOINT=https://storage.googleapis.com, S3_REGION=auto, S3_ACCESS_KEY and S3_SECRET_KEY (docs/stores.md)',
  azure:
    'Azure Blob Storage has no S3 interface: mount the container as a file system (blobfuse2) and give --store file:///mountpoint, or put an S3 gateway before it (versitygw has an azure backend) and use OBJECT_STORE_BACKEND=s3 (docs/stores.md)',
} as const;

export type UnsupportedBackend = keyof typeof HINTS;

/** Chronik can write there, segctl has no adapter for it: says what works today instead. */
export function unsupportedBackend(backend: UnsupportedBackend): SegctlError {
  return new SegctlError(`segctl has no ${backend} adapter`, {
    code: 'store-backend-unsupported',
    exit: 'usage',
    facts: { backend },
    remedy: HINTS[backend],
  });
}

/** A `--store` URL with a scheme that isn't s3 or file. */
export function unsupportedUrl(scheme: string): SegctlError {
  const backend = BACKEND_OF_SCHEME[scheme];
  if (backend !== undefined) {
    return unsupportedBackend(backend);
  }
  return new SegctlError('segctl knows no store of this kind', {
    code: 'store-backend-unsupported',
    exit: 'usage',
    facts: { scheme },
    remedy: 'write --store s3://bucket/prefix, --store file:///path or --store /path',
  });
}

const BACKEND_OF_SCHEME: Readonly<Record<string, UnsupportedBackend>> = {
  gs: 'gcs',
  gcs: 'gcs',
  az: 'azure',
  azure: 'azure',
  abfs: 'azure',
  abfss: 'azure',
  wasb: 'azure',
  wasbs: 'azure',
};
