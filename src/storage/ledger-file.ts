import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { LedgerFile } from '../core/verify/ledger.ts';
import { isAbsent } from './fs-errors.ts';

/** A ledger on local disk. Its folder is made when the first line is written. */
export function ledgerFile(path: string): LedgerFile {
  return {
    async read() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (isAbsent(error)) return '';
        throw error;
      }
    },
    async append(text) {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, 'a');
      try {
        await file.appendFile(text);
      } finally {
        await file.close();
      }
    },
    async replace(text) {
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(path, text);
    },
  };
}

/** For users who may not write below the data dir: reads as usual, and forgets what it is told. */
export function readOnlyLedgerFile(file: LedgerFile): LedgerFile {
  return { read: () => file.read(), append: async () => {}, replace: async () => {} };
}
