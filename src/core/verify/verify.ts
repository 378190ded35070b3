import pMap from 'p-map';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { readArchive } from '../archive/read-archive.ts';
import type { UnpackLimits } from '../archive/unpack-archive.ts';
import { type Finding, finding, type Subject } from '../findings.ts';
import type { SegmentEntry } from '../segment-index/segment-entry.ts';
import type { SegmentIndex } from '../segment-index/segment-index.ts';
import { parseArchiveKey } from './archive-key.ts';
import { entrySubject, isUnsafeKey, objectFindings, scanFindings, told } from './entry-findings.ts';
import { type EntryFilter, indexFindings, loadedRows } from './index-findings.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerRow } from './ledger-line.ts';
import type { ArchiveListing, StoredArchive } from './listing.ts';
import type { OffsetRun } from './offset-runs.ts';
import { type PlacedEntry, partitionFindings } from './partition-findings.ts';
import { scanArchive } from './scan-archive.ts';
import { type Sample, selectReads } from './select-reads.ts';
import { unnamedFindings } from './unnamed-findings.ts';

export interface VerifyInput {
  readonly index: SegmentIndex;
  readonly listing: ArchiveListing;
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly filter?: EntryFilter | undefined;
  /** Offsets that recorded runs deleted, ascending. */
  readonly deleted: (topic: string, partition: number) => readonly OffsetRun[];
  /** Canonical keys of objects that an unfinished run was to delete, with the run. */
  readonly leftOver?: ReadonlyMap<string, string>;
  /** Rows that a server wrote back after a recorded deletion: what is wrong with them is known. */
  readonly returnedRows?: ReadonlySet<number>;
}

export interface VerifyOptions {
  /** Heads and sizes alone: no archive is read. */
  readonly quick: boolean;
  /** Read archives that the index does not name, too. */
  readonly unreferenced: boolean;
  /** At most this many packed bytes are read; the first archive is read whatever its size. */
  readonly budgetBytes?: bigint | undefined;
  /** No archive is begun after this; a time of `clock`. */
  readonly deadlineMs?: number | undefined;
  readonly sample?: Sample | undefined;
  /** Go on with a run over the same archives that was stopped; otherwise all are read again. */
  readonly resume: boolean;
  /** Identifies the archives that the run is over, for `resume`. */
  readonly selection: string;
  readonly limits: UnpackLimits;
  readonly concurrency: number;
  readonly nowMs: number;
  readonly clock: () => number;
  readonly signal: AbortSignal;
  readonly onRead?: (info: ObjectInfo, done: number, total: number) => void;
}

export interface VerifyReport {
  readonly findings: readonly Finding[];
  /** Archives that were to be checked. */
  readonly archives: number;
  /** Of these, read in this run, and their packed bytes. */
  readonly read: number;
  readonly readBytes: bigint;
  /** Not read in this run; what is known of them comes from the ledger. */
  readonly skipped: number;
  /** Of the skipped ones, those that were never read in their present form. */
  readonly neverRead: number;
  readonly interrupted: boolean;
}

/** One archive to check: an entry's, or one that no entry names. */
export interface Target {
  readonly entry?: SegmentEntry;
  readonly stored: StoredArchive;
}

/**
 * Reads archives, the stalest first, and checks every byte's worth of each. Damage costs one
 * archive and not the run. The ledger has every result as soon as it is there, so a run that was
 * stopped goes on where it was.
 */
