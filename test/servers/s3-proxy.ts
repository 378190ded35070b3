import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

/** One request as it stood on the wire. */
export interface WireCall {
  readonly method: string;
  /** Path and query, not decoded. */
  readonly target: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The IAM actions that it needs, e.g. `s3:GetObject`; a copy needs two. */
  readonly actions: readonly string[];
}

/** What happens to a request instead of, or besides, being forwarded. */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
    }
  /** The connection is closed without an answer. */
  | { readonly kind: 'reset' }
  /** No answer ever comes. */
  | { readonly kind: 'silence' }
  /** The true answer, of whose body only the first `bytes` bytes arrive before the connection ends. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** The same, but the connection stays open and nothing more comes. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** The true answer, its body changed. */
  | { readonly kind: 'rewrite'; readonly body: (body: string) => string }
  /** Of a DeleteObjects request, the keys with an error code stay, and the answer names them. */
  | { readonly kind: 'delete-errors'; readonly codeOf: (key: string) => string | undefined };

export interface ProxyOptions {
  /** The real server. Without one, every request must meet a fault. */
  readonly target?: string;
  /** Waited before a request is forwarded. */
  readonly latencyMs?: number;
  readonly fault?: (call: WireCall, count: number) => Fault | undefined;
  /** Answers in place of a server, by what the request's body says. */
  readonly answer?: (call: WireCall, body: string) => Answer | Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

export interface S3Proxy {
  /** To be used as S3_ENDPOINT. Signatures stay right: the Host header goes through as it is. */
  readonly endpoint: string;
  readonly calls: readonly WireCall[];
  /** The distinct IAM actions of all calls so far, sorted. */
  actions(): string[];
  forget(): void;
  stop(): Promise<void>;
}

/**
 * A loopback proxy before an S3 server: records what is asked (so that a test can prove which
 * permissions a command uses), adds latency, and does what real servers can't be brought to do.
 */
export async function startS3Proxy(options: ProxyOptions): Promise<S3Proxy> {
  const calls: WireCall[] = [];
  const server = createServer((incoming, outgoing) => {
    const call = wireCall(incoming);
    calls.push(call);
    const fault = options.fault?.(call, calls.length);
    const serve = (): void => {
      if (options.answer === undefined || fault !== undefined) {
        handle(incoming, outgoing, options.target, fault);
      } else {
        void whole(incoming).then(async (body) => {
          const answer = await options.answer?.(call, body.toString());
          outgoing.writeHead(answer?.status ?? 500, answer?.headers);
          outgoing.end(answer?.body ?? '');
        });
      }
    };
    if (options.latencyMs === undefined) {
      serve();
    } else {
      setTimeout(serve, options.latencyMs);
    }
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('the proxy has no port');
  }
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    calls,
    actions: () => [...new Set(calls.flatMap((call) => call.actions))].sort(),
    forget: () => {
      calls.length = 0;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string | undefined,
  fault: Fault | undefined,
): void {
  switch (fault?.kind) {
    case 'reset':
      incoming.socket.destroy();
      return;
    case 'silence':
      incoming.resume();
      return;
    case 'answer':
      incoming.resume().on('end', () => {
        outgoing.writeHead(fault.status, fault.headers);
        outgoing.end(fault.body ?? '');
      });
      return;
    case 'delete-errors':
      void forwardSome(incoming, outgoing, target, fault.codeOf);
      return;
    default:
      forward(incoming, outgoing, target, fault);
  }
}

/** Only for servers that check no signature: the request's body is another one then. */
async function forwardSome(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string | undefined,
  codeOf: (key: string) => string | undefined,
): Promise<void> {
  const asked = (await whole(incoming)).toString();
  const errors: string[] = [];
  const rest = asked.replace(/<Object>.*?<Key>([^<]*)<\/Key>.*?<\/Object>/gs, (object, key) => {
    const code = codeOf(key);
    if (code === undefined) return object;
    errors.push(
      `<Error><Key>${key}</Key><Code>${code}</Code><Message>by the test</Message></Error>`,
    );
    return '';
  });
  const { authorization = '' } = incoming.headers;
  const answer = rest.includes('<Key>')
    ? await (
        await fetch(`${target}${incoming.url}`, {
          method: 'POST',
          headers: { authorization },
          body: rest,
        })
      ).text()
    : '<DeleteResult></DeleteResult>';
  outgoing.writeHead(200, { 'content-type': 'application/xml' });
  outgoing.end(answer.replace('</DeleteResult>', `${errors.join('')}</DeleteResult>`));
}

function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string | undefined,
  fault: Extract<Fault, { kind: 'cut' | 'stall' | 'rewrite' }> | undefined,
): void {
  if (target === undefined) {
    throw new Error(`no fault for ${incoming.method} ${incoming.url}`);
  }
  const { hostname, port } = new URL(target);
  const forwarded: ClientRequest = httpRequest({
    hostname,
    port,
    method: incoming.method,
    path: incoming.url,
    headers: incoming.headers,
  });
  forwarded.on('error', () => outgoing.destroy());
  forwarded.on('response', (answer) => {
    if (fault === undefined) {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      return;
    }
    void whole(answer).then((body) => {
      if (fault.kind !== 'rewrite') {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.write(body.subarray(0, fault.bytes), () => {
          if (fault.kind === 'cut') {
            outgoing.destroy();
          }
        });
        return;
      }
      const changed = Buffer.from(fault.body(body.toString()));
      const { 'transfer-encoding': _, ...headers } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, {
        ...headers,
        'content-length': String(changed.length),
      });
      outgoing.end(changed);
    });
  });
  incoming.pipe(forwarded);
}

async function whole(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function wireCall(incoming: IncomingMessage): WireCall {
  const { method = '', url: target = '', headers } = incoming;
  return {
    method,
    target,
    host: headers.host ?? '',
    headers,
    actions: actionsOf(method, target, headers['x-amz-copy-source'] !== undefined),
  };
}

/** The IAM actions of a path-style request (S3 API reference, "Actions defined by Amazon S3"). */
function actionsOf(method: string, target: string, isCopy: boolean): string[] {
  const [path = '', query = ''] = target.split('?');
  const isBucket = /^\/[^/]+\/?$/.test(path);
  if (method === 'GET' || method === 'HEAD') {
    return [isBucket ? 's3:ListBucket' : 's3:GetObject'];
  }
  if (method === 'DELETE' || (method === 'POST' && /(^|&)delete\b/.test(query))) {
    return ['s3:DeleteObject'];
  }
  if (method === 'PUT') {
    return isCopy ? ['s3:GetObject', 's3:PutObject'] : ['s3:PutObject'];
  }
  return [`unknown: ${method} ${target}`];
}
