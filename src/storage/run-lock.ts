import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SegctlError } from '../core/segctl-error.ts';
import { errnoOf } from './index-file-port.ts';
import { type LockHolder, lockName, lockNumber, lockNumbers, readLock } from './lock-file.ts';
import { type HeldSocket, isRefused, openSocket, socketPath } from './lock-socket.ts';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { nodeStateFsPort, type StateFsPort } from './state-fs-port.ts';

const TEMP_PREFIX = 'lock-tmp-';
const SOCKET_PREFIX = 'lock-sock-';
const FIRST_POLL_MS = 50;
const MAX_POLL_MS = 1000;

/**
 * The holdings of this process. A lock's file that names this process and none of them was not given
 * back properly, as the disk failed at that moment: it is free.
 */
const heldHere = new Set<string>();

export interface LockOptions {
  /** How to name ourselves to those that find us there, e.g. `compact`. */
  readonly command: string;
  /** How long to wait for another run's end; 0 does not wait. */
  readonly waitMs: number;
  /** Take the lock from a holder of which nothing is known. Never from one that is seen to live. */
  readonly breakUnknown: boolean;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Told once, when it has to wait. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  readonly port?: StateFsPort;
}

export interface RunLock {
  /** The dead holder that the lock was taken over from. */
  readonly tookOver: LockHolder | undefined;
  release(): Promise<void>;
}

/**
 * The lock of a data dir: at most one run at a time. Throws `locked` (exit 6) with the holder.
 *
 * It is the file `{data_dir}/.segctl/lock.N` with the largest N, whose content names the holder, or
 * nobody. To take it is to create `lock.N+1` under its name, by a link of a finished file, so that
 * of all who try one succeeds and nobody ever sees a half-written one; the one who did then removes
 * the older files. The largest is never removed, so a slow taker, who looked long ago, either finds
 * its number taken, or sees a larger one afterwards and gives way. Thus a dead holder's lock is taken
 * over by exactly one, without the moment in which a taker removes the lock of another taker.
 */
export async function acquireRunLock(dataDir: string, options: LockOptions): Promise<RunLock> {
  const folder = join(dataDir, '.segctl');
  await assertDataDir(dataDir);
  try {
    await (options.port ?? nodeStateFsPort).makeFolder(folder);
    const attempt = new LockAttempt(folder, options);
    return await attempt.acquire();
  } catch (error) {
    throw told(folder, error);
  }
}

/** Who holds the lock now, undefined for nobody. Takes nothing and creates nothing. */
export async function lockHolder(dataDir: string): Promise<LockHolder | undefined> {
  const folder = join(dataDir, '.segctl');
  const state = await readLock(folder);
  return state?.holder === undefined || state.holder === 'free' ? undefined : state.holder;
}

class LockAttempt {
  readonly #folder: string;
  readonly #options: LockOptions;
  readonly #port: StateFsPort;
  readonly #token = randomBytes(8).toString('hex');

  constructor(folder: string, options: LockOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#port = options.port ?? nodeStateFsPort;
  }

