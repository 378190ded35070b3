import type { Command, OptionValues } from 'commander';
import type { CommandRuntime, Run } from './commands/command-runtime.ts';
import { EXIT_CODES, type ExitName } from './core/exit-codes.ts';
import { ClosedPipeError, flushOut, type Io } from './io.ts';

/** The process's own streams and clock; the first SIGINT or SIGTERM aborts, the second kills. */
function processIo(): Io {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
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

/**
 * Runs one command line (without `node` and the script) and gives the exit status. The one place
 * where errors end: whatever a command throws is told on stderr here.
 */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  // A reader that goes away is learned from the writes; the event itself must not kill the process.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => {});
  let exit: ExitName = 'ok';
  const runtime: CommandRuntime = {
    action<Flags extends OptionValues>(run: Run<Flags>) {
      return async function (this: Command): Promise<void> {
        const { openContext } = await import('./context.ts');
        const context = await openContext(this, io);
        try {
          exit = (await run(context, this.args, this.opts<Flags>(), this)) ?? 'ok';
        } finally {
          await context.close();
        }
      };
    },
    run: (words) => main(words, io),
  };
  try {
    const { buildProgram } = await import('./commands/program.ts');
    const program = await buildProgram(runtime, io, argv);
    await program.parseAsync([...argv], { from: 'user' });
    await flushOut(io.stdout);
    return EXIT_CODES[exit].code;
  } catch (error) {
    return await failureOf(error, argv, io);
  }
}

async function failureOf(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  if (error instanceof ClosedPipeError) return EXIT_CODES.ok.code;
  const { CommanderError } = await import('commander');
  if (error instanceof CommanderError) {
    // Help and version end this way too, with exit code 0; commander has written the message.
    return error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code;
  }
  const { renderError } = await import('./ui/error-report.ts');
  const { SegctlError } = await import('./core/segctl-error.ts');
  const interrupted = io.signal.aborted && !(error instanceof SegctlError);
  const told = interrupted
    ? new SegctlError('interrupted', { code: 'interrupted', exit: 'interrupted', cause: error })
    : error;
  io.stderr.write(
    renderError(told, {
      format: wantsJson(argv) ? 'json' : 'text',
      verbose: argv.includes('-v') || argv.includes('--verbose'),
      color:
        io.stderr.isTTY === true && (io.env.NO_COLOR ?? '') === '' && !argv.includes('--no-color'),
    }),
  );
  return told instanceof SegctlError ? told.exitCode : EXIT_CODES.failed.code;
}

/** Looked up in the words themselves: the error may be that they can't be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, i) =>
      word === '--format=json' ||
      word === '-fjson' ||
      ((word === '-f' || word === '--format') && argv[i + 1] === 'json'),
  );
}
