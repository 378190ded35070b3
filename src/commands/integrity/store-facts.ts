import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { type RunHistory, readHistory } from '../../core/compaction/history.ts';
import { readRun } from '../../core/compaction/recorded-run.ts';
import {
  findReturned,
  type ReturnedEntry,
  withoutRevived,
} from '../../core/compaction/returned-entries.ts';
import type { RunFiles } from '../../core/compaction/run-files.ts';
import { isTrashKey } from '../../core/compaction/trash-key.ts';
import { type Finding, finding } from '../../core/findings.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import { Ledger } from '../../core/verify/ledger.ts';
import { ArchiveListing, archivePrefixes, listArchives } from '../../core/verify/listing.ts';
import { allPaths } from '../../core/verify/verify.ts';
import { canonicalKey } from '../../storage/canonical-key.ts';
import { loadIndex } from '../../storage/index-file.ts';
import { ledgerFile, readOnlyLedgerFile } from '../../storage/ledger-file.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { FsRunFiles } from '../../storage/run-files.ts';
import { indexPathOf } from '../compact/open-engine.ts';

/** Index, store and journal, as verify, reindex and gc hold them against each other. */
export interface StoreFacts {
  /** Undefined where there is none that a server would load; `findings` says why. */
  readonly index: SegmentIndex | undefined;
  readonly store: ObjectStore;
  readonly listing: ArchiveListing;
  readonly history: RunHistory;
  /** Entries that a running server wrote back after a recorded deletion. */
  readonly returned: readonly ReturnedEntry[];
  /** Canonical keys of objects that an unfinished run was to delete, with the run. */
  readonly leftOver: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

export interface FactsOptions {
  /** What archives' keys begin with, where neither the index nor the data dir tells. */
  readonly keyRoot?: string | undefined;
  /** Where no archive is found below the data dir, look for them in all of the store. */
  readonly searchAll?: boolean;
}

export async function gatherFacts(
  context: Context,
  { keyRoot, searchAll = false }: FactsOptions = {},
): Promise<StoreFacts> {
  const { signal, settings, log } = context;
  const findings: Finding[] = [];
  const index = await loadIfSound(context, findings);
  const store = await context.openStore();
  const paths = index === undefined ? [] : allPaths(index);
  const prefixes = keyRoot === undefined ? archivePrefixes(paths, settings.dataDir) : [keyRoot];
  log.debug('listing archives', { prefixes: prefixes.join(' ') });
  let listing = await list(store, prefixes, signal);
  if (searchAll && listing.archives.length === 0 && keyRoot === undefined) {
    listing = await list(store, [''], signal);
    assertOneRoot(listing);
  }
  const runs = new FsRunFiles(settings.dataDir);
  const history = await readHistory(runs);
  const returned =
    index === undefined
      ? []
      : await withoutRevived(findReturned(index, history.deletions), store, signal);
  for (const runId of history.unfinished) findings.push(finding('run-unfinished', { runId }));
  const leftOver = await leftOverObjects(runs, history.unfinished, listing);
  return { index, store, listing, history, returned, leftOver, findings };
}

/** Of objects that were written anew since, the run means the old one alone. */
async function leftOverObjects(
  runs: RunFiles,
  unfinished: readonly string[],
  listing: ArchiveListing,
): Promise<Map<string, string>> {
  const leftOver = new Map<string, string>();
  for (const runId of unfinished) {
    const run = await readRun(runs, runId);
    if (run.begin.command === 'undo' || run.index === undefined) continue;
    for (const { key, version } of run.pendingObjects()) {
      if (listing.find(key)?.info.version === version) leftOver.set(canonicalKey(key), runId);
    }
  }
  return leftOver;
}

async function list(
  store: ObjectStore,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<ArchiveListing> {
  const listing = await listArchives(store, { prefixes, signal });
  return new ArchiveListing(listing.archives.filter(({ info }) => !isTrashKey(info.key)));
}

/** Several nodes keep their archives in one bucket under roots of their own; only one is this one's. */
function assertOneRoot(listing: ArchiveListing): void {
  const roots = listing.roots();
  if (roots.length <= 1) return;
  throw new SegctlError('the store holds archives of more than one data dir', {
    code: 'ambiguous-archives',
    exit: 'usage',
    facts: { roots: roots.map((root) => JSON.stringify(root)).join(', ') },
    remedy: 'name the one that is meant with --key-root',
  });
}

/** What a server would refuse, or find nothing of, is a finding here and not the end. */
async function loadIfSound(
  context: Context,
  findings: Finding[],
): Promise<SegmentIndex | undefined> {
  try {
    return (await loadIndex(indexPathOf(context), { signal: context.signal })).index;
  } catch (error) {
    if (!(error instanceof SegctlError)) throw error;
    if (error.code === 'index-not-found') findings.push(finding('index-missing', {}, error.facts));
    else if (error.code === 'index-malformed') {
      findings.push(finding('index-refused', {}, error.facts));
    } else throw error;
    return undefined;
  }
}

/**
 * The ledger below the data dir, which verify and reindex share. Who may not write there still
 * verifies: only what was seen is not remembered.
 */
export async function openLedger(context: Context): Promise<Ledger> {
  const folder = join(context.settings.dataDir, '.segctl');
  const file = ledgerFile(join(folder, 'verified.jsonl'));
  if (await isWritable(folder, context.settings.dataDir)) return await Ledger.open(file);
  context.log.warn('the ledger can not be written: what is read now will be read again', {
    folder,
  });
  return await Ledger.open(readOnlyLedgerFile(file));
}

/** Whether the folder can be written, or made where it is not there yet. */
async function isWritable(folder: string, parent: string): Promise<boolean> {
  for (const path of [folder, parent]) {
    try {
      await access(path, constants.W_OK);
      return true;
    } catch (error) {
      const isThere = !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
      if (isThere) return false;
    }
  }
  return false;
}
