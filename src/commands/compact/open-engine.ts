import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import type { Engine } from '../../core/compaction/engine.ts';
import { condenseHistory } from '../../core/compaction/history.ts';
import { settleUnfinished } from '../../core/compaction/resume.ts';
import type { RunReport } from '../../core/compaction/run-report.ts';
import { parseDuration } from '../../core/quantities.ts';
import { VERSION } from '../../version.ts';
import { indexMode, type LockFlags } from './compact-options.ts';

/** The index file, also where `--index` gives a mode and not a file. */
export function indexPathOf(context: Context): string {
  const { indexPath, dataDir } = context.settings;
  return indexMode(indexPath) === undefined ? indexPath : join(dataDir, 'segment_index.json');
}

/** The engine of runs over the invocation's store, index and journals. Takes no lock. */
export async function openEngine(
  context: Context,
  onProgress?: (done: number, total: number) => void,
): Promise<Engine> {
  const [{ FsRunFiles }, { fsIndexFile }] = await Promise.all([
    import('../../storage/run-files.ts'),
    import('../../storage/fs-index-file.ts'),
  ]);
  return {
    runs: new FsRunFiles(context.settings.dataDir),
    index: fsIndexFile(indexPathOf(context), { signal: context.signal }),
    store: await context.openStore(),
    log: context.log,
    now: context.io.now,
    random: () => randomBytes(4),
    signal: context.signal,
    self: { host: hostname(), pid: process.pid, tool: `segctl ${VERSION}` },
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

/** Runs `work` while no other run can be at work on the data dir. Throws `locked` (exit 6). */
export async function withRunLock<T>(
  context: Context,
  command: string,
  flags: LockFlags,
  work: () => Promise<T>,
): Promise<T> {
  const { acquireRunLock } = await import('../../storage/run-lock.ts');
  const lock = await acquireRunLock(context.settings.dataDir, {
    command,
    waitMs: flags.lockWait === undefined ? 0 : parseDuration(flags.lockWait, '--lock-wait'),
    breakUnknown: flags.breakLock === true,
    signal: context.signal,
    now: context.io.now,
    onWait: (holder) => {
      context.log.info('waiting for another run to end', {
        holder: holder === undefined ? 'unknown' : `${holder.command} (pid ${holder.pid})`,
      });
    },
  });
  if (lock.tookOver !== undefined) {
    context.log.warn('took over the lock of a run that is dead', {
      command: lock.tookOver.command,
      pid: lock.tookOver.pid,
      host: lock.tookOver.host,
    });
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/**
 * What every run does first, under the lock: finish or give up what an earlier one left, and keep the
 * history short.
 */
export async function clearTheWay(context: Context, engine: Engine): Promise<RunReport[]> {
  const reports = await settleUnfinished(engine);
  const condensed = await condenseHistory(engine.runs, context.io.now());
  if (condensed > 0) context.log.debug('condensed the history of old runs', { runs: condensed });
  return reports;
}
