import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import type { ArchiveError } from '../archive/archive-error.ts';
import type { Archive } from '../archive/open-archive.ts';
import { openTied, readArchive } from '../archive/read-archive.ts';
import type { UnpackLimits } from '../archive/unpack-archive.ts';
import type { RecordStats } from '../verify/record-stats.ts';
import { type Scan, ScanBuilder } from '../verify/scan-archive.ts';
import { Candidates } from './candidates.ts';
import { compareWithKeeper } from './compare-records.ts';
import { entryCovers, type Member, spanOf } from './member.ts';

/** An archive whose every record, in every field, another one that stays holds. */
export interface Proof {
  readonly member: Member;
  readonly keeper: Member;
  /** The very objects that were compared. */
  readonly info: ObjectInfo;
  readonly keeperInfo: ObjectInfo;
  readonly records: number;
}

export interface ProofDeps {
  readonly store: ObjectStore;
  readonly limits: UnpackLimits;
  readonly signal: AbortSignal;
  /** Candidates of one pass over a keeper: their packed bytes together, and at least one. */
  readonly groupBytes?: number;
  /** Told of every archive whose records were all read. */
  readonly onScan?: (member: Member, info: ObjectInfo, scan: Scan) => Promise<void>;
  readonly onDamaged?: (member: Member, info: ObjectInfo, error: ArchiveError) => Promise<void>;
  readonly onRead?: (info: ObjectInfo) => void;
}

const GROUP_BYTES = 64 * 1024 ** 2;
const GROUP_MEMBERS = 16;
/** After so many that don't hold it, an archive is taken for one with records of its own. */
const MAX_KEEPERS = 8;

/**
 * Finds the superseded archives among those of one partition. Every proof is a comparison of all of
 * the archive's records with those of one keeper, both read for it and tied to their versions. What
 * can't be read, or changes while it is read, proves nothing and is proven nothing.
 *
 * The proofs hold no circle: a keeper is never itself superseded, since only those not yet proven
 * become keepers, the strongest first, and only weaker ones are held against them.
 */
export async function proveSuperseded(
  members: readonly Member[],
  deps: ProofDeps,
): Promise<Proof[]> {
  const candidates = new Candidates(members);
  const proofs = new Map<Member, Proof>();
  const tries = new Map<Member, number>();
  for (const keeper of candidates.order) {
    if (proofs.has(keeper)) continue;
    const open = candidates
      .of(keeper)
      .filter((one) => !proofs.has(one) && (tries.get(one) ?? 0) < MAX_KEEPERS);
    for (const group of groupsOf(open, deps.groupBytes ?? GROUP_BYTES)) {
      for (const one of group) tries.set(one, (tries.get(one) ?? 0) + 1);
      const found = await provePass(keeper, group, deps);
      if (found === undefined) break;
      for (const proof of found) proofs.set(proof.member, proof);
    }
  }
  return [...proofs.values()];
}

function* groupsOf(members: readonly Member[], groupBytes: number): Generator<Member[]> {
  let group: Member[] = [];
  let bytes = 0;
  for (const member of members) {
    const { sizeBytes } = member.stored.info;
    const isFull = bytes + sizeBytes > groupBytes || group.length === GROUP_MEMBERS;
    if (group.length > 0 && isFull) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(member);
    bytes += sizeBytes;
  }
  if (group.length > 0) yield group;
}

/** Undefined when the keeper itself can't be read: then it holds nothing for anybody. */
async function provePass(
  keeper: Member,
  candidates: readonly Member[],
  deps: ProofDeps,
): Promise<Proof[] | undefined> {
  let proofs: Proof[] = [];
  const { store, limits, signal, onRead } = deps;
  const options = { ...limits, signal };
  const outcome = await readArchive(
    store,
    keeper.stored.info.key,
    options,
    async (archive, info) => {
      onRead?.(info);
      keeper.documents = archive.documents;
      proofs = [];
      const opened = await openCandidates(candidates, archive, deps);
      try {
        proofs = await compare({ keeper, archive, info }, opened, deps);
      } finally {
        for (const one of opened) one.archive.close();
      }
    },
  );
  if (outcome.status === 'damaged') await deps.onDamaged?.(keeper, outcome.info, outcome.error);
  return outcome.status === 'read' ? proofs : undefined;
}

