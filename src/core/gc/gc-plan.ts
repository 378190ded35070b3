import type { ObjectInfo } from '../../storage/object-store.ts';
import { Candidates } from './candidates.ts';
import type { PartitionMembers } from './gather-members.ts';
import { byStrength, type Member, spanOf } from './member.ts';
import { type Proof, type ProofDeps, proveSuperseded } from './prove-superseded.ts';

/** Why an archive goes. */
export const GC_REASONS = ['superseded', 'superseded-by-name', 'unreferenced'] as const;
export type GcReason = (typeof GC_REASONS)[number];

/** Why an archive that could have gone stays. */
export const GC_KEEP_REASONS = ['too-young', 'live', 'own-records', 'keeper-changed'] as const;
export type GcKeepReason = (typeof GC_KEEP_REASONS)[number];

export interface GcDeletion {
  readonly member: Member;
  readonly reason: GcReason;
  /** The object that was judged; another version of it stays. */
  readonly info: ObjectInfo;
  /** The archive that holds its records, and the version of it that was read. */
  readonly keeper?: { readonly member: Member; readonly info: ObjectInfo };
}

export interface GcKept {
  readonly member: Member;
  readonly reason: GcKeepReason;
}

export interface GcPlan {
  readonly delete: readonly GcDeletion[];
  /** Superseded, unnamed or skipped archives that stay. */
  readonly keep: readonly GcKept[];
  /** Archives that were looked at, and their bytes. */
  readonly archives: number;
  readonly archiveBytes: bigint;
}

export interface GcRules {
  readonly nowMs: number;
  /** Archives packed and written later than this before now stay. */
  readonly minAgeMs: number;
  /** Go by offset ranges alone, and read nothing. */
  readonly trustNames: boolean;
  /** Take archives too that no entry names and that hold records of their own. */
  readonly unreferenced: boolean;
  readonly includeLive: boolean;
  /** Whether a server still writes the partition's newest archive. */
  readonly isLive: (topic: string, partition: number) => Promise<boolean>;
}

/**
 * What gc would win, by names and the index alone: a guess to be shown before anything is read. Names
 * can be wrong in both directions, and ages are known from the archives alone.
 */
export function estimate(groups: readonly PartitionMembers[], rules: GcRules): bigint {
  let bytes = 0n;
  for (const { members } of groups) {
    for (const { member } of byNames(members, false)) {
      bytes += BigInt(member.stored.info.sizeBytes);
    }
    if (!rules.unreferenced) continue;
    const superseded = new Set(byNames(members, false).map(({ member }) => member));
    for (const member of members) {
      const isCandidate = member.standing === 'unnamed' && !superseded.has(member);
      if (isCandidate) bytes += BigInt(member.stored.info.sizeBytes);
    }
  }
  return bytes;
}

/** Decides on one partition's archives. Reads them, but with `trustNames`. */
export async function planPartition(
  { topic, partition, members }: PartitionMembers,
  rules: GcRules,
  deps: ProofDeps,
): Promise<Pick<GcPlan, 'delete' | 'keep'>> {
  const live = rules.includeLive ? undefined : await liveMember(topic, partition, members, rules);
  const superseded = rules.trustNames
    ? byNames(members, true)
    : (await proveSuperseded(members, deps)).map(fromProof);
  const deletions: GcDeletion[] = [];
  const kept: GcKept[] = [];
  const decide = (deletion: GcDeletion): void => {
    const { member } = deletion;
    if (member === live) kept.push({ member, reason: 'live' });
    else if (!isOldEnough(member, rules)) kept.push({ member, reason: 'too-young' });
    else deletions.push(deletion);
  };
  for (const one of superseded) decide(one);
  const found = new Set(superseded.map(({ member }) => member));
  for (const member of members) {
    if (member.standing === 'indexed' || found.has(member)) continue;
    // What an entry names, though the server skips it, is not unreferenced.
    if (rules.unreferenced && member.standing === 'unnamed') {
      decide({ member, reason: 'unreferenced', info: member.stored.info });
    } else kept.push({ member, reason: 'own-records' });
  }
  return { delete: keepersStay(deletions, kept), keep: kept };
}

/**
 * A keeper that goes as unreferenced holds nothing for anybody. What it was to hold is then
 * unreferenced too, and named so; what an entry names stays.
 */
function keepersStay(deletions: readonly GcDeletion[], kept: GcKept[]): GcDeletion[] {
  const going = new Set(deletions.map(({ member }) => member));
  return deletions.flatMap((one): GcDeletion[] => {
    const { member, info, keeper } = one;
    if (keeper === undefined || !going.has(keeper.member)) return [one];
    if (member.standing === 'unnamed') return [{ member, reason: 'unreferenced', info }];
    kept.push({ member, reason: 'own-records' });
    return [];
  });
}

function fromProof({ member, info, keeper, keeperInfo }: Proof): GcDeletion {
  return { member, reason: 'superseded', info, keeper: { member: keeper, info: keeperInfo } };
}

/**
 * A copy or a restore makes an object's time young and its records no younger, so the time at which
 * the server packed the archive counts too, where it was opened.
 */
function isOldEnough({ stored, packedAtMs }: Member, { nowMs, minAgeMs }: GcRules): boolean {
  const writtenMs = Math.min(stored.info.lastModifiedMs, packedAtMs ?? Number.POSITIVE_INFINITY);
  return writtenMs <= nowMs - minAgeMs;
}

/** The archive that a running server writes again at its next pass: the one that reaches furthest. */
async function liveMember(
  topic: string,
  partition: number,
  members: readonly Member[],
  { isLive }: GcRules,
): Promise<Member | undefined> {
  if (!(await isLive(topic, partition))) return undefined;
  return members.reduce<Member | undefined>((newest, one) => {
    if (newest === undefined) return one;
    const [a, b] = [spanOf(newest).max, spanOf(one).max];
    if (a !== b) return a > b ? newest : one;
    return byStrength(newest, one) < 0 ? newest : one;
  }, undefined);
}

/**
 * Pairs whose ranges alone say that the one covers the other. With `indexedKeepers` only an entry's
 * range counts for the cover: names of archives without one follow write order.
 */
function byNames(members: readonly Member[], indexedKeepers: boolean): GcDeletion[] {
  const candidates = new Candidates(members);
  const found = new Map<Member, GcDeletion>();
  for (const keeper of candidates.order) {
    if (found.has(keeper) || (indexedKeepers && !isAsIndexed(keeper))) continue;
    const { min } = spanOf(keeper);
    for (const member of candidates.of(keeper)) {
      if (found.has(member) || spanOf(member).min < min) continue;
      found.set(member, {
        member,
        reason: 'superseded-by-name',
        info: member.stored.info,
        keeper: { member: keeper, info: keeper.stored.info },
      });
    }
  }
  return [...found.values()];
}

/** Unread, an archive is trusted only where at least its size is what the index says. */
function isAsIndexed({ standing, entries, stored }: Member): boolean {
  const sizeBytes = BigInt(stored.info.sizeBytes);
  return standing === 'indexed' && entries.some(({ entry }) => entry.sizeBytes === sizeBytes);
}
