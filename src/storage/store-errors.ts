import { SegctlError } from '../core/segctl-error.ts';
import type { ByteRange } from './object-store.ts';

/** No object under this key. Fetch and verify turn it into their own finding. */
export function objectMissing(storeUrl: string, key: string, cause?: unknown): SegctlError {
  return new SegctlError('there is no such object in the store', {
    code: 'object-missing',
    facts: { store: storeUrl, key },
    remedy: 'compare the index with the store: segctl reindex --check',
    cause,
  });
}

/** The object is not, or no longer, the version that the caller saw: read it again from its start. */
export function objectChanged(
  storeUrl: string,
  key: string,
  expectedVersion: string,
  cause?: unknown,
): SegctlError {
  return new SegctlError('the object was replaced while segctl worked on it', {
    code: 'object-changed',
    facts: { store: storeUrl, key, expectedVersion },
    remedy:
      'run the command again: a running Chronik server rewrites the archive of a partition that is being written',
    cause,
  });
}

/** A conditional put met an object. */
export function objectExists(storeUrl: string, key: string, cause?: unknown): SegctlError {
  return new SegctlError('there is an object under this key already', {
    code: 'object-exists',
    facts: { store: storeUrl, key },
    remedy: 'another run may be at work on the same store: see segctl compact history',
    cause,
  });
}

/** A key that names a place outside of the store. */
export function keyEscapesRoot(storeUrl: string, key: string, why: string): SegctlError {
  return new SegctlError(`the key leads out of the store: ${why}`, {
    code: 'key-escapes-root',
    exit: 'refused',
    facts: { store: storeUrl, key: JSON.stringify(key) },
    remedy:
      'segctl neither reads nor deletes outside of the store; correct the index entry that has this key, or let it be reported by: segctl reindex --check',
  });
}

/** The body ended before the announced length. Worth another try: the object itself may be whole. */
export function bodyCutShort(
  storeUrl: string,
  key: string,
  expectedBytes: number,
  receivedBytes: number,
  cause?: unknown,
): SegctlError {
  return new SegctlError('the object arrived cut short', {
    code: 'body-cut-short',
    facts: { store: storeUrl, key, expectedBytes, receivedBytes },
    remedy: 'run the command again; if it happens each time, check the network path to the store',
    cause,
  });
}

/** A ranged read that begins at or after the object's last byte. */
export function rangePastEnd(
  storeUrl: string,
  key: string,
  range: ByteRange,
  sizeBytes: number | undefined,
): SegctlError {
  return new SegctlError('the range begins past the end of the object', {
    code: 'range-past-end',
    facts: { store: storeUrl, key, start: range.start, sizeBytes: sizeBytes ?? null },
    remedy: 'the object is shorter than expected: check it with segctl verify',
  });
}

/** True for the errors that a fresh read of the same object may well not meet again. */
export function isWorthAnotherRead(error: unknown): boolean {
  return (
    error instanceof SegctlError &&
    (error.code === 'body-cut-short' ||
      error.code === 'object-changed' ||
      error.code === 'store-throttled' ||
      error.code === 'store-timeout' ||
      error.code === 'store-unreachable')
  );
}
