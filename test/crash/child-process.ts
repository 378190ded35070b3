import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
/** Inside the checkout, so that packages are found from it; git-ignored; one for each test process. */
export const OUT = join(ROOT, `.cache/crash-${process.pid}`);

/** Compiles the child once; the Node that tests run on may not take TypeScript. */
export async function compileChild(): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const config = join(import.meta.dirname, 'tsconfig.json');
  await promisify(execFile)(process.execPath, [tsc, '-p', config, '--outDir', OUT]);
}

/** For afterAll. */
export function removeChild(): void {
  rmSync(OUT, { recursive: true, force: true });
}

export interface ChildResult {
  readonly killed: boolean;
  /** Steps of a child that came to its end. */
  readonly steps: number;
}

export async function runChild(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildResult> {
  const program = join(OUT, 'test/crash/crash-child.js');
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code, signal] = await once(child, 'close');
  if (signal === 'SIGKILL') return { killed: true, steps: 0 };
  if (code !== 0) throw new Error(`the child failed with ${code}: ${stderr}`);
  return { killed: false, steps: Number(stdout) };
}
