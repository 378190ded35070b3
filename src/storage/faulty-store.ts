import { SegctlError } from '../core/segctl-error.ts';
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
import { bodyCutShort } from './store-errors.ts';

export type StoreMethod = 'head' | 'get' | 'list' | 'put' | 'copy' | 'delete' | 'deleteMany';

/** What goes wrong, in terms of a key (the prefix for `list`). Absent: nothing does. */
export interface Faults {
  /** Thrown before the call is made; `undefined` lets it through. `failOnce`, `failAlways` make these. */
  readonly fail?: (method: StoreMethod, key: string) => Error | undefined;
  /** The body ends after so many bytes, as `body-cut-short`. */
  readonly cutBody?: (key: string) => number | undefined;
  /** The body ends after so many bytes and nobody notices: what a store without lengths would do. */
  readonly endBodyEarly?: (key: string) => number | undefined;
  /** The lowest bit of this byte of the body is the other one. */
  readonly flipBit?: (key: string) => number | undefined;
  /** Added to the size that `head`, `get` and `list` tell. */
  readonly wrongLength?: (key: string) => number | undefined;
  /** Waited for before each call: injected, so that slow needs no time. */
  readonly wait?: (method: StoreMethod, key: string) => Promise<void>;
  /** The outcome of a key in `deleteMany`; the object stays. */
  readonly failDelete?: (key: string) => Error | undefined;
  /** Keys that a listing leaves out. */
  readonly hideFromList?: (key: string) => boolean;
}

/** Another store, with faults. For tests: what must hold when a store does not do as it should. */
export class FaultyStore implements ObjectStore {
  readonly kind: ObjectStore['kind'];
  readonly url: string;
  /** Every call that was made, as `get /data/x`, in order. */
  readonly calls: string[] = [];
  private readonly inner: ObjectStore;
  private readonly faults: Faults;

  constructor(inner: ObjectStore, faults: Faults) {
    this.inner = inner;
    this.faults = faults;
    this.kind = inner.kind;
    this.url = inner.url;
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    await this.enter('head', key);
    const info = await this.inner.head(key, options);
    return info === undefined ? undefined : this.told(info);
  }

  async get(key: string, options?: GetOptions): Promise<ObjectBody> {
    await this.enter('get', key);
    const body = await this.inner.get(key, options);
    return streamedBody(this.told(body.info), this.damaged(key, body), () => body.destroy());
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    await this.enter('list', prefix);
    for await (const info of this.inner.list(prefix, options)) {
      if (this.faults.hideFromList?.(info.key) !== true) {
        yield this.told(info);
      }
    }
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectInfo> {
    await this.enter('put', key);
    return this.inner.put(key, body, options);
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<void> {
    await this.enter('copy', from);
    await this.inner.copy(from, to, options);
  }

  async delete(key: string, options?: CallOptions): Promise<'deleted' | 'missing'> {
    await this.enter('delete', key);
    return this.inner.delete(key, options);
  }

  async *deleteMany(keys: Iterable<string>, options?: CallOptions): AsyncGenerator<DeleteOutcome> {
    const allowed: string[] = [];
    for (const key of keys) {
      await this.enter('deleteMany', key);
      const error = this.faults.failDelete?.(key);
      if (error === undefined) {
        allowed.push(key);
      } else {
        yield { key, outcome: 'failed', error };
      }
    }
    yield* this.inner.deleteMany(allowed, options);
  }

  async close(): Promise<void> {
    await this.inner.close();
  }

  private async enter(method: StoreMethod, key: string): Promise<void> {
    this.calls.push(`${method} ${key}`);
    await this.faults.wait?.(method, key);
    const error = this.faults.fail?.(method, key);
    if (error !== undefined) {
      throw error;
    }
  }

  private told(info: ObjectInfo): ObjectInfo {
    const more = this.faults.wrongLength?.(info.key);
    return more === undefined ? info : { ...info, sizeBytes: info.sizeBytes + more };
  }

  private async *damaged(key: string, body: ObjectBody): AsyncGenerator<Uint8Array> {
    const cut = this.faults.cutBody?.(key);
    const end = cut ?? this.faults.endBodyEarly?.(key) ?? Number.POSITIVE_INFINITY;
    const flipped = this.faults.flipBit?.(key);
    let position = 0;
    for await (const chunk of body) {
      const kept = Uint8Array.from(chunk.subarray(0, Math.max(0, end - position)));
      if (flipped !== undefined && flipped >= position && flipped < position + kept.length) {
        kept[flipped - position] = (kept[flipped - position] ?? 0) ^ 1;
      }
      position += kept.length;
      if (kept.length > 0) {
        yield kept;
      }
      if (kept.length < chunk.length) {
        break;
      }
    }
    if (cut !== undefined) {
      throw bodyCutShort(this.url, key, body.info.sizeBytes, position);
    }
  }
}

/** Fails the first call of `method` on each key that `matches`, and lets later ones through. */
export function failOnce(
  method: StoreMethod,
  error: Error,
  matches: (key: string) => boolean = () => true,
): (method: StoreMethod, key: string) => Error | undefined {
  const failed = new Set<string>();
  return (called, key) => {
    if (called !== method || failed.has(key) || !matches(key)) {
      return undefined;
    }
    failed.add(key);
    return error;
  };
}

/** Fails every call of `method` on the keys that `matches`. */
export function failAlways(
  method: StoreMethod,
  error: Error,
  matches: (key: string) => boolean = () => true,
): (method: StoreMethod, key: string) => Error | undefined {
  return (called, key) => (called === method && matches(key) ? error : undefined);
}

/** What an adapter throws when a store kept asking to slow down. */
export function throttled(storeUrl: string): SegctlError {
  return new SegctlError('the store asked to slow down, and still did after several tries', {
    code: 'store-throttled',
    facts: { store: storeUrl },
    remedy: 'run again later, or with a lower --concurrency',
  });
}

/** What an adapter throws when an action isn't allowed. */
export function denied(storeUrl: string, action: string): SegctlError {
  return new SegctlError(`the store does not allow ${action} here`, {
    code: 'store-denied',
    facts: { store: storeUrl, action },
    remedy: `allow ${action} for these credentials`,
  });
}
