import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { SegctlError } from '../core/segctl-error.ts';
import type { ConfigFile } from './config-file.ts';

/** The name that is looked for in the data dir. */
const CONFIG_NAME = 'segctl.yaml';

/**
 * Reads `--config`, or `segctl.yaml` in the data dir where there is one. `allCommands` gives the
 * command tree with every command, whose flags the file may name. Throws `config-not-found` for a
 * named file that isn't there, `config-unreadable`, and `config-invalid` with places.
 */
export async function loadConfig(
  dataDir: string,
  named: string | undefined,
  allCommands: () => Promise<Command>,
): Promise<ConfigFile | undefined> {
  const path = named ?? join(dataDir, CONFIG_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const isAbsent = errno === 'ENOENT' || errno === 'ENOTDIR';
    if (isAbsent && named === undefined) return undefined;
    throw isAbsent ? absent(path, cause) : unreadable(path, errno, cause);
  }
  // yaml, zod and the whole tree cost tens of milliseconds, which a run without a file must not pay.
  const [{ parseConfig }, { flagCatalogue }] = await Promise.all([
    import('./parse-config.ts'),
    import('./command-flags.ts'),
  ]);
  return parseConfig(text, path, flagCatalogue(await allCommands()));
}

function absent(path: string, cause: unknown): SegctlError {
  return new SegctlError(`there is no configuration file ${path}`, {
    code: 'config-not-found',
    exit: 'usage',
    facts: { file: path },
    remedy: 'check the path given to --config',
    cause,
  });
}

function unreadable(path: string, errno: string, cause: unknown): SegctlError {
  return new SegctlError(`the configuration file ${path} can't be read (${errno})`, {
    code: 'config-unreadable',
    exit: 'usage',
    facts: { file: path, errno },
    remedy:
      errno === 'EISDIR'
        ? 'name a file and not a folder with --config'
        : 'check the permissions of the file, or run without it by --config /dev/null',
    cause,
  });
}
