export type FailureKind =
  | 'no-such-bucket'
  | 'no-such-key'
  | 'precondition'
  | 'range'
  | 'denied'
  | 'bad-credentials'
  | 'no-credentials'
  | 'expired-token'
  | 'wrong-region'
  | 'clock-skew'
  | 'timeout'
  | 'throttled'
  | 'unreachable'
  | 'tls'
  | 'server-error'
  | 'other';

/** What can be told from an error of the SDK, its HTTP answer, or the socket below. */
export interface S3Failure {
  readonly kind: FailureKind;
  /** S3's own error code, or the system's (ECONNREFUSED). */
  readonly code?: string;
  readonly status?: number;
  /** For `wrong-region`: where the bucket is, when the store said so. */
  readonly region?: string;
}

/** S3's error codes (API reference, "List of error codes"), and those of stores that copy it. */
const KIND_OF_CODE: Readonly<Record<string, FailureKind>> = {
  NoSuchBucket: 'no-such-bucket',
  NoSuchKey: 'no-such-key',
  NotFound: 'no-such-key',
  PreconditionFailed: 'precondition',
  InvalidRange: 'range',
  AccessDenied: 'denied',
  AccessDeniedException: 'denied',
  AllAccessDisabled: 'denied',
  AccountProblem: 'denied',
  Forbidden: 'denied',
  InvalidAccessKeyId: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  NotSignedUp: 'bad-credentials',
  AuthFailure: 'bad-credentials',
  CredentialsProviderError: 'no-credentials',
  TokenProviderError: 'no-credentials',
  ExpiredToken: 'expired-token',
  ExpiredTokenException: 'expired-token',
  InvalidToken: 'expired-token',
  TokenRefreshRequired: 'expired-token',
  PermanentRedirect: 'wrong-region',
  TemporaryRedirect: 'wrong-region',
  Redirect: 'wrong-region',
  MovedPermanently: 'wrong-region',
  AuthorizationHeaderMalformed: 'wrong-region',
  RequestTimeTooSkewed: 'clock-skew',
  RequestExpired: 'clock-skew',
  TimeoutError: 'timeout',
  RequestTimeout: 'timeout',
  ETIMEDOUT: 'timeout',
  ESOCKETTIMEDOUT: 'timeout',
  SlowDown: 'throttled',
  ServiceUnavailable: 'throttled',
  ServiceUnavailableException: 'throttled',
  TooManyRequests: 'throttled',
  TooManyRequestsException: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  RequestLimitExceeded: 'throttled',
  RequestThrottled: 'throttled',
  BandwidthLimitExceeded: 'throttled',
  OperationAborted: 'server-error',
  ConditionalRequestConflict: 'server-error',
  InternalError: 'server-error',
  InternalServerError: 'server-error',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
};

const KIND_OF_STATUS: Readonly<Record<number, FailureKind>> = {
  301: 'wrong-region',
  307: 'wrong-region',
  403: 'denied',
  404: 'no-such-key',
  408: 'timeout',
  412: 'precondition',
  416: 'range',
  429: 'throttled',
  500: 'server-error',
  502: 'server-error',
  503: 'throttled',
  504: 'server-error',
};

export function readFailure(error: unknown): S3Failure {
  const code = codeOf(error);
  const status = statusOf(error);
  const kind = kindOf(error, code, status);
  const region = kind === 'wrong-region' ? regionOf(error) : undefined;
  return {
    kind,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    ...(region === undefined ? {} : { region }),
  };
}

/** Failures that pass: the request may be sent again as it is. */
export function isTransient(error: unknown): boolean {
  const { kind, code } = readFailure(error);
  if (kind === 'unreachable') {
    // A name that doesn't exist won't a second later.
    return code !== 'ENOTFOUND';
  }
  // After a clock-skew answer the SDK signs with the server's time, so one more try can succeed.
  return (
    kind === 'throttled' || kind === 'server-error' || kind === 'timeout' || kind === 'clock-skew'
  );
}

/** Failures by which the store says that it did not do what was asked, but might later. */
export function isThrottle(error: unknown): boolean {
  const { kind, code } = readFailure(error);
  return kind === 'throttled' || code === 'ConditionalRequestConflict';
}

function kindOf(error: unknown, code: string | undefined, status: number | undefined): FailureKind {
  const ofCode = code === undefined ? undefined : KIND_OF_CODE[code];
  if (ofCode !== undefined) {
    return ofCode;
  }
  if (
    code !== undefined &&
    /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)|EPROTO$/.test(code)
  ) {
    return 'tls';
  }
  if (error instanceof Error && /socket hang up|other side closed/i.test(error.message)) {
    return 'unreachable';
  }
  return (status === undefined ? undefined : KIND_OF_STATUS[status]) ?? 'other';
}

function codeOf(error: unknown): string | undefined {
  const own = stringField(error, 'code') ?? stringField(error, 'Code');
  if (own !== undefined) {
    return own;
  }
  const name = stringField(error, 'name');
  if (name !== undefined && name !== 'Error' && name !== 'Unknown' && !/^\d+$/.test(name)) {
    return name;
  }
  // Happy eyeballs: one connection error for each address of the name.
  const nested = error instanceof AggregateError ? error.errors[0] : field(error, 'cause');
  return nested === undefined ? undefined : codeOf(nested);
}

function statusOf(error: unknown): number | undefined {
  const status = field(field(error, '$metadata'), 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
}

function regionOf(error: unknown): string | undefined {
  const headers = field(field(error, '$response'), 'headers');
  return (
    stringField(headers, 'x-amz-bucket-region') ??
    stringField(error, 'Region') ??
    /expecting '([a-z0-9-]+)'/.exec(stringField(error, 'message') ?? '')?.[1]
  );
}

function stringField(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
