import pMap from 'p-map';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import type { ArchiveError } from '../archive/archive-error.ts';
import { readArchive } from '../archive/read-archive.ts';
import type { UnpackLimits } from '../archive/unpack-archive.ts';
import { type Finding, type FindingId, finding } from '../findings.ts';
import type { Ledger } from '../verify/ledger.ts';
import type { StoredArchive } from '../verify/listing.ts';
import { type Scan, scanArchive } from '../verify/scan-archive.ts';
import { ledgerIdentity } from '../verify/verify.ts';

export interface ReadDeps {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly limits: UnpackLimits;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly clock: () => number;
  readonly onRead?: (info: ObjectInfo) => void;
}

/** Reads the archives that the ledger does not know in their present form, and notes what it saw. */
export async function readUnknown(
  archives: readonly StoredArchive[],
  deps: ReadDeps,
): Promise<Finding[]> {
  const { ledger, concurrency, signal } = deps;
  const unknown = archives.filter(({ info }) => ledger.find(info) === undefined);
  const findings = await pMap(unknown, (one) => readOne(one, deps), { concurrency, signal });
  return findings.flatMap((one) => one ?? []);
}

async function readOne(
  { info, place }: StoredArchive,
  deps: ReadDeps,
): Promise<Finding | undefined> {
  const { store, limits, signal, onRead } = deps;
  const subject = { topic: place.topic, partition: place.partition, objectStorePath: info.key };
  const outcome = await readArchive(store, info.key, { ...limits, signal }, (archive) =>
    scanArchive(archive, place),
  );
  onRead?.(info);
  switch (outcome.status) {
    case 'read':
      await noteScan(outcome.info, outcome.value, deps);
      return undefined;
    case 'damaged':
      await noteDamage(outcome.info, outcome.error, deps);
      return undefined;
    case 'unreadable': {
      const { code, message } = outcome.error;
      return finding('object-unreadable', subject, { code, message });
    }
    default: {
      const id: FindingId = outcome.status === 'missing' ? 'object-missing' : 'object-in-flight';
      return finding(id, subject);
    }
  }
}

export async function noteScan(
  info: ObjectInfo,
  scan: Scan,
  { ledger, clock }: Pick<ReadDeps, 'ledger' | 'clock'>,
): Promise<void> {
  // A verification of every byte knows more than this reading.
  if (ledger.find(info)?.whole === true) return;
  await ledger.put({ ...ledgerIdentity(info, clock()), whole: false, ...scan });
}

export async function noteDamage(
  info: ObjectInfo,
  error: ArchiveError,
  { ledger, clock }: Pick<ReadDeps, 'ledger' | 'clock'>,
): Promise<void> {
  if (ledger.find(info)?.whole === true) return;
  const problems = [{ id: error.damage, facts: error.facts }];
  const identity = ledgerIdentity(info, clock());
  await ledger.put({ ...identity, whole: false, problems, scanned: undefined });
}