  async acquire(): Promise<RunLock> {
    const { signal, waitMs, now, onWait } = this.#options;
    const deadlineMs = now() + waitMs;
    const socket = await openSocket(this.#folder, `${SOCKET_PREFIX}${this.#token}`);
    let pollMs = FIRST_POLL_MS;
    let toldWait = false;
    try {
      for (;;) {
        signal.throwIfAborted();
        const outcome = await this.#try(socket?.name ?? '');
        if (outcome.taken) {
          return { tookOver: outcome.from, release: () => this.#release(outcome.number, socket) };
        }
        if (outcome.raced) continue;
        const leftMs = deadlineMs - now();
        if (leftMs <= 0) throw locked(this.#folder, outcome.holder, outcome.known, waitMs);
        if (!toldWait) onWait?.(outcome.holder);
        toldWait = true;
        await wait(Math.min(pollMs, leftMs), undefined, { signal });
        pollMs = Math.min(MAX_POLL_MS, pollMs * 2);
      }
    } catch (error) {
      await this.#closeSocket(socket);
      throw error;
    }
  }

  async #try(socketName: string): Promise<Outcome> {
    const state = await readLock(this.#folder);
    let from: LockHolder | undefined;
    if (state !== undefined && state.holder !== 'free') {
      const judged = await this.#judge(state.holder);
      if (judged !== 'takeable') {
        return { taken: false, raced: false, holder: state.holder, known: judged === 'alive' };
      }
      from = state.holder;
    }
    const number = (state?.number ?? 0) + 1;
    const taken = await this.#take(number, socketName);
    if (!taken) return RACED;
    return { taken: true, number, from };
  }

  async #judge(holder: LockHolder | undefined): Promise<'alive' | 'unknown' | 'takeable'> {
    const liveness =
      holder === undefined
        ? 'unknown'
        : await livenessOf(holder, socketPath(this.#folder, holder.socket));
    if (liveness === 'alive') {
      const isOurs = holder !== undefined && (await isThisProcess(holder));
      return isOurs && !heldHere.has(holder.token) ? 'takeable' : 'alive';
    }
    return liveness === 'dead' || this.#options.breakUnknown ? 'takeable' : 'unknown';
  }

  /** False where another one was faster. */
  async #take(number: number, socketName: string): Promise<boolean> {
    const holder: LockHolder = {
      ...(await ownIdentity()),
      command: this.#options.command,
      sinceMs: this.#options.now(),
      token: this.#token,
      socket: socketName,
    };
    const place = join(this.#folder, lockName(number));
    const temp = await this.#writeTemp(JSON.stringify(holder));
    heldHere.add(this.#token);
    try {
      await this.#port.link(temp, place);
    } catch (error) {
      heldHere.delete(this.#token);
      // EEXIST: it is taken. ENOENT: the holder has cleared away our temp file with the others.
      if (['EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) return false;
      throw error;
    } finally {
      await this.#unlink(temp);
    }
    const numbers = await lockNumbers(this.#folder);
    if (numbers.some((other) => other > number)) {
      heldHere.delete(this.#token);
      await this.#unlink(place);
      return false;
    }
    await this.#clearAway(number, socketName);
    return true;
  }

  async #clearAway(number: number, socketName: string): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const isOlder = (lockNumber(name) ?? number) < number;
      const isTemp = name.startsWith(TEMP_PREFIX);
      if (isOlder || isTemp) await this.#unlink(join(this.#folder, name));
      // Sockets of waiting runs are in use; one that refuses belonged to a dead process.
      if (name.startsWith(SOCKET_PREFIX) && name !== socketName) {
        const path = join(this.#folder, name);
        if (await isRefused(socketPath(this.#folder, name))) await this.#unlink(path);
      }
    }
  }

  /** Never fails: what can't be given back now is free as soon as we are gone. */
  async #release(number: number, socket: HeldSocket | undefined): Promise<void> {
    heldHere.delete(this.#token);
    try {
      const file = await this.#port.openWrite(join(this.#folder, lockName(number)));
      try {
        await file.truncate(0);
      } finally {
        await file.close();
      }
    } catch {
      // The work is done and told; a lock that is left behind is taken over like a dead one's.
    }
    await this.#closeSocket(socket);
  }

  async #writeTemp(text: string): Promise<string> {
    const temp = join(this.#folder, `${TEMP_PREFIX}${randomBytes(8).toString('hex')}`);
    const file = await this.#port.create(temp);
    try {
      await file.write(Buffer.from(`${text}\n`, 'utf8'), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    return temp;
  }

  async #closeSocket(socket: HeldSocket | undefined): Promise<void> {
    if (socket === undefined) return;
    socket.server.close();
    await this.#unlink(join(this.#folder, socket.name));
  }

  async #unlink(path: string): Promise<void> {
    await this.#port.unlink(path).catch(() => undefined);
  }
}

type Outcome =
  | { readonly taken: true; readonly number: number; readonly from: LockHolder | undefined }
  | {
      readonly taken: false;
      readonly raced: boolean;
      readonly holder: LockHolder | undefined;
      /** Whether the holder is seen to live. */
      readonly known: boolean;
    };

const RACED: Outcome = { taken: false, raced: true, holder: undefined, known: false };

async function isThisProcess(other: ProcessIdentity): Promise<boolean> {
  const own = await ownIdentity();
  return (
    own.pid === other.pid &&
    own.startTicks === other.startTicks &&
    own.bootId === other.bootId &&
    own.pidNamespace === other.pidNamespace &&
    own.host === other.host
  );
}

/** A mistyped folder must not come into being by being locked. */
async function assertDataDir(dataDir: string): Promise<void> {
  const found = await stat(dataDir).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw told(dataDir, error);
  });
  if (found?.isDirectory() === true) return;
  throw new SegctlError(`there is no data dir ${dataDir}`, {
    code: 'data-dir-not-found',
    exit: 'usage',
    facts: { dataDir },
    remedy: "name the Chronik server's data folder with --data-dir or CHRONIK_DATA_DIR",
  });
}

function locked(
  folder: string,
  holder: LockHolder | undefined,
  known: boolean,
  waitMs: number,
): SegctlError {
  const who =
    holder === undefined
      ? 'somebody who left no readable name'
      : `${holder.command} (pid ${holder.pid} on ${holder.host})`;
  const since = holder === undefined ? null : new Date(holder.sinceMs).toISOString();
  return new SegctlError(`another run is at work on this data dir: ${who}`, {
    code: 'locked',
    exit: 'locked',
    facts: {
      folder,
      command: holder?.command ?? null,
      pid: holder?.pid ?? null,
      host: holder?.host ?? null,
      since,
      alive: known ? 'yes' : 'cannot be told from here',
      waitedMs: waitMs,
    },
    remedy: known
      ? 'let it finish, or wait for it with --lock-wait 10m'
      : 'if you know that it does not run any more, take the lock from it with --break-lock',
  });
}

function told(folder: string, cause: unknown): unknown {
  const errno = errnoOf(cause);
  if (cause instanceof SegctlError || errno === undefined || !/^E[A-Z]+$/.test(errno)) return cause;
  const denied = ['EACCES', 'EPERM', 'EROFS'].includes(errno);
  return new SegctlError(`can't write the lock in ${folder} (${errno})`, {
    code: 'lock-failed',
    facts: { folder, errno },
    remedy: denied
      ? 'run segctl as the user that owns the data dir, or give this user access'
      : 'check the disk of the data dir, then run the command again',
    cause,
  });
}
