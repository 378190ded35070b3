import type { ExitName } from '../../core/exit-codes.ts';
import { type Fact, SegctlError } from '../../core/segctl-error.ts';
import { objectChanged, objectExists, objectMissing, rangePastEnd } from '../store-errors.ts';
import { type FailureKind, readFailure, type S3Failure } from './s3-failure.ts';

/** What was asked of S3 when it failed. */
export interface S3Call {
  /** The IAM action, for `store-denied`. */
  readonly action: S3Action;
  readonly storeUrl: string;
  readonly bucket: string;
  /** The caller's key, and the key as S3 has it. Absent for a listing. */
  readonly key?: string;
  readonly s3Key?: string;
  readonly endpoint: string;
  readonly region: string;
  /** The conditions that were sent. */
  readonly ifAbsent?: boolean;
  readonly ifVersion?: string;
  readonly rangeStart?: number;
}

export type S3Action = 's3:ListBucket' | 's3:GetObject' | 's3:PutObject' | 's3:DeleteObject';

/** Masks known secrets in a text. */
export type Scrub = (text: string) => string;

/**
 * Words an error of the SDK for a person. Of the original only its name and message are kept, with
 * secrets masked: S3's answer to a wrong signature repeats the signed headers, the session token
 * among them.
 */
export function s3Error(error: unknown, call: S3Call, scrub: Scrub): unknown {
  if (error instanceof SegctlError || isAbort(error)) {
    return error;
  }
  const failure = inContext(readFailure(error), call);
  const cause = scrubbedCause(error, scrub);
  return objectError(failure, call, cause) ?? storeError(failure, call, cause, scrub);
}

/** A bare 404 to a request that names no object, as HEAD on a bucket gets, is about the bucket. */
function inContext(failure: S3Failure, call: S3Call): S3Failure {
  return failure.kind === 'no-such-key' && call.key === undefined
    ? { ...failure, kind: 'no-such-bucket' }
    : failure;
}

function objectError(failure: S3Failure, call: S3Call, cause: Error): SegctlError | undefined {
  const { key, storeUrl } = call;
  if (key === undefined) {
    return undefined;
  }
  const wasConditional = call.ifVersion !== undefined;
  switch (failure.kind) {
    case 'no-such-key':
      return wasConditional && call.action === 's3:PutObject'
        ? objectChanged(storeUrl, key, call.ifVersion ?? '', cause)
        : objectMissing(storeUrl, key, cause);
    case 'precondition':
      return call.ifAbsent === true
        ? objectExists(storeUrl, key, cause)
        : objectChanged(storeUrl, key, call.ifVersion ?? '', cause);
    case 'range':
      return rangePastEnd(storeUrl, key, { start: call.rangeStart ?? 0 }, undefined);
    default:
      return undefined;
  }
}

interface Wording {
  readonly code: string;
  readonly exit?: ExitName;
  readonly message: string;
  readonly remedy: string;
}

function storeError(failure: S3Failure, call: S3Call, cause: Error, scrub: Scrub): SegctlError {
  const { code, message, remedy, exit } = wording(failure, call);
  const facts: Record<string, Fact> = { store: call.storeUrl };
  if (call.key !== undefined) {
    facts.key = call.key;
  }
  facts.action = call.action;
  facts.resource = resourceOf(call);
  facts.endpoint = call.endpoint;
  if (failure.status !== undefined) {
    facts.httpStatus = failure.status;
  }
  if (failure.code !== undefined) {
    // Without an answer it is the system's word, such as ECONNREFUSED.
    facts[failure.status === undefined ? 'reason' : 's3Code'] = scrub(failure.code);
  }
  if (failure.kind === 'wrong-region') {
    facts.configuredRegion = call.region;
    facts.bucketRegion = failure.region ?? null;
  }
  return new SegctlError(message, { code, facts, remedy, cause, ...(exit ? { exit } : {}) });
}

