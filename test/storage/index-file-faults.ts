import { type IndexFilePort, nodeIndexFilePort } from '../../src/storage/index-file-port.ts';

/** A step of a save, in the order in which a run takes them. */
export type Step =
  | 'list'
  | 'openRead'
  | 'read'
  | 'create'
  | 'write'
  | 'takeOver'
  | 'sync'
  | 'close'
  | 'stat'
  | 'rename'
  | 'syncFolder'
  | 'unlink';

/** Called before each step; what it throws is what the step fails with. */
export type OnStep = (step: Step, nth: number) => void | Promise<void>;

/** The real file system with a say before every step. */
export function steppedPort(onStep: OnStep): IndexFilePort {
  let count = 0;
  const step = async (name: Step) => await onStep(name, count++);
  const real = nodeIndexFilePort;
  return {
    resolve: real.resolve,
    async list(folder) {
      await step('list');
      return await real.list(folder);
    },
    async openRead(path) {
      await step('openRead');
      const handle = await real.openRead(path);
      return {
        facts: () => handle.facts(),
        async read(into, position) {
          await step('read');
          return await handle.read(into, position);
        },
        close: () => handle.close(),
      };
    },
    async create(path) {
      await step('create');
      const handle = await real.create(path);
      return {
        async write(bytes) {
          await step('write');
          await handle.write(bytes);
        },
        async takeOver(facts) {
          await step('takeOver');
          await handle.takeOver(facts);
        },
        async sync() {
          await step('sync');
          await handle.sync();
        },
        async close() {
          await handle.close();
          await step('close');
        },
      };
    },
    async stat(path) {
      await step('stat');
      return await real.stat(path);
    },
    async rename(from, to) {
      await step('rename');
      await real.rename(from, to);
    },
    async unlink(path) {
      await step('unlink');
      await real.unlink(path);
    },
    async syncFolderOf(path) {
      await step('syncFolder');
      await real.syncFolderOf(path);
    },
  };
}

/** A system error as node throws it. */
export function systemError(errno: string): Error {
  return Object.assign(new Error(`${errno}: made by a test`), { code: errno });
}
