/** Offsets `first` to `last`, both inclusive. */
export interface OffsetRange {
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A picture of which part of `whole` the ranges cover, `width` characters between brackets: `=` is
 * covered throughout, `-` in part, and a space not at all. A hole of a single offset still shows,
 * as `-`. Ranges may overlap, come in any order and reach beyond `whole`.
 *
 * @example rangeBar([{ first: 0n, last: 3999n }, { first: 6000n, last: 9999n }], whole, 10)
 * // '[====  ====]'
 */
export function rangeBar(
  ranges: readonly OffsetRange[],
  whole: OffsetRange,
  width: number,
): string {
  const length = whole.last - whole.first + 1n;
  if (length <= 0n || width <= 0) return '[]';
  const merged = mergeRanges(ranges);
  const columns = BigInt(width);
  let bar = '';
  let next = 0;
  for (let column = 0n; column < columns; column++) {
    const first = whole.first + (length * column) / columns;
    const after = whole.first + (length * (column + 1n)) / columns;
    // With fewer offsets than columns a cell can be narrower than an offset: it shows that offset.
    const last = after > first ? after - 1n : first;
    while ((merged[next]?.last ?? last) < first) next++;
    bar += cellOf(merged, next, first, last);
  }
  return `[${bar}]`;
}

function cellOf(merged: readonly OffsetRange[], next: number, first: bigint, last: bigint): string {
  const range = merged[next];
  if (range === undefined || range.first > last) return ' ';
  return range.first <= first && range.last >= last ? '=' : '-';
}

function mergeRanges(ranges: readonly OffsetRange[]): OffsetRange[] {
  const sorted = ranges.filter(({ first, last }) => first <= last);
  sorted.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: OffsetRange[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) {
      merged[merged.length - 1] = { first: before.first, last: range.last };
    }
  }
  return merged;
}
