import { SegctlError } from '../core/segctl-error.ts';

type Action = 'read' | 'write' | 'delete' | 'list' | 'root';

/** Whether `error` is a file system error with one of `codes`. */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    codes.includes(error.code)
  );
}

/** No file has this path: absent, below a file, or too long a name to exist. */
export function isAbsent(error: unknown): boolean {
  return isErrno(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG');
}

/** Words a file system error for a person. A SegctlError, or what isn't an errno, comes back as it is. */
export function fsError(
  error: unknown,
  action: Action,
  path: string,
  storeUrl: string,
  key?: string,
): unknown {
  if (error instanceof SegctlError || !isErrnoException(error)) {
    return error;
  }
  const facts = { store: storeUrl, path, ...(key === undefined ? {} : { key }), errno: error.code };
  if (action === 'root' && isAbsent(error)) {
    return new SegctlError('the root of the local store is not there', {
      code: 'store-no-such-root',
      facts,
      remedy:
        'check --data-dir, --store or LOCAL_STORAGE_PATH, and that the volume is mounted; a node that has never archived anything has no such folder yet',
      cause: error,
    });
  }
  const known = KNOWN[error.code];
  return new SegctlError(known?.message(action) ?? `the file system failed to ${verb(action)}`, {
    code: known?.code ?? 'store-failed',
    facts,
    remedy: known?.remedy ?? 'check the disk and the system log, then run the command again',
    cause: error,
  });
}

interface Wording {
  readonly code: string;
  readonly message: (action: Action) => string;
  readonly remedy: string;
}

const DENIED: Wording = {
  code: 'store-denied',
  message: (action) => `the system does not allow to ${verb(action)} this`,
  remedy: 'run segctl as the user that owns the data dir, or give this user access',
};

const KNOWN: Readonly<Record<string, Wording>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: {
    code: 'store-denied',
    message: () => 'the file system is mounted read-only',
    remedy: 'mount it writable, or use a command that only reads',
  },
  ENOSPC: {
    code: 'store-full',
    message: () => 'the disk is full',
    remedy: 'free some space and run the command again; nothing half-written was left behind',
  },
  EDQUOT: {
    code: 'store-full',
    message: () => 'the disk quota is used up',
    remedy: 'free some space and run the command again; nothing half-written was left behind',
  },
  EMFILE: {
    code: 'store-failed',
    message: () => 'too many files are open',
    remedy: 'raise the limit (ulimit -n) or lower the concurrency',
  },
};

function verb(action: Action): string {
  return action === 'root' ? 'open the root of' : action;
}

function isErrnoException(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