function wording(failure: S3Failure, call: S3Call): Wording {
  if (failure.kind === 'denied') {
    return denied(call);
  }
  if (failure.kind === 'wrong-region') {
    return {
      code: 'store-wrong-region',
      message: `the bucket ${call.bucket} is in another region`,
      remedy: `set S3_REGION (or AWS_REGION with --store) to ${failure.region ?? "the bucket's region"}`,
    };
  }
  return WORDINGS[failure.kind](call);
}

function denied(call: S3Call): Wording {
  const also =
    call.action === 's3:GetObject'
      ? ' (without s3:ListBucket on the bucket, S3 says the same of an object that is missing)'
      : '';
  return {
    code: 'store-denied',
    message: `the store does not allow ${call.action} here`,
    remedy: `allow ${call.action} on ${resourceOf(call)} for these credentials${also}; docs/stores.md has the smallest policy of each command`,
  };
}

type Worded = Exclude<FailureKind, 'denied' | 'wrong-region'>;

const WORDINGS: Readonly<Record<Worded, (call: S3Call) => Wording>> = {
  'no-such-bucket': (call) => ({
    code: 'store-no-such-bucket',
    message: `there is no bucket ${call.bucket}`,
    remedy: 'check S3_BUCKET or --store, S3_ENDPOINT, and that the account is the right one',
  }),
  'bad-credentials': () => ({
    code: 'store-bad-credentials',
    message: 'the store does not accept the credentials',
    remedy: 'check the access key and its secret (S3_ACCESS_KEY, S3_SECRET_KEY or the AWS profile)',
  }),
  'no-credentials': () => ({
    code: 'store-no-credentials',
    exit: 'usage',
    message: 'no credentials for the store were found',
    remedy: 'set S3_ACCESS_KEY and S3_SECRET_KEY, or give credentials in one of the AWS ways',
  }),
  'expired-token': () => ({
    code: 'store-expired-token',
    message: 'the session token has expired or is not valid',
    remedy:
      'get new temporary credentials (aws sso login, or a new S3_SESSION_TOKEN) and run again',
  }),
  'clock-skew': () => ({
    code: 'store-clock-skew',
    message: "this machine's clock and the store's are too far apart",
    remedy: 'set the clock right (timedatectl, chronyc tracking) and run again',
  }),
  timeout: (call) => ({
    code: 'store-timeout',
    message: 'the store did not answer in time',
    remedy: `check the network to ${call.endpoint}, then run the command again`,
  }),
  throttled: () => ({
    code: 'store-throttled',
    message: 'the store asked to slow down, and still did after several tries',
    remedy: 'run again later, or with a lower --concurrency',
  }),
  unreachable: (call) => ({
    code: 'store-unreachable',
    message: `the store can't be reached at ${call.endpoint}`,
    remedy: 'check S3_ENDPOINT (or AWS_ENDPOINT_URL_S3), the name, the port and the network',
  }),
  tls: (call) => ({
    code: 'store-tls',
    message: `no trusted connection to ${call.endpoint} could be made`,
    remedy:
      'check that the endpoint speaks https; for a private certificate authority set NODE_EXTRA_CA_CERTS to its file',
  }),
  'no-such-key': () => UNKNOWN,
  precondition: () => UNKNOWN,
  range: () => UNKNOWN,
  'server-error': () => ({
    code: 'store-failed',
    message: 'the store failed with an error of its own',
    remedy: "run the command again; if it stays so, look at the store's own log",
  }),
  other: () => UNKNOWN,
};

const UNKNOWN: Wording = {
  code: 'store-failed',
  message: 'the store refused the request',
  remedy: "see the facts above; the store's own log may tell more",
};

function resourceOf(call: S3Call): string {
  const bucket = `arn:aws:s3:::${call.bucket}`;
  return call.s3Key === undefined || call.action === 's3:ListBucket'
    ? bucket
    : `${bucket}/${call.s3Key}`;
}

function scrubbedCause(error: unknown, scrub: Scrub): Error {
  const name = error instanceof Error ? error.name : 'Error';
  const message = scrub(error instanceof Error ? error.message : String(error));
  const clean = new Error(message);
  clean.name = name;
  clean.stack = `${name}: ${message}`;
  return clean;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
