import type { IndexFilePort } from '../../src/storage/index-file-port.ts';
import type {
  CallOptions,
  DeleteOutcome,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from '../../src/storage/object-store.ts';
import type { StateFile, StateFsPort } from '../../src/storage/state-fs-port.ts';

/**
 * Called before each thing that changes the disk or the store, and between the halves of each write.
 * It may kill the process, or throw as the system would.
 */
export type Step = (name: string) => void;

/** Journals and lock, step by step. */
export function steppingStateFs(inner: StateFsPort, step: Step): StateFsPort {
  return {
    ...inner,
    async makeFolder(path) {
      step('state: make folder');
      await inner.makeFolder(path);
    },
    async create(path) {
      step('state: create');
      return steppingFile(await inner.create(path), step);
    },
    openWrite: async (path) => steppingFile(await inner.openWrite(path), step),
    async rename(from, to) {
      step('state: rename');
      await inner.rename(from, to);
    },
    async link(existing, name) {
      step('state: link');
      await inner.link(existing, name);
    },
    async unlink(path) {
      step('state: unlink');
      await inner.unlink(path);
    },
    async removeFolder(path) {
      step('state: remove folder');
      await inner.removeFolder(path);
    },
    async syncFolder(path) {
      step('state: sync folder');
      await inner.syncFolder(path);
    },
  };
}

function steppingFile(inner: StateFile, step: Step): StateFile {
  return {
    ...inner,
    async write(bytes, position) {
      step('state: write');
      const half = bytes.length >> 1;
      await inner.write(bytes.subarray(0, half), position);
      step('state: write, half done');
      await inner.write(bytes.subarray(half), position + half);
    },
    async truncate(sizeBytes) {
      step('state: truncate');
      await inner.truncate(sizeBytes);
    },
    async sync() {
      step('state: sync');
      await inner.sync();
    },
  };
}

/** The index file, step by step. */
export function steppingIndexPort(inner: IndexFilePort, step: Step): IndexFilePort {
  return {
    ...inner,
    async create(path) {
      step('index: create');
      const file = await inner.create(path);
      return {
        ...file,
        async write(bytes) {
          step('index: write');
          const half = bytes.length >> 1;
          await file.write(bytes.subarray(0, half));
          step('index: write, half done');
          await file.write(bytes.subarray(half));
        },
        async takeOver(facts) {
          step('index: take over');
          await file.takeOver(facts);
        },
        async sync() {
          step('index: sync');
          await file.sync();
        },
      };
    },
    async rename(from, to) {
      step('index: rename');
      await inner.rename(from, to);
    },
    async unlink(path) {
      step('index: unlink');
      await inner.unlink(path);
    },
    async syncFolderOf(path) {
      step('index: sync folder');
      await inner.syncFolderOf(path);
    },
  };
}

/** A store, step by step; deletions of several objects key by key where the store does so too. */
export class SteppingStore implements ObjectStore {
  readonly kind: ObjectStore['kind'];
  readonly url: string;
  readonly #inner: ObjectStore;
  readonly #step: Step;

  constructor(inner: ObjectStore, step: Step) {
    this.kind = inner.kind;
    this.url = inner.url;
    this.#inner = inner;
    this.#step = step;
  }

  async head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined> {
    this.#step('store: head');
    return await this.#inner.head(key, options);
  }

  async get(key: string, options?: GetOptions): Promise<ObjectBody> {
    this.#step('store: get');
    return await this.#inner.get(key, options);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    this.#step('store: list');
    yield* this.#inner.list(prefix, options);
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectInfo> {
    this.#step('store: put');
    return await this.#inner.put(key, body, options);
  }

  async copy(from: string, to: string, options?: CallOptions): Promise<void> {
    this.#step('store: copy');
    await this.#inner.copy(from, to, options);
    this.#step('store: copied');
  }

  async delete(key: string, options?: CallOptions): Promise<'deleted' | 'missing'> {
    this.#step('store: delete');
    return await this.#inner.delete(key, options);
  }

  async *deleteMany(keys: Iterable<string>, options?: CallOptions): AsyncGenerator<DeleteOutcome> {
    if (this.kind === 's3') {
      this.#step('store: delete many');
      for await (const outcome of this.#inner.deleteMany(keys, options)) {
        this.#step('store: outcome of delete many');
        yield outcome;
      }
      return;
    }
    for (const key of keys) {
      this.#step('store: delete one of many');
      yield* this.#inner.deleteMany([key], options);
    }
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }
}
