/** Offsets without a hole between them; both ends inclusive. */
export interface OffsetRun {
  readonly first: bigint;
  readonly last: bigint;
}

/** The first run of offsets that both lists hold; both ascend. Undefined when they share none. */
export function firstShared(
  a: readonly OffsetRun[],
  b: readonly OffsetRun[],
): OffsetRun | undefined {
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) break;
    const first = larger(x.first, y.first);
    const last = smaller(x.last, y.last);
    if (first <= last) return { first, last };
    if (x.last < y.last) i++;
    else j++;
  }
  return undefined;
}

/** The parts of `range` that no run of `covers` (ascending, may overlap) holds. */
export function uncovered(range: OffsetRun, covers: readonly OffsetRun[]): OffsetRun[] {
  const left: OffsetRun[] = [];
  let next = range.first;
  for (const cover of covers) {
    if (cover.last < next) continue;
    if (cover.first > range.last) break;
    if (cover.first > next) left.push({ first: next, last: cover.first - 1n });
    next = cover.last + 1n;
  }
  if (next <= range.last) left.push({ first: next, last: range.last });
  return left;
}

/** Math.max and Math.min take no bigints. */
export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
