import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './index-file-port.ts';
import type { ProcessIdentity } from './process-identity.ts';

const LOCK_FILE = /^lock\.(\d{1,15})$/;

/** Who holds the lock, as the lock's file says. */
export interface LockHolder extends ProcessIdentity {
  readonly command: string;
  readonly sinceMs: number;
  /** Names this one holding of the lock. */
  readonly token: string;
  /** Name of its socket in the state folder, '' where there is none. */
  readonly socket: string;
}

export interface LockState {
  readonly number: number;
  /** Undefined for a file that can't be read as a holder's. */
  readonly holder: LockHolder | 'free' | undefined;
}

export function lockName(number: number): string {
  return `lock.${number}`;
}

export async function lockNumbers(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const number = lockNumber(name);
    return number === undefined ? [] : [number];
  });
}

/** The file with the largest number, undefined where there is none. */
export async function readLock(folder: string): Promise<LockState | undefined> {
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
  // The way in which a holder gives it back: it needs no space on a full disk.
  if (text === '') return 'free';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const textOf = (name: string): string => {
    const field = fields.get(name);
    return typeof field === 'string' ? field : '';
  };
  const whole = (name: string): number => {
    const field = fields.get(name);
    return typeof field === 'number' && Number.isSafeInteger(field) ? field : 0;
  };
  if (whole('pid') <= 0 || textOf('host') === '') return undefined;
  return {
    pid: whole('pid'),
    host: textOf('host'),
    machineId: textOf('machineId'),
    bootId: textOf('bootId'),
    pidNamespace: textOf('pidNamespace'),
    startTicks: textOf('startTicks'),
    command: textOf('command'),
    sinceMs: whole('sinceMs'),
    token: textOf('token'),
    socket: textOf('socket'),
  };
}

/** The number in a lock file's name, undefined for other files. */
export function lockNumber(name: string): number | undefined {
  const digits = LOCK_FILE.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
