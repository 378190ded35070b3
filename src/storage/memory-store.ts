import { createHash } from 'node:crypto';
import { resolveRange } from './byte-range.ts';
import { canonicalKey, canonicalPrefix } from './canonical-key.ts';
import { streamedBody } from './object-body.ts';
import type {
  CallOptions,
  DeleteOutcome,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from './object-store.ts';
import { objectChanged, objectExists, objectMissing, rangePastEnd } from './store-errors.ts';

const CHUNK_BYTES = 64 * 1024;

export interface MemoryStoreOptions {
  /** Fold `/data/x` and `./data/x` to `data/x`, as MinIO does. Default: keys are literal, as on AWS. */
  readonly foldKeys?: boolean;
  /** Unix time in ms, for `lastModifiedMs`. Default: a counter, so that tests are repeatable. */
  readonly now?: () => number;
}

interface Held {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
}

/** An object store in memory, for tests and the demo: the same contract as the real ones. */
export class MemoryStore implements ObjectStore {
  readonly kind = 'memory';
  readonly url = 'memory:';
  private readonly objects = new Map<string, Held>();
  private readonly foldKeys: boolean;
  private readonly now: () => number;
  private puts = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.foldKeys = options.foldKeys ?? false;
    this.now = options.now ?? (() => this.puts);
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    options.signal?.throwIfAborted();
    const held = this.objects.get(this.place(key));
    return held === undefined ? undefined : { ...held.info, key };
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody> {
    options.signal?.throwIfAborted();
    const held = this.objects.get(this.place(key));
    if (held === undefined) {
      throw objectMissing(this.url, key);
    }
    if (options.ifVersion !== undefined && options.ifVersion !== held.info.version) {
      throw objectChanged(this.url, key, options.ifVersion);
    }
    const range = resolveRange(options.range, held.bytes.length);
    if (range === undefined) {
      throw rangePastEnd(this.url, key, options.range ?? { start: 0 }, held.bytes.length);
    }
    const bytes = held.bytes.subarray(range.start, range.end);
    const chunks = inChunks(bytes, options.signal);
    return streamedBody({ ...held.info, key }, chunks, async () => {});
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const wanted = this.foldKeys ? canonicalPrefix(prefix) : prefix;
    for (const [key, held] of [...this.objects]) {
      options.signal?.throwIfAborted();
      if (key.startsWith(wanted)) {
        yield held.info;
      }
    }
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    options.signal?.throwIfAborted();
    const present = this.objects.get(this.place(key));
    if (options.ifAbsent === true && present !== undefined) {
      throw objectExists(this.url, key);
    }
    if (options.ifVersion !== undefined && present?.info.version !== options.ifVersion) {
      throw objectChanged(this.url, key, options.ifVersion);
    }
    return this.hold(key, Uint8Array.from(body));
  }

  async copy(from: string, to: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const held = this.objects.get(this.place(from));
    if (held === undefined) {
      throw objectMissing(this.url, from);
    }
    this.hold(to, held.bytes);
  }

  async delete(key: string, options: CallOptions = {}): Promise<'deleted' | 'missing'> {
    options.signal?.throwIfAborted();
    return this.objects.delete(this.place(key)) ? 'deleted' : 'missing';
  }

  async *deleteMany(
    keys: Iterable<string>,
    options: CallOptions = {},
  ): AsyncGenerator<DeleteOutcome> {
    for (const key of keys) {
      yield { key, outcome: await this.delete(key, options) };
    }
  }

  async close(): Promise<void> {}

  private place(key: string): string {
    return this.foldKeys ? canonicalKey(key) : key;
  }

  private hold(key: string, bytes: Uint8Array): ObjectInfo {
    this.puts += 1;
    const info: ObjectInfo = {
      key: this.place(key),
      sizeBytes: bytes.length,
      lastModifiedMs: this.now(),
      // Equal bytes give an equal version, as S3's ETag does.
      version: createHash('md5').update(bytes).digest('hex'),
    };
    this.objects.set(info.key, { bytes, info });
    return { ...info, key };
  }
}

async function* inChunks(
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    signal?.throwIfAborted();
    yield bytes.slice(at, at + CHUNK_BYTES);
  }
}
