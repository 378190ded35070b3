import { EXIT_CODES, type ExitName } from './exit-codes.ts';

/** A value that an error report can print without loss: int64s stay bigint. */
export type Fact = string | number | bigint | boolean | null;

export interface SegctlErrorInit {
  /** Stable, kebab-case and machine-readable, e.g. `index-malformed`. Documented once published. */
  readonly code: string;
  /** Which documented exit status the process ends with when this error reaches the top. */
  readonly exit?: ExitName;
  /** What was seen: path, byte, key, expected and found. Printed one a line, and as JSON. */
  readonly facts?: Readonly<Record<string, Fact>>;
  /** What the person should do next, a full command where there is one. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * The one kind of error that segctl throws on purpose. The message is lower case, without a full
 * stop; the renderer in main adds the headline, the facts and the remedy.
 */
export class SegctlError extends Error {
  readonly code: string;
  readonly exit: ExitName;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly remedy: string | undefined;

  constructor(message: string, init: SegctlErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'SegctlError';
    this.code = init.code;
    this.exit = init.exit ?? 'failed';
    this.facts = init.facts ?? {};
    this.remedy = init.remedy;
  }

  get exitCode(): number {
    return EXIT_CODES[this.exit].code;
  }
}
