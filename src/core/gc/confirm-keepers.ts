import type { ObjectStore } from '../../storage/object-store.ts';
import { surveyObjects } from '../compaction/survey.ts';
import type { GcDeletion, GcKept } from './gc-plan.ts';

/**
 * Looks at every keeper once more, right before anything is deleted: Chronik overwrites archives in
 * place, and a keeper that was written anew may not hold what it held. What it was to hold stays.
 */
export async function confirmKeepers(
  deletions: readonly GcDeletion[],
  store: ObjectStore,
  signal: AbortSignal,
): Promise<{ readonly delete: readonly GcDeletion[]; readonly keep: readonly GcKept[] }> {
  const keys = new Set(deletions.flatMap(({ keeper }) => keeper?.info.key ?? []));
  const now = await surveyObjects(store, [...keys], signal);
  const isSound = ({ keeper }: GcDeletion): boolean =>
    keeper === undefined || now.get(keeper.info.key)?.version === keeper.info.version;
  return {
    delete: deletions.filter(isSound),
    keep: deletions
      .filter((one) => !isSound(one))
      .map(({ member }) => ({ member, reason: 'keeper-changed' })),
  };
}
