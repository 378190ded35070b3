import type { RecordRun } from '../../core/fetch/fetch-event.ts';

/** The first `count` records of the runs; stops reading once they are there. */
export async function* limited(
  runs: AsyncIterable<RecordRun>,
  count: number,
): AsyncGenerator<RecordRun, void, void> {
  let left = count;
  for await (const run of runs) {
    const to = Math.min(run.to, run.from + left);
    yield to === run.to ? run : { columns: run.columns, from: run.from, to };
    left -= to - run.from;
    if (left <= 0) return;
  }
}