export async function verify(input: VerifyInput, options: VerifyOptions): Promise<VerifyReport> {
  const findings = indexFindings(input.index, input.filter, input.returnedRows);
  const targets = await findTargets(input, options, findings);
  const interruptedSince = options.resume
    ? input.ledger.interruptedSince(options.selection)
    : undefined;
  const reads = options.quick
    ? []
    : selectReads(targets, input.ledger, { ...options, doneSinceMs: interruptedSince });
  if (reads.length > 0) {
    await input.ledger.beginRun(options.selection, interruptedSince ?? options.clock());
  }
  const outcome = await readAll(input, options, reads);
  if (!options.signal.aborted) await input.ledger.endRun();
  else await input.ledger.flush();
  const shared = sharedObjects(targets);
  for (const target of targets) {
    const passing = outcome.passing.get(target);
    const isShared = shared.has(target.stored);
    findings.push(...targetFindings(target, input.ledger, { passing, isShared }, options));
  }
  findings.push(...groupFindings(input, options));
  const known = targets.filter(({ stored }) => input.ledger.find(stored.info) !== undefined);
  return {
    findings,
    archives: targets.length,
    read: outcome.read,
    readBytes: outcome.readBytes,
    skipped: targets.length - outcome.read,
    neverRead: targets.length - known.length - outcome.passing.size,
    interrupted: options.signal.aborted,
  };
}

/** Entries with their objects; reports entries whose object is missing and objects without entry. */
async function findTargets(
  { index, listing, store, filter, returnedRows, deleted, leftOver = new Map() }: VerifyInput,
  options: VerifyOptions,
  findings: Finding[],
): Promise<Target[]> {
  const targets: Target[] = [];
  const entries = loadedRows(index, filter, returnedRows).map((row) => index.entry(row));
  for (const entry of entries) {
    // A finding of its own, and not to be followed.
    if (isUnsafeKey(entry.objectStorePath)) continue;
    const stored =
      listing.find(entry.objectStorePath) ?? (await headOf(store, entry.objectStorePath));
    if (stored === undefined) findings.push(...objectFindings(entry, undefined));
    else targets.push({ entry, stored });
  }
  const unnamed = listing
    .unnamed(allPaths(index))
    .filter(({ place }) => filter === undefined || filter(place));
  if (options.unreferenced) targets.push(...unnamed.map((stored) => ({ stored })));
  findings.push(...unnamedFindings(unnamed, index, { deleted, leftOver }));
  return targets;
}

/** Also of entries that the server would not load: their objects have a name all the same. */
export function* allPaths(index: SegmentIndex): Generator<string> {
  for (let row = 0; row < index.rowCount; row++) yield index.objectStorePath(row);
}

/** A listing may be older than an archive, or the path lie outside of what was listed. */
async function headOf(store: ObjectStore, key: string): Promise<StoredArchive | undefined> {
  const info = await store.head(key);
  if (info === undefined) return undefined;
  const place = parseArchiveKey(key) ?? { topic: '', partition: -1, base: 0n, last: 0n, root: '' };
  return { info, place };
}

interface ReadTotals {
  read: number;
  readBytes: bigint;
  /** Findings of archives that could not be read, which are not for the ledger. */
  readonly passing: Map<Target, Finding>;
}

async function readAll(
  input: VerifyInput,
  options: VerifyOptions,
  reads: readonly Target[],
): Promise<ReadTotals> {
  const totals: ReadTotals = { read: 0, readBytes: 0n, passing: new Map() };
  const { signal, deadlineMs, clock, onRead } = options;
  const readOne = async (target: Target): Promise<void> => {
    if (signal.aborted || (deadlineMs !== undefined && clock() >= deadlineMs)) return;
    const passing = await readTarget(input, options, target);
    if (passing === 'interrupted') return;
    if (passing !== undefined) totals.passing.set(target, passing);
    totals.read++;
    totals.readBytes += BigInt(target.stored.info.sizeBytes);
    onRead?.(target.stored.info, totals.read, reads.length);
  };
  await pMap(reads, readOne, { concurrency: options.concurrency });
  return totals;
}

