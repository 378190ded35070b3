import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cleanEnv } from './run-segctl.ts';

const BIN = fileURLToPath(new URL('../../bin/segctl.js', import.meta.url));
const NODE = process.env.SEGCTL_TEST_NODE ?? process.execPath;

export interface TerminalOptions {
  readonly columns?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command line in a real terminal, made by util-linux's `script`. */
export class Terminal {
  readonly #child;
  #shown = '';
  #waiting: { readonly pattern: RegExp; readonly resolve: () => void }[] = [];
  readonly #ended: Promise<number | null>;

  /** `line` is run by sh; `segctl` in it is the built binary. */
  constructor(line: string, { columns = 80, cwd, env }: TerminalOptions = {}) {
    const setup = `stty cols ${columns} rows 24; segctl() { "${NODE}" "${BIN}" "$@"; }`;
    this.#child = spawn('script', ['-qfec', `${setup}; ${line}`, '/dev/null'], {
      // ink draws nothing but the last picture where it believes to run in CI.
      env: { ...cleanEnv({ TERM: 'xterm-256color', SHELL: '/bin/sh', ...env }), CI: 'false' },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.#shown += chunk;
      for (const { pattern, resolve } of this.#waiting) if (pattern.test(this.#shown)) resolve();
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', resolve);
    });
  }

  /** Everything that the terminal was sent, control sequences included. */
  get shown(): string {
    return this.#shown;
  }

  /** Resolves once the pattern was shown; the test's time limit ends the wait for what never comes. */
  async sees(pattern: RegExp): Promise<void> {
    if (pattern.test(this.#shown)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ pattern, resolve });
    });
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** The exit status of the line, and its screen as lines without control sequences. */
  async end(): Promise<{ readonly status: number | null; readonly lines: readonly string[] }> {
    const status = await this.#ended;
    this.#child.stdin.end();
    // The terminal itself shows the key that interrupts, wherever the cursor is.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    const text = this.#shown.replace(/\x1b\[[0-9;?]*[a-zA-Z]|\^C/g, '');
    return { status, lines: text.split('\r\n').map((one) => one.replace(/^.*\r(?!$)/, '')) };
  }
}
