import type { Writable } from 'node:stream';
import type { Logger } from './log.ts';
import { ProgressMeter, type ProgressTask } from './progress-meter.ts';
import type { ProgressView } from './progress-view.tsx';
import type { Screen } from './screen.ts';
import { isTerminalOutput } from './terminal-streams.ts';

/** Told by a command how far it is; shows it, or not, as suits where the command runs. */
export interface Progress {
  /** How much is done since the start; `total` may become known, and change, on the way. */
  update(done: number, total?: number): void;
  /** Takes away what was shown. Must be called however the work ends, and may be called twice. */
  finish(): void;
}

export interface ProgressOptions {
  /**
   * `live`: a line on the terminal that `stderr` is, from one second on. `log`: a log line now and
   * then. `off`: nothing, for --no-progress, -q, and while records are printed to a terminal.
   */
  readonly mode: 'live' | 'log' | 'off';
  readonly stderr: Writable;
  readonly log: Logger;
  /** Cleared by whoever else writes to the terminal, the logger among them. */
  readonly screen: Screen;
  /** Unix time in ms. */
  readonly now: () => number;
  /** Calls `tick` every `ms` until the returned function is called; a timer by default. */
  readonly every?: (ms: number, tick: () => void) => () => void;
}

/** Work that ends sooner shows nothing. */
const PATIENCE_MS = 1000;
const REDRAW_MS = 200;
const LOG_INTERVAL_MS = 10_000;

/** Starts to report the progress of `task`. Nothing is loaded or drawn before it takes a second. */
export function startProgress(task: ProgressTask, options: ProgressOptions): Progress {
  if (options.mode === 'off') return { update: () => {}, finish: () => {} };
  if (options.mode === 'live' && isTerminalOutput(options.stderr)) {
    return liveProgress(task, options, options.stderr);
  }
  return logProgress(task, options);
}

function logProgress(task: ProgressTask, { now, log }: ProgressOptions): Progress {
  let lastLine = now();
  const meter = new ProgressMeter(task, lastLine);
  return {
    update: (done, total) => {
      const at = now();
      meter.update(at, done, total);
      if (at - lastLine < LOG_INTERVAL_MS) return;
      lastLine = at;
      log.info(meter.sentence(at));
    },
    finish: () => {},
  };
}

function liveProgress(
  task: ProgressTask,
  { now, screen, every = everyInterval }: ProgressOptions,
  stderr: NodeJS.WriteStream,
): Progress {
  const startedAt = now();
  const meter = new ProgressMeter(task, startedAt);
  let view: ProgressView | 'loading' | undefined;
  let finished = false;
  let release = (): void => {};
  const draw = () => {
    // One column stays free: some terminals wrap a line that fills the last one.
    const line = meter.line(now(), (stderr.columns || 80) - 1);
    if (view === undefined) {
      view = 'loading';
      void import('./progress-view.tsx').then(({ mountProgress }) => {
        if (finished) return;
        const mounted = mountProgress(stderr, line);
        view = mounted;
        release = screen.hold(() => mounted.hide());
      });
    } else if (view !== 'loading') view.show(line);
  };
  const stop = every(REDRAW_MS, () => {
    if (now() - startedAt >= PATIENCE_MS) draw();
  });
  return {
    update: (done, total) => meter.update(now(), done, total),
    finish: () => {
      if (finished) return;
      finished = true;
      stop();
      release();
      if (view !== undefined && view !== 'loading') view.unmount();
    },
  };
}

function everyInterval(ms: number, tick: () => void): () => void {
  const timer = setInterval(tick, ms);
  // A picture of the work must not keep the process alive when the work is over.
  timer.unref();
  return () => clearInterval(timer);
}
