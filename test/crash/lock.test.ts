import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ownIdentity } from '../../src/storage/process-identity.ts';
import { acquireRunLock, type LockOptions, lockHolder } from '../../src/storage/run-lock.ts';
import { compileChild, OUT, removeChild } from './child-process.ts';

let dataDir = '';
const children: ChildProcessWithoutNullStreams[] = [];

beforeAll(async () => {
  await compileChild();
});

afterAll(removeChild);

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'segctl-lock-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it said first: `held PID-OF-DEAD-HOLDER` or `refused FACTS`. */
  readonly said: Promise<string>;
}

function startChild(waitMs = 0): Child {
  const program = join(OUT, 'test/crash/lock-child.js');
  const child = spawn(process.execPath, [program, dataDir, String(waitMs)]);
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  return { process: child, said: once(lines, 'line').then(([line]) => String(line)) };
}

async function kill(child: ChildProcessWithoutNullStreams): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function options(overrides: Partial<LockOptions> = {}): LockOptions {
  return {
    command: 'test',
    waitMs: 0,
    breakUnknown: false,
    signal: new AbortController().signal,
    now: Date.now,
    ...overrides,
  };
}

async function plant(overrides: object): Promise<void> {
  const holder = {
    ...(await ownIdentity()),
    command: 'planted',
    sinceMs: 1,
    token: 't',
    socket: '',
  };
  await mkdir(join(dataDir, '.segctl'), { recursive: true });
  await writeFile(join(dataDir, '.segctl/lock.7'), JSON.stringify({ ...holder, ...overrides }));
}

describe('the run lock', () => {
  it('is held by one, and refuses the other with the name of the holder', async () => {
    const first = startChild();
    expect(await first.said).toBe('held 0');
    await expect(acquireRunLock(dataDir, options())).rejects.toMatchObject({
      code: 'locked',
      exitCode: 6,
      facts: { pid: first.process.pid, host: hostname(), command: 'lock test' },
    });
    expect(await lockHolder(dataDir)).toMatchObject({ pid: first.process.pid });
    first.process.stdin.write('go\n');
    await once(first.process, 'exit');
    await (await acquireRunLock(dataDir, options())).release();
    expect(await lockHolder(dataDir)).toBeUndefined();
  });

  it('is not taken from a stopped process, whatever the time', async () => {
    const first = startChild();
    await first.said;
    first.process.kill('SIGSTOP');
    const late = options({ now: () => Date.now() + 1e12, breakUnknown: true });
    await expect(acquireRunLock(dataDir, late)).rejects.toMatchObject({ code: 'locked' });
    first.process.kill('SIGCONT');
    first.process.stdin.write('go\n');
    await once(first.process, 'exit');
  });

  it('is taken over from a dead one', async () => {
    const first = startChild();
    await first.said;
    await kill(first.process);
    const lock = await acquireRunLock(dataDir, options());
    expect(lock.tookOver).toMatchObject({ pid: first.process.pid, command: 'lock test' });
    await lock.release();
    const left = (await readdir(join(dataDir, '.segctl'))).filter((name) => name !== 'lock.2');
    expect(left).toEqual([]);
  });

  it('is waited for', async () => {
    const first = startChild();
    await first.said;
    const second = startChild(60_000);
    first.process.stdin.write('go\n');
    expect(await second.said).toBe('held 0');
  });

  it('is given to exactly one of many that find a dead holder at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const dead = startChild(60_000);
      await dead.said;
      await kill(dead.process);
      const rivals = Array.from({ length: 6 }, () => startChild());
      const said = await Promise.all(rivals.map((one) => one.said));
      expect(said.filter((line) => line.startsWith('held'))).toEqual([`held ${dead.process.pid}`]);
      const winner = rivals[said.findIndex((line) => line.startsWith('held'))];
      winner?.process.stdin.write('go\n');
      if (winner !== undefined) await once(winner.process, 'exit');
    }
  });

  it('is never held twice by tasks that take and give it back as fast as they can', async () => {
    let holders = 0;
    let times = 0;
    const task = async (): Promise<void> => {
      for (let i = 0; i < 8; i++) {
        const lock = await acquireRunLock(dataDir, options({ waitMs: 60_000 }));
        expect(++holders).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        holders--;
        times++;
        await lock.release();
      }
    };
    await Promise.all([task(), task(), task(), task()]);
    expect(times).toBe(32);
  });

  it('is taken over when its process number belongs to another process now', async () => {
    await plant({ pid: process.ppid, startTicks: '1' });
    const lock = await acquireRunLock(dataDir, options());
    expect(lock.tookOver?.command).toBe('planted');
    await lock.release();
  });

  it('is taken over after a boot of the same host', async () => {
    await plant({ bootId: 'an earlier boot' });
    await (await acquireRunLock(dataDir, options())).release();
  });

  it('is never taken from another host, unless told to', async () => {
    await plant({ host: 'elsewhere', bootId: 'its boot' });
    await expect(acquireRunLock(dataDir, options())).rejects.toMatchObject({
      code: 'locked',
      facts: { alive: 'cannot be told from here', host: 'elsewhere' },
      remedy: expect.stringContaining('--break-lock'),
    });
    await (await acquireRunLock(dataDir, options({ breakUnknown: true }))).release();
  });

  it('asks the socket of a process in another container of the same kernel', async () => {
    const first = startChild();
    await first.said;
    const folder = join(dataDir, '.segctl');
    const path = join(folder, 'lock.1');
    const holder: object = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...holder, pidNamespace: 'pid:[1]', host: 'pod-a' }));
    const breaking = options({ breakUnknown: true });
    await expect(acquireRunLock(dataDir, breaking)).rejects.toMatchObject({ code: 'locked' });
    await kill(first.process);
    const lock = await acquireRunLock(dataDir, options());
    expect(lock.tookOver?.host).toBe('pod-a');
    await lock.release();
  });

  it('is not taken from a file that nobody can read, unless told to', async () => {
    await mkdir(join(dataDir, '.segctl'));
    await writeFile(join(dataDir, '.segctl/lock.1'), '{"pid":');
    await expect(acquireRunLock(dataDir, options())).rejects.toMatchObject({ code: 'locked' });
    await (await acquireRunLock(dataDir, options({ breakUnknown: true }))).release();
  });
});