/** Puts what was seen into the ledger, or gives the finding for what could not be seen. */
async function readTarget(
  { store, ledger }: VerifyInput,
  { limits, signal, clock }: VerifyOptions,
  target: Target,
): Promise<Finding | 'interrupted' | undefined> {
  const { stored } = target;
  const place = parseArchiveKey(stored.info.key);
  try {
    const outcome = await readArchive(
      store,
      stored.info.key,
      { ...limits, signal, whole: true },
      async (archive) => {
        await archive.verifyFiles();
        return await scanArchive(archive, place);
      },
    );
    const subject = targetSubject(target);
    if (outcome.status === 'missing') return finding('object-missing', subject);
    if (outcome.status === 'changing') return finding('object-in-flight', subject);
    if (outcome.status === 'unreadable') {
      const { code, message } = outcome.error;
      return finding('object-unreadable', subject, { code, message });
    }
    await ledger.put({
      ...ledgerIdentity(outcome.info, clock()),
      whole: true,
      ...(outcome.status === 'read'
        ? { problems: outcome.value.problems, scanned: outcome.value.scanned }
        : {
            problems: [{ id: outcome.error.damage, facts: outcome.error.facts }],
            scanned: undefined,
          }),
    });
    return undefined;
  } catch (error) {
    if (signal.aborted) return 'interrupted';
    throw error;
  }
}

export function ledgerIdentity(
  info: ObjectInfo,
  readAtMs: number,
): Pick<LedgerRow, 'kind' | 'key' | 'version' | 'sizeBytes' | 'modifiedMs' | 'readAtMs'> {
  const { key, version, sizeBytes, lastModifiedMs } = info;
  return { kind: 'archive', key, version, sizeBytes, modifiedMs: lastModifiedMs, readAtMs };
}

function targetSubject({ entry, stored }: Target): Subject {
  if (entry !== undefined) return entrySubject(entry);
  const { topic, partition } = stored.place;
  return { topic, partition, objectStorePath: stored.info.key };
}

/** What the object's size and the latest reading of it say, this run's or an earlier one's. */
function targetFindings(
  target: Target,
  ledger: Ledger,
  { passing, isShared }: { readonly passing: Finding | undefined; readonly isShared: boolean },
  { quick }: VerifyOptions,
): Finding[] {
  if (passing !== undefined) return [passing];
  const { entry, stored } = target;
  const row = quick ? undefined : ledger.find(stored.info);
  const damaged = row !== undefined && row.scanned === undefined;
  // What is wrong with the bytes explains a wrong size.
  const isCompared = entry !== undefined && !isShared;
  const fromSize = isCompared && !damaged ? objectFindings(entry, stored.info) : [];
  if (row === undefined) return fromSize;
  const fromScan = isCompared && row.scanned !== undefined ? scanFindings(entry, row.scanned) : [];
  return [...fromSize, ...told(row.problems, targetSubject(target)), ...fromScan];
}

/** Objects of several entries: that they share it is the finding, each fits one of them at most. */
function sharedObjects(targets: readonly Target[]): Set<StoredArchive> {
  const seen = new Set<StoredArchive>();
  const shared = new Set<StoredArchive>();
  for (const { entry, stored } of targets) {
    if (entry === undefined) continue;
    if (seen.has(stored)) shared.add(stored);
    seen.add(stored);
  }
  return shared;
}

function groupFindings(
  { index, filter, listing, ledger, deleted, returnedRows }: VerifyInput,
  { quick }: VerifyOptions,
): Finding[] {
  return index.partitions
    .filter((one) => filter === undefined || filter(one))
    .flatMap((one) => {
      const own = [...one.rows]
        .filter((row) => returnedRows?.has(row) !== true)
        .map((row) => index.entry(row))
        .filter(({ topic, partition }) => topic === one.topic && partition === one.partition);
      const placed = own.map((entry): PlacedEntry => {
        const stored = quick ? undefined : listing.find(entry.objectStorePath);
        const known = stored === undefined ? undefined : ledger.find(stored.info);
        return { entry, runs: known?.scanned?.stats.runs };
      });
      return partitionFindings(placed, deleted(one.topic, one.partition));
    });
}
