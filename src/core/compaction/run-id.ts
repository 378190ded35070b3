/** `20260131T030000123Z-9f86d081`: the start in UTC to the ms, and 32 random bits. */
const RUN_ID = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/;

/**
 * The name of a run and of its folder. Ids sort by the time of the start as plain text; the random
 * part keeps two runs of one millisecond apart.
 */
export function makeRunId(startedAtMs: number, random: Uint8Array): string {
  const time = new Date(startedAtMs).toISOString().replace(/[-:.]/g, '');
  const suffix = Array.from(random.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0'));
  return `${time}-${suffix.join('').padStart(8, '0')}`;
}

export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** Epoch ms of a run's start. */
export function runIdTime(runId: string): number {
  const [, y, mo, d, h, mi, s, ms] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/.exec(runId) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}.${ms}Z`);
}
