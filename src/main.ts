import type { Command, OptionValues } from 'commander';
import type { CommandRuntime, Run } from './commands/command-runtime.ts';
import type { Settings } from './config/settings.ts';
import { EXIT_CODES, type ExitName } from './core/exit-codes.ts';
import { ClosedPipeError, flushOut, hasColor, type Io, watchOutput } from './io.ts';

/** The process's own streams and clock; the first SIGINT or SIGTERM aborts, the second kills. */
function processIo(): Io {
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // It must stay: ink kills the process by any of these signals that nobody else listens to.
    const interrupt = (): void => {
      if (interruption.signal.aborted) {
        process.off(signal, interrupt);
        process.kill(process.pid, signal);
      }
      interruption.abort();
    };
    process.on(signal, interrupt);
  }
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    signal: interruption.signal,
  };
}

/** How an error is told: as the line's words say, and more exactly once the settings are known. */
interface ErrorStyle {
  format: 'text' | 'json';
  verbose: boolean;
  color: boolean;
}

/**
 * Runs one command line (without `node` and the script) and gives the exit status. The one place
 * where errors end: whatever a command throws is told on stderr here.
 */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  watchOutput(io.stdout);
  watchOutput(io.stderr);
  const style = styleOfWords(argv, io);
  try {
    const exit = await runLine(argv, io, (settings) => {
      style.format = settings.format === 'json' ? 'json' : 'text';
      style.verbose = settings.logLevel === 'debug';
    });
    await flushOut(io.stdout);
    return EXIT_CODES[exit].code;
  } catch (error) {
    return await failureOf(error, style, io);
  }
}

async function runLine(
  argv: readonly string[],
  io: Io,
  onSettings: (settings: Settings) => void,
): Promise<ExitName> {
  const { buildProgram } = await import('./commands/program.ts');
  let exit: ExitName = 'ok';
  const runtime: CommandRuntime = {
    action<Flags extends OptionValues>(run: Run<Flags>) {
      return async function (this: Command): Promise<void> {
        const { openContext } = await import('./context.ts');
        const context = await openContext(this, io, () => buildProgram(runtime, io));
        const { settings } = context;
        onSettings(settings);
        try {
          exit = (await run(context, this.args, this.opts<Flags>(), this)) ?? 'ok';
        } catch (error) {
          throw await toldOf(error, this, settings);
        } finally {
          await context.close();
        }
      };
    },
    run: (words) => main(words, io),
  };
  const program = await buildProgram(runtime, io, argv);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!isSaid(error)) throw error;
    if (error.exitCode !== 0) exit = 'usage';
  }
  return exit;
}

/** Names the place in segctl.yaml that the error is about, if it is about one. */
async function toldOf(error: unknown, command: Command, settings: Settings): Promise<unknown> {
  if (settings.config === undefined) return error;
  const { blameConfig } = await import('./config/apply-defaults.ts');
  return blameConfig(error, command, settings.config);
}

/** The commander errors that end help and version: what they are about is on the screen already. */
function isSaid(error: unknown): error is Error & { readonly exitCode: number } {
  return error instanceof Error && error.name === 'CommanderError' && 'exitCode' in error;
}

async function failureOf(error: unknown, style: ErrorStyle, io: Io): Promise<number> {
  if (error instanceof ClosedPipeError) return EXIT_CODES.ok.code;
  const [{ renderError }, { SegctlError }] = await Promise.all([
    import('./ui/error-report.ts'),
    import('./core/segctl-error.ts'),
  ]);
  const interrupted = io.signal.aborted && !(error instanceof SegctlError);
  const told = interrupted
    ? new SegctlError('interrupted', { code: 'interrupted', exit: 'interrupted', cause: error })
    : error;
  io.stderr.write(renderError(told, style));
  return told instanceof SegctlError ? told.exitCode : EXIT_CODES.failed.code;
}

/** Looked up in the words themselves: the error may be that they can't be parsed. */
function styleOfWords(argv: readonly string[], io: Io): ErrorStyle {
  const isJson = argv.some(
    (word, i) =>
      word === '--format=json' ||
      word === '-fjson' ||
      ((word === '-f' || word === '--format') && argv[i + 1] === 'json'),
  );
  return {
    format: isJson ? 'json' : 'text',
    verbose: argv.includes('-v') || argv.includes('--verbose'),
    color: hasColor(io.stderr, io.env) && !argv.includes('--no-color'),
  };
}
