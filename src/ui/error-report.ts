import pc from 'picocolors';
import { EXIT_CODES, type ExitName } from '../core/exit-codes.ts';
import { type Fact, SegctlError } from '../core/segctl-error.ts';
import { type JsonValue, toJson } from './json.ts';
import { escapeForTerminal } from './terminal-text.ts';

export interface ErrorReportOptions {
  readonly format: 'text' | 'json';
  /** -v: the chain of causes, and the stack of an unexpected error. */
  readonly verbose: boolean;
  readonly color: boolean;
}

interface Report {
  readonly code: string;
  readonly exit: ExitName;
  readonly message: string;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly remedy: string | undefined;
  readonly causes: readonly string[];
  readonly stack: string | undefined;
}

/**
 * What stderr says about the error that ends a run: the headline, a fact a line, and the next step;
 * or, as JSON, `{"error":{code,message,exitCode,facts,remedy}}` on one line. Ends with a line feed.
 * Anything but a SegctlError is a defect of segctl and is reported as one, with the code
 * `internal-error` and exit code 1.
 */
export function renderError(error: unknown, options: ErrorReportOptions): string {
  const report = reportOf(error, options.verbose);
  return options.format === 'json' ? jsonReport(report) : textReport(report, options.color);
}

function reportOf(error: unknown, verbose: boolean): Report {
  const causes = verbose ? causesOf(error) : [];
  if (error instanceof SegctlError) {
    const { code, exit, message, facts, remedy } = error;
    return { code, exit, message, facts, remedy, causes, stack: undefined };
  }
  const isError = error instanceof Error;
  const text = isError ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;
  return {
    code: 'internal-error',
    exit: 'failed',
    message: `internal error: ${text}`,
    facts: {},
    remedy: verbose
      ? 'this is a defect of segctl: please report it with the lines above'
      : 'this is a defect of segctl: please report it, with what the same command prints with -v',
    causes,
    stack: verbose && isError ? error.stack : undefined,
  };
}

function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  // A chain that leads back to itself must not keep the report from ending.
  while (cause !== undefined && causes.length < 10) {
    causes.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

function textReport(report: Report, color: boolean): string {
  const colors = pc.createColors(color);
  const lines = [`${colors.red(colors.bold('segctl:'))} ${escapeForTerminal(report.message)}`];
  const labels = Object.keys(report.facts).map((key) => words(key));
  const width = Math.max(0, ...labels.map((label) => label.length));
  Object.values(report.facts).forEach((value, i) => {
    const label = (labels[i] ?? '').padEnd(width);
    lines.push(`  ${colors.dim(label)}  ${escapeForTerminal(String(value))}`);
  });
  for (const cause of report.causes) lines.push(`caused by: ${escapeForTerminal(cause)}`);
  if (report.stack !== undefined) {
    for (const line of report.stack.split('\n').slice(1)) lines.push(escapeForTerminal(line));
  }
  if (report.remedy !== undefined) {
    lines.push(`${colors.bold('next:')} ${escapeForTerminal(report.remedy)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** `objectStorePath` is `object store path` to a reader. */
function words(key: string): string {
  return escapeForTerminal(key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}

function jsonReport(report: Report): string {
  const error: JsonValue = {
    code: report.code,
    message: report.message,
    exitCode: EXIT_CODES[report.exit].code,
    facts: report.facts,
    remedy: report.remedy,
    causes: report.causes.length === 0 ? undefined : report.causes,
    stack: report.stack,
  };
  return `${toJson({ error })}\n`;
}
