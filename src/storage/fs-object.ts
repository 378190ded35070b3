import type { ObjectInfo } from './object-store.ts';

/** Names of files that segctl writes before it gives them their own; a listing leaves them out. */
export const TEMP_PREFIX = '.segctl-';
export const TEMP_SUFFIX = '.tmp';

export function isTempName(name: string): boolean {
  return name.startsWith(TEMP_PREFIX) && name.endsWith(TEMP_SUFFIX);
}

/** What is needed of `fs.BigIntStats`. */
export interface FileStats {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  isFile(): boolean;
}

/** A file as an object. Its version is inode, size and mtime: a rewrite in place changes the mtime. */
export function fileInfo(key: string, stats: FileStats): ObjectInfo {
  return {
    key,
    sizeBytes: Number(stats.size),
    lastModifiedMs: Number(stats.mtimeNs / 1_000_000n),
    version: `${stats.ino}-${stats.size}-${stats.mtimeNs}`,
  };
}
