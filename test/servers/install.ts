import { execFile } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';

const run = promisify(execFile);

export type ServerName = 'moto' | 'versitygw';

const MOTO = 'moto[server]==5.2.5';
const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
/** Git-ignored, and kept from run to run. */
const CACHE = join(import.meta.dirname, '../../.cache');

/** Where the server's program is, or why it can't be had here. */
export type Installed = { readonly program: string } | { readonly missing: string };

/**
 * Installs a test server once, into the git-ignored `.cache/`, by its registry's own client. Test
 * files that run at the same time wait for each other. In CI a server that can't be installed is an
 * error; elsewhere its tests are skipped, and the reason is printed.
 */
export async function installServer(name: ServerName): Promise<Installed> {
  await mkdir(CACHE, { recursive: true });
  const release = await lock(CACHE, {
    lockfilePath: join(CACHE, `${name}.lock`),
    stale: 30_000,
    retries: { retries: 600, minTimeout: 500, maxTimeout: 1000 },
  });
  try {
    return { program: await (name === 'moto' ? installMoto() : installVersitygw()) };
  } catch (error) {
    if (process.env.CI) {
      throw new Error(`the test server ${name} could not be installed`, { cause: error });
    }
    const missing = `${name} could not be installed: ${error instanceof Error ? error.message : error}`;
    process.stderr.write(`\n*** SKIPPED: tests against ${missing}\n\n`);
    return { missing };
  } finally {
    await release();
  }
}

async function installMoto(): Promise<string> {
  const venv = join(CACHE, 'moto-venv');
  const program = join(venv, 'bin/moto_server');
  await once(join(venv, stampName(MOTO)), async () => {
    await rm(venv, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', venv]);
    await run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', MOTO]);
    await access(program);
  });
  return program;
}

async function installVersitygw(): Promise<string> {
  const bin = join(CACHE, 'bin');
  const program = join(bin, 'versitygw');
  await once(join(bin, stampName(VERSITYGW)), async () => {
    await mkdir(bin, { recursive: true });
    await run('go', ['install', VERSITYGW], { env: { ...process.env, GOBIN: bin } });
    await access(program);
  });
  return program;
}

/** Does `work` unless its stamp, which names the version, is there. */
async function once(stamp: string, work: () => Promise<void>): Promise<void> {
  try {
    await access(stamp);
  } catch {
    await work();
    await writeFile(stamp, '');
  }
}

function stampName(version: string): string {
  return `.installed-${version.replace(/[^\w.]+/g, '-')}`;
}
