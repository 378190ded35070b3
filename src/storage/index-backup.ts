import { constants } from 'node:fs';
import { copyFile, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent } from './fs-errors.ts';

/**
 * Keeps a copy of the index as `{folder}/segment_index-20260701T120000.000Z.json`, whole and synced
 * before it has that name. Gives its path, or undefined where there is no index.
 */
export async function backUpIndex(
  indexPath: string,
  folder: string,
  nowMs: number,
): Promise<string | undefined> {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '');
  const target = join(folder, `segment_index-${stamp}.json`);
  const temp = `${target}.tmp`;
  await mkdir(folder, { recursive: true });
  try {
    await copyFile(indexPath, temp, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const file = await open(temp, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temp, target);
  return target;
}