interface OpenMember {
  readonly member: Member;
  readonly archive: Archive;
  readonly info: ObjectInfo;
}

async function compare(
  { keeper, archive, info: keeperInfo }: { keeper: Member; archive: Archive; info: ObjectInfo },
  opened: readonly OpenMember[],
  deps: ProofDeps,
): Promise<Proof[]> {
  const wantsScan = deps.onScan !== undefined && keeper.stats === undefined;
  const builder = new ScanBuilder(archive, keeper.stored.place);
  const candidateStats = opened.map((one) => new ScanBuilder(one.archive, one.member.stored.place));
  const streams = opened.map((one, i) => tapped(one.archive, candidateStats[i]));
  const verdicts = await compareWithKeeper(
    archive.records(),
    streams,
    wantsScan ? (piece) => builder.add(piece) : undefined,
  );
  if (wantsScan) await noteScan(keeper, keeperInfo, builder.finish(), deps);
  const proofs: Proof[] = [];
  for (const [i, one] of opened.entries()) {
    const verdict = verdicts[i];
    const scan = candidateStats[i];
    if (verdict?.held !== true || scan === undefined) continue;
    // Held means read to its end, so the statistics are whole.
    await noteScan(one.member, one.info, scan.finish(), deps);
    if (!leadsTo(keeper, one.member)) continue;
    if (!(await isUnchanged(one, deps))) continue;
    const { member, info } = one;
    proofs.push({ member, keeper, info, keeperInfo, records: verdict.records });
  }
  return proofs;
}

/** With the exact range known: an entry's records must be found under the keeper's entry. */
function leadsTo(keeper: Member, member: Member): boolean {
  return member.standing !== 'indexed' || entryCovers(keeper, spanOf(member));
}

async function isUnchanged(one: OpenMember, { store, signal }: ProofDeps): Promise<boolean> {
  return (await store.head(one.info.key, { signal }))?.version === one.info.version;
}

async function noteScan(
  member: Member,
  info: ObjectInfo,
  scan: Scan,
  deps: ProofDeps,
): Promise<void> {
  setStats(member, scan.scanned.stats);
  await deps.onScan?.(member, info, scan);
}

function setStats(member: Member, stats: RecordStats): void {
  member.stats = stats;
  member.documents = stats.records;
}

async function* tapped(archive: Archive, builder: ScanBuilder | undefined) {
  for await (const piece of archive.records()) {
    builder?.add(piece);
    yield piece;
  }
}

/**
 * Opens those candidates that can be read and that the keeper may hold by their number of documents.
 * An archive of another partition under this one's key is never held: its records are others'.
 */
async function openCandidates(
  candidates: readonly Member[],
  keeper: Archive,
  deps: ProofDeps,
): Promise<OpenMember[]> {
  const opened: OpenMember[] = [];
  const { store, limits, signal, onRead } = deps;
  for (const member of candidates) {
    const outcome = await openTied(store, member.stored.info.key, { ...limits, signal });
    if (outcome.status === 'damaged') await deps.onDamaged?.(member, outcome.info, outcome.error);
    if (outcome.status !== 'read') continue;
    const { archive, info } = outcome;
    onRead?.(info);
    member.documents = archive.documents;
    member.packedAtMs = Number(archive.metadata.createdAtSeconds) * 1000;
    const { topic, partition, recordCount } = archive.metadata;
    const isSame = topic === keeper.metadata.topic && partition === keeper.metadata.partition;
    // One that lost documents of its own accord is for verify to report, not for gc to take away.
    const isWhole = recordCount === BigInt(archive.documents);
    if (isSame && isWhole && archive.documents <= keeper.documents)
      opened.push({ member, archive, info });
    else archive.close();
  }
  return opened;
}
