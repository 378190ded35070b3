import { parseCount, parseSize } from '../quantities.ts';
import { formatBytes } from '../quantity-text.ts';
import { SegctlError } from '../segctl-error.ts';

/** The most that one run may delete. */
export type Budget =
  /** Of the bytes of all loaded segments of the selected partitions; 1% is 10,000 millionths. */
  | { readonly kind: 'share'; readonly millionths: bigint }
  | { readonly kind: 'bytes'; readonly bytes: bigint }
  | { readonly kind: 'segments'; readonly segments: bigint };

/** `5%` (0 to 100, at most four decimals), `50GiB`, or a bare number of segments. */
export function parseBudget(text: string, option = '--max-delete'): Budget {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) {
    return { kind: 'segments', segments: parseCount(trimmed, option) };
  }
  if (!trimmed.endsWith('%')) {
    return { kind: 'bytes', bytes: parseSize(trimmed, option) };
  }
  const [, whole = '', fraction = ''] = /^(\d{1,3})(?:\.(\d{1,4}))?%$/.exec(trimmed) ?? [];
  const millionths = BigInt(`${whole}${fraction.padEnd(4, '0')}`);
  if (whole === '' || millionths > 1_000_000n) {
    throw new SegctlError(`${option}: "${text}" is not a share from 0% to 100%`, {
      code: 'invalid-budget',
      exit: 'usage',
      facts: { option, value: text },
      remedy: 'write it as 5%, 50GiB, or a number of segments',
    });
  }
  return { kind: 'share', millionths };
}

/** As parseBudget reads it. */
export function formatBudget(budget: Budget): string {
  switch (budget.kind) {
    case 'segments':
      return String(budget.segments);
    case 'bytes':
      return `${budget.bytes}B`;
    case 'share': {
      const fraction = String(budget.millionths % 10_000n)
        .padStart(4, '0')
        .replace(/0+$/, '');
      return `${budget.millionths / 10_000n}${fraction === '' ? '' : `.${fraction}`}%`;
    }
  }
}

/** What a plan would delete, and what there is. */
export interface BudgetUse {
  readonly deleteSegments: number;
  readonly deleteBytes: bigint;
  readonly totalBytes: bigint;
}

export function isWithinBudget(budget: Budget | null, use: BudgetUse): boolean {
  switch (budget?.kind) {
    case undefined:
      return true;
    case 'segments':
      return BigInt(use.deleteSegments) <= budget.segments;
    case 'bytes':
      return use.deleteBytes <= budget.bytes;
    case 'share':
      return use.deleteBytes * 1_000_000n <= use.totalBytes * budget.millionths;
  }
}

/** Throws `over-budget` (exit `refused`) with the figures when a plan is beyond its budget. */
export function assertWithinBudget(budget: Budget | null, use: BudgetUse): void {
  if (budget === null || isWithinBudget(budget, use)) {
    return;
  }
  throw new SegctlError(
    `the plan would delete ${use.deleteSegments} segments with ${formatBytes(use.deleteBytes)} of ` +
      `${formatBytes(use.totalBytes)}, beyond the budget of ${formatBudget(budget)}`,
    {
      code: 'over-budget',
      exit: 'refused',
      facts: {
        budget: formatBudget(budget),
        deleteSegments: use.deleteSegments,
        deleteBytes: use.deleteBytes,
        totalBytes: use.totalBytes,
      },
      remedy:
        'look at the plan with --dry-run; then raise --max-delete, or take less a run with --max-deletions',
    },
  );
}
