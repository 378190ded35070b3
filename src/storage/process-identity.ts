import { readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { hostname } from 'node:os';

/** Who a process is, told apart from all others, also after its number was given to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** The host's own id, `''` where the system has none. */
  readonly machineId: string;
  /** Changes with every boot; `''` where the system does not tell. */
  readonly bootId: string;
  /** Containers have their own numbering of processes. */
  readonly pidNamespace: string;
  /** Ticks from the boot to the process's start; `''` where the system does not tell. */
  readonly startTicks: string;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return {
    pid: process.pid,
    host: hostname(),
    machineId: await textOf('/etc/machine-id'),
    bootId: await textOf('/proc/sys/kernel/random/boot_id'),
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => ''),
    startTicks: (await statOf(process.pid))?.startTicks ?? '',
  };
}

/** `unknown` where nothing that can be seen from here tells. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/**
 * Whether a process lives. On the same kernel it is looked up by number and start time; a zombie is
 * dead. In another container of the same kernel, where numbers mean nothing, its socket is tried:
 * the kernel accepts for a process that is merely stopped or slow, and refuses for a dead one. A
 * host that was booted since has no process from before. Of another host nothing is known.
 */
export async function livenessOf(other: ProcessIdentity, socketPath: string): Promise<Liveness> {
  const own = await ownIdentity();
  const sameHost = other.host === own.host && other.machineId === own.machineId;
  if (own.bootId === '') return sameHost && !numberIsTaken(other.pid) ? 'dead' : 'unknown';
  if (other.bootId !== own.bootId) return sameHost ? 'dead' : 'unknown';
  if (other.pidNamespace !== own.pidNamespace) return await trySocket(socketPath);
  const found = await statOf(other.pid);
  if (found === undefined) return 'dead';
  const isSame = found.startTicks === other.startTicks && !'ZX'.includes(found.state);
  return isSame ? 'alive' : 'dead';
}

interface ProcessStat {
  readonly state: string;
  readonly startTicks: string;
}

/** proc_pid_stat(5): the state is field 3 and the start time field 22; field 2 may hold anything. */
async function statOf(pid: number): Promise<ProcessStat | undefined> {
  const text = await textOf(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

function numberIsTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

async function trySocket(path: string): Promise<Liveness> {
  return await new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (liveness: Liveness): void => {
      socket.destroy();
      resolve(liveness);
    };
    socket.on('connect', () => settle('alive'));
    socket.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      settle(code === 'ECONNREFUSED' ? 'dead' : code === 'EAGAIN' ? 'alive' : 'unknown');
    });
  });
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return '';
  }
}
