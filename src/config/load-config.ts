import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SegctlError } from '../core/segctl-error.ts';
import type { ConfigFile } from './config-file.ts';

/** The name that is looked for in the data dir. */
const CONFIG_NAME = 'segctl.yaml';

/**
 * Reads `--config`, or `segctl.yaml` in the data dir where there is one. Throws `config-not-found`
 * for a named file that isn't there, `config-unreadable`, and `config-invalid` with places.
 */
export async function loadConfig(
  dataDir: string,
  named: string | undefined,
  nowMs: number,
): Promise<ConfigFile | undefined> {
  const path = named ?? join(dataDir, CONFIG_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const absent = errno === 'ENOENT' || errno === 'ENOTDIR';
    if (absent && named === undefined) return undefined;
    throw new SegctlError(
      absent ? `there is no configuration file ${path}` : `can't read ${path}`,
      {
        code: absent ? 'config-not-found' : 'config-unreadable',
        exit: 'usage',
        facts: { path, errno },
        remedy: absent ? 'check the path given to --config' : 'check the permissions of the file',
        cause,
      },
    );
  }
  // yaml and zod cost tens of milliseconds, which a run without a file must not pay.
  const { parseConfig } = await import('./parse-config.ts');
  return parseConfig(text, path, nowMs);
}
