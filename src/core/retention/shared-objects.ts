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
  const names = new Set<string>();
  const gone = new Set<number>();
  for (const { place, drops } of leaving) {
    gone.add(place);
    for (const dropped of drops) {
      gone.add(dropped);
    }
    const path = index.objectStorePath(place);
    names.add(lastPart(path));
    const key = canonicalKey(path);
    const places = leavingByObject.get(key);
    if (places === undefined) {
      leavingByObject.set(key, [place]);
    } else {
      places.push(place);
    }
  }
  for (const place of placesOf(index)) {
    if (gone.has(place)) {
      continue;
    }
    const path = index.objectStorePath(place);
    // Most names differ already, and a canonical key costs ten times as much.
    if (names.has(lastPart(path))) {
      for (const shared of leavingByObject.get(canonicalKey(path)) ?? []) {
        sharers.set(shared, place);
      }
    }
  }
  return sharers;
}

/** Equal for any two spellings of one key: what follows its last `/`, without empty and `.` parts. */
function lastPart(path: string): string {
  const part = path.slice(path.lastIndexOf('/') + 1);
  return part === '' || part === '.' ? (canonicalKey(path).split('/').at(-1) ?? '') : part;
}

function* placesOf(index: PlannerIndex): Iterable<number> {
  for (const { places } of [...index.partitions, ...(index.unreadable ?? [])]) {
    for (let nth = 0; nth < places.length; nth++) {
      yield at(places, nth);
    }
  }
}
