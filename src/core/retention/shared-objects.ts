import { canonicalKey } from '../../storage/canonical-key.ts';
import { at } from './partition-rows.ts';
import type { PlannerIndex } from './planner-input.ts';

/** An entry that leaves the index, and those that leave it with it. */
export interface Leaving {
  readonly place: number;
  readonly drops: readonly number[];
}

/**
 * For each entry that leaves but whose object must stay, the place of an entry that stays and names
 * the same object. Chronik overwrites archives in place, and after a topic was created anew two
 * entries can name one.
 */
export function sharersOf(
  index: PlannerIndex,
  leaving: readonly Leaving[],
): ReadonlyMap<number, number> {
  const sharers = new Map<number, number>();
  if (leaving.length === 0) {
    return sharers;
  }
  const leavingByObject = new Map<string, number[]>();
  const gone = new Set<number>();
  for (const { place, drops } of leaving) {
    gone.add(place);
    for (const dropped of drops) {
      gone.add(dropped);
    }
    const key = canonicalKey(index.entry(place).objectStorePath);
    const places = leavingByObject.get(key);
    if (places === undefined) {
      leavingByObject.set(key, [place]);
    } else {
      places.push(place);
    }
  }
  for (const place of placesOf(index)) {
    if (!gone.has(place)) {
      const key = canonicalKey(index.entry(place).objectStorePath);
      for (const shared of leavingByObject.get(key) ?? []) {
        sharers.set(shared, place);
      }
    }
  }
  return sharers;
}

function* placesOf(index: PlannerIndex): Iterable<number> {
  for (const { places } of [...index.partitions, ...(index.unreadable ?? [])]) {
    for (let nth = 0; nth < places.length; nth++) {
      yield at(places, nth);
    }
  }
}
