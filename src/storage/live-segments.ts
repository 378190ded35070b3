import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SegctlError } from '../core/segctl-error.ts';
import type { TopicPartition } from '../core/segment-index/partition-key.ts';
import { errnoOf } from './index-file-port.ts';

/**
 * Whether a Chronik server still has the partition's records in its write-ahead log: then it archives
 * the newest segment again and again, and a deleted one comes back. The log's files are
 * `{data_dir}/wal/{topic}/{partition}/wal_{partition}_{n}.log`, and one of them has to hold something.
 */
export async function isLivePartition(
  dataDir: string,
  { topic, partition }: TopicPartition,
): Promise<boolean> {
  // The index is input: a topic that is no folder's name has no log.
  if (topic === '' || topic === '.' || topic === '..' || /[/\\\0]/.test(topic)) return false;
  const folder = join(dataDir, 'wal', topic, String(partition));
  const names = await namesIn(folder);
  const pattern = new RegExp(`^wal_${partition}_\\d+\\.log$`);
  for (const name of names) {
    if (pattern.test(name) && (await sizeOf(join(folder, name))) > 0) return true;
  }
  return false;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw unreadable(folder, error);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return 0;
    throw unreadable(path, error);
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '');
}

/** Not knowing is no reason to take a live segment for an idle one. */
function unreadable(path: string, cause: unknown): SegctlError {
  return new SegctlError("can't tell which segments a server still writes", {
    code: 'wal-unreadable',
    facts: { path, errno: errnoOf(cause) ?? null },
    remedy: 'run segctl as the user that the Chronik server runs as',
    cause,
  });
}
