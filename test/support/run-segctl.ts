import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/segctl.js', import.meta.url));

/** The Node that runs the built binary: CI repeats these tests on newer lines of Node. */
const NODE = process.env.SEGCTL_TEST_NODE ?? process.execPath;

export interface RunResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** Variables that would make a test depend on who runs it. */
const FOREIGN = /^(CHRONIK_|OBJECT_STORE_|LOCAL_STORAGE_|S3_|AWS_|NO_COLOR|FORCE_COLOR)/;

export function cleanEnv(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  return { ...Object.fromEntries(own), ...env };
}

/** Runs the built binary to its end, without a terminal. */
export async function runSegctl(
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const child = spawn(NODE, [BIN, ...args], {
    env: cleanEnv(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(options.input ?? '');
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      resolve({
        status,
        signal,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
  });
}

/** The objects of JSON Lines. */
export function jsonLines<T>(result: RunResult): T[] {
  return result.stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): T => JSON.parse(line));
}
