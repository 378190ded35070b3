import { Ledger, type LedgerFile } from '../../src/core/verify/ledger.ts';
import { archivePrefixes, listArchives } from '../../src/core/verify/listing.ts';
import {
  allPaths,
  type VerifyOptions,
  type VerifyReport,
  verify,
} from '../../src/core/verify/verify.ts';
import { FsStore } from '../../src/storage/fs-store.ts';
import { loadIndex } from '../../src/storage/index-file.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

/** A ledger file in memory. */
export function memoryLedgerFile(text = ''): LedgerFile & { text: string } {
  return {
    text,
    async read() {
      return this.text;
    },
    async append(more) {
      this.text += more;
    },
    async replace(all) {
      this.text = all;
    },
  };
}

export interface VerifyRunOptions extends Partial<VerifyOptions> {
  readonly ledgerFile?: LedgerFile;
  readonly store?: ObjectStore;
}

/** Verifies the node at `dataDir`, whose store is below `segments/`. */
export async function verifyNode(
  dataDir: string,
  {
    ledgerFile = memoryLedgerFile(),
    store = new FsStore(`${dataDir}/segments`),
    ...options
  }: VerifyRunOptions = {},
): Promise<VerifyReport> {
  const { index } = await loadIndex(`${dataDir}/segment_index.json`);
  const prefixes = archivePrefixes(allPaths(index), './data');
  return await verify(
    {
      index,
      listing: await listArchives(store, { prefixes }),
      store,
      ledger: await Ledger.open(ledgerFile),
      deleted: () => [],
    },
    {
      quick: false,
      unreferenced: false,
      resume: true,
      selection: 'all',
      limits: { maxUnpackedBytes: 1 << 30 },
      concurrency: 4,
      nowMs: 1_795_352_000_000,
      clock: Date.now,
      signal: new AbortController().signal,
      ...options,
    },
  );
}
