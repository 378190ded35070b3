import type { Context } from '../context.ts';
import { type ProgressOptions, startProgress } from '../ui/progress.ts';
import type { ProgressTask } from '../ui/progress-meter.ts';

/** Runs `work` with a progress line on a terminal, or log lines now and then. */
export async function showProgress<T>(
  context: Context,
  task: ProgressTask,
  work: (onProgress: (done: number, total?: number) => void) => Promise<T>,
): Promise<T> {
  const { io, log, screen } = context;
  const progress = startProgress(task, {
    mode: progressMode(context),
    stderr: io.stderr,
    log,
    screen,
    now: io.now,
  });
  try {
    return await work((done, total) => progress.update(done, total));
  } finally {
    progress.finish();
  }
}

function progressMode({ io, settings }: Context): ProgressOptions['mode'] {
  if (!settings.progress || settings.logLevel === 'warn') return 'off';
  // A dumb terminal can't take a line back.
  return io.stderr.isTTY === true && io.env.TERM !== 'dumb' ? 'live' : 'log';
}
