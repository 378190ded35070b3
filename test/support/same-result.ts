import type { RunResult } from './run-segctl.ts';

/** What can't be equal on two stores, or in two runs, and is left out of a comparison when named. */
export type Unequal =
  /** An object's version and time of writing. */
  | 'object'
  /** `./data/x` or `data/x`: keys that come from a listing are spelled as the store has them. */
  | 'spelling'
  /** When a plan was made, or a run was started; by which process. */
  | 'time'
  /** Names of runs, which hold their time. */
  | 'run';

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`;

const NEUTRAL: Readonly<Record<Unequal, (text: string) => string>> = {
  object: (text) =>
    text.replace(
      /"(objectVersion|heldByVersion|objectModified|objectModifiedMs)": ?("[^"]*"|\d+)/g,
      '"$1":0',
    ),
  spelling: (text) => text.replaceAll('./data/tantivy_indexes/', 'data/tantivy_indexes/'),
  time: (text) =>
    text
      .replace(new RegExp(`"(createdAt|startedAt|at|graceUntil)": ?"${TIME}"`, 'g'), '"$1":0')
      .replace(new RegExp(`deleted at +${TIME}`, 'g'), 'deleted at 0')
      .replace(/"(pid|startedAtMs|graceUntilMs|durationMs)": ?\d+/g, '"$1":0'),
  run: withoutRuns,
};

/**
 * A result to be held against another one's. Stdout is every byte as a Latin-1 character, less what
 * `unequal` names. Stderr goes without the times of its log lines and the place of the node, and its lines are
 * sorted: deletions are told as they come back.
 */
export function comparable(
  { status, stdout, stderr }: RunResult,
  cwd: string,
  unequal: readonly Unequal[] = [],
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const neutral = (text: string): string =>
    unequal.reduce((rest, name) => NEUTRAL[name](rest), placeless(text, cwd));
  const told = stderr.replace(new RegExp(`^${TIME} `, 'gm'), '');
  return {
    status,
    stdout: neutral(stdout.toString('latin1')),
    stderr: neutral(told).split('\n').sort().join('\n'),
  };
}

function placeless(text: string, cwd: string): string {
  return text
    .replaceAll(cwd, 'NODE')
    .replace(/(file:\/\/NODE\/data\/segments|s3:\/\/segctl-[\w./-]+)/g, 'STORE');
}

/** Names of runs hold their time and a random part. */
export function withoutRuns(text: string): string {
  return text.replace(/\b\d{8}T\d{9}Z-[0-9a-f]{8}\b/g, 'RUN');
}
