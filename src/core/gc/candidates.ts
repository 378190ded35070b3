import { byStrength, type Member, mayHold, spanOf } from './member.ts';

/**
 * For each archive of a partition, the weaker ones that it may hold. Sorted by where they end, so
 * that a partition of many separate archives costs no pairing of all with all.
 */
export class Candidates {
  /** Strongest first. */
  readonly order: readonly Member[];
  readonly #rank: ReadonlyMap<Member, number>;
  readonly #byEnd: readonly Member[];
  readonly #ends: readonly bigint[];

  constructor(members: readonly Member[]) {
    this.order = [...members].sort(byStrength);
    this.#rank = new Map(this.order.map((member, rank) => [member, rank]));
    const ended = members.map((member) => ({ member, end: spanOf(member).max }));
    ended.sort((a, b) => (a.end < b.end ? -1 : a.end > b.end ? 1 : 0));
    this.#byEnd = ended.map(({ member }) => member);
    this.#ends = ended.map(({ end }) => end);
  }

  /** Those that end within the keeper's range and may be held by it, the strongest first. */
  of(keeper: Member): Member[] {
    const { min, max } = spanOf(keeper);
    const rank = this.#rank.get(keeper) ?? 0;
    const found: Member[] = [];
    for (let at = this.#firstEndingAt(min); (this.#ends[at] ?? max + 1n) <= max; at++) {
      const one = this.#byEnd[at];
      if (one === undefined || (this.#rank.get(one) ?? 0) <= rank) continue;
      if (mayHold(keeper, one)) found.push(one);
    }
    return found.sort((a, b) => (this.#rank.get(a) ?? 0) - (this.#rank.get(b) ?? 0));
  }

  #firstEndingAt(offset: bigint): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0n) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
