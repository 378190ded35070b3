import { SegctlError } from '../segctl-error.ts';

export interface Shrink {
  /** Entries before, and how many of them would go without another one in their place. */
  readonly before: number;
  readonly lost: number;
}

export interface ShrinkGuard {
  /** The largest share of the index that may go, in percent. */
  readonly maxShrinkPercent: number;
  /** Whether the operator has accepted a larger one. */
  readonly accepted: boolean;
}

/**
 * Refuses to let the index shrink by more than the limit: a bucket that lists empty, a volume that is
 * not mounted, and a prefix that was misspelled look just like archives that are gone.
 * `secondListing` looks again, and gives how many would be lost by what it saw.
 */
export async function guardShrink(
  shrink: Shrink,
  guard: ShrinkGuard,
  secondListing: () => Promise<number>,
): Promise<void> {
  const { before, lost } = shrink;
  if (lost * 100 <= before * guard.maxShrinkPercent) return;
  const facts = { entries: before, wouldLose: lost, maxShrinkPercent: guard.maxShrinkPercent };
  if (!guard.accepted) {
    throw new SegctlError('the index would shrink too far', {
      code: 'index-would-shrink',
      exit: 'refused',
      facts,
      remedy:
        'check that the store is the right one and complete (segctl doctor); if the archives are really gone, repeat with --accept-shrink, or raise --max-shrink',
    });
  }
  const again = await secondListing();
  if (again === lost) return;
  throw new SegctlError('a second listing of the store does not agree with the first', {
    code: 'listings-differ',
    exit: 'refused',
    facts: { ...facts, secondTime: again },
    remedy: 'something is changing the store, or it does not answer reliably; run again later',
  });
}

/** `5%`, from 0 to 100. Throws a usage error that names the option. */
export function parseShare(text: string, option: string): number {
  const percent = Number(/^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text.trim())?.[1] ?? Number.NaN);
  if (percent >= 0 && percent <= 100) return percent;
  throw new SegctlError(`${option}: "${text}" is not a share from 0% to 100%`, {
    code: 'invalid-share',
    exit: 'usage',
    facts: { option, value: text },
    remedy: 'write it as 5%',
  });
}
