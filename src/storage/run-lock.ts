import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SegctlError } from '../core/segctl-error.ts';
import { errnoOf } from './index-file-port.ts';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { nodeStateFsPort, type StateFsPort } from './state-fs-port.ts';

const LOCK_FILE = /^lock\.(\d{1,15})$/;
const TEMP_PREFIX = 'lock-tmp-';
const SOCKET_PREFIX = 'lock-sock-';
/** sun_path of unix(7) takes 108 bytes with its NUL; macOS has 104. */
const MAX_SOCKET_PATH = 100;
const FIRST_POLL_MS = 50;
const MAX_POLL_MS = 1000;

export interface LockHolder extends ProcessIdentity {
  readonly command: string;
  readonly sinceMs: number;
  /** Name of its socket in the state folder, '' where there is none. */
  readonly socket: string;
}

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

interface LockState {
  readonly number: number;
  /** Undefined for a file that can't be read as a holder's. */
  readonly holder: LockHolder | 'free' | undefined;
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
    if (liveness === 'alive') return 'alive';
    return liveness === 'dead' || this.#options.breakUnknown ? 'takeable' : 'unknown';
  }

  /** False where another one was faster. */
  async #take(number: number, socketName: string): Promise<boolean> {
    const holder: LockHolder = {
      ...(await ownIdentity()),
      command: this.#options.command,
      sinceMs: this.#options.now(),
      socket: socketName,
    };
    const place = join(this.#folder, lockName(number));
    const temp = await this.#writeTemp(JSON.stringify(holder));
    try {
      await this.#port.link(temp, place);
    } catch (error) {
      // EEXIST: it is taken. ENOENT: the holder has cleared away our temp file with the others.
      if (['EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '')) return false;
      throw error;
    } finally {
      await this.#unlink(temp);
    }
    const numbers = await lockNumbers(this.#folder);
    if (numbers.some((other) => other > number)) {
      await this.#unlink(place);
      return false;
    }
    await this.#clearAway(number, socketName);
    return true;
  }

  async #clearAway(number: number, socketName: string): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const other = LOCK_FILE.exec(name)?.[1];
      const isOlder = other !== undefined && Number(other) < number;
      const isTemp = name.startsWith(TEMP_PREFIX);
      if (isOlder || isTemp) await this.#unlink(join(this.#folder, name));
      // Sockets of waiting runs are in use; one that refuses belonged to a dead process.
      if (name.startsWith(SOCKET_PREFIX) && name !== socketName) await this.#unlinkDead(name);
    }
  }

  async #unlinkDead(name: string): Promise<void> {
    const { connect } = await import('node:net');
    const refused = await new Promise<boolean>((resolve) => {
      const socket = connect({ path: socketPath(this.#folder, name) });
      socket.on('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.on('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
    });
    if (refused) await this.#unlink(join(this.#folder, name));
  }

  async #release(number: number, socket: HeldSocket | undefined): Promise<void> {
    const temp = await this.#writeTemp('{"free":true}');
    await this.#port.rename(temp, join(this.#folder, lockName(number)));
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

function lockName(number: number): string {
  return `lock.${number}`;
}

async function lockNumbers(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const digits = LOCK_FILE.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
}

async function readLock(folder: string): Promise<LockState | undefined> {
  for (;;) {
    const numbers = await lockNumbers(folder);
    if (numbers.length === 0) return undefined;
    const number = Math.max(...numbers);
    try {
      const text = await readFile(join(folder, lockName(number)), 'utf8');
      return { number, holder: parseHolder(text) };
    } catch (error) {
      // A larger one has come, and this one was cleared away: look again.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

function parseHolder(text: string): LockState['holder'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if ('free' in value && value.free === true) return 'free';
  const fields = new Map<string, unknown>(Object.entries(value));
  const text_ = (name: string): string => {
    const field = fields.get(name);
    return typeof field === 'string' ? field : '';
  };
  const whole = (name: string): number => {
    const field = fields.get(name);
    return typeof field === 'number' && Number.isSafeInteger(field) ? field : 0;
  };
  if (whole('pid') <= 0 || text_('host') === '') return undefined;
  return {
    pid: whole('pid'),
    host: text_('host'),
    machineId: text_('machineId'),
    bootId: text_('bootId'),
    pidNamespace: text_('pidNamespace'),
    startTicks: text_('startTicks'),
    command: text_('command'),
    sinceMs: whole('sinceMs'),
    socket: text_('socket'),
  };
}

interface HeldSocket {
  readonly name: string;
  readonly server: Server;
}

/** Undefined where this file system has no sockets; then other containers can't tell that we live. */
async function openSocket(folder: string, name: string): Promise<HeldSocket | undefined> {
  await mkdir(folder, { recursive: true });
  return await new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', () => resolve(undefined));
    server.listen({ path: socketPath(folder, name) }, () => resolve({ name, server }));
    server.unref();
  });
}

/** A path that fits into a socket's address: relative where the absolute one is too long. */
function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  const short = relative(process.cwd(), path);
  return Buffer.byteLength(short) <= MAX_SOCKET_PATH ? short : path;
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
