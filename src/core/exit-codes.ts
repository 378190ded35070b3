/**
 * What the process's exit status means. Scripts depend on these numbers: a number is never given a
 * second meaning. The help, the man page and docs/exit-codes.md are made from this table.
 */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done, or nothing to do' },
  failed: { code: 1, meaning: 'failed' },
  usage: { code: 2, meaning: 'wrong usage or configuration' },
  refused: {
    code: 3,
    meaning: 'refused by a guard: budget, stale plan, index would shrink too far, hole',
  },
  findings: { code: 4, meaning: 'findings: verify, reindex --check or doctor found differences' },
  partial: {
    code: 5,
    meaning: 'partly done: some objects could not be deleted; a rerun finishes the job',
  },
  locked: { code: 6, meaning: 'locked by another run' },
  belowStart: { code: 20, meaning: 'fetch: the offset is below the start of what is archived' },
  inGap: { code: 21, meaning: 'fetch: the offset lies in a gap' },
  deletedByRun: { code: 22, meaning: 'fetch: the offset was deleted by a recorded run' },
  objectMissing: { code: 23, meaning: 'fetch: the archive that holds the offset is missing' },
  archiveDamaged: { code: 24, meaning: 'fetch: the archive that holds the offset is damaged' },
  pastEnd: { code: 25, meaning: 'fetch: the offset is past the end of what is archived' },
  interrupted: { code: 130, meaning: 'interrupted' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;
