import type { Readable, Writable } from 'node:stream';
import { SegctlError } from '../core/segctl-error.ts';
import { isTerminalInput, isTerminalOutput } from './terminal-streams.ts';
import { escapeForTerminal } from './terminal-text.ts';

export interface Confirmation {
  /** Without the hint: `delete 412 segments (5.91 GiB)?`. */
  readonly question: string;
  /** What must be typed in full to go on, such as a topic's name; without it, `y` is enough. */
  readonly typed?: string;
}

export interface PromptStreams {
  readonly stdin: Readable;
  /** The question goes to stderr: stdout carries the result alone. */
  readonly stderr: Writable;
  /** Ends the prompt as Ctrl-C does. */
  readonly signal?: AbortSignal;
}

export type Answer = { readonly text: string } | 'interrupted' | 'closed';

/** Whether a person can be asked at all. */
export function canAsk({ stdin, stderr }: PromptStreams): boolean {
  return isTerminalInput(stdin) && isTerminalOutput(stderr);
}

/**
 * Asks on the terminal, and is true for the answer `y` or `yes`, or for the exact text that
 * `typed` demands. Anything else is no, as are Ctrl-D and a terminal that goes away. The terminal
 * is left as it was found.
 *
 * @throws SegctlError `interrupted` on Ctrl-C, and `no-terminal` where nobody can be asked.
 */
export async function confirm(prompt: Confirmation, streams: PromptStreams): Promise<boolean> {
  const { stdin, stderr, signal } = streams;
  if (!isTerminalInput(stdin) || !isTerminalOutput(stderr)) {
    throw new SegctlError('there is no terminal to ask for confirmation on', {
      code: 'no-terminal',
      exit: 'usage',
      remedy: 'pass --yes to go on without being asked, or --dry-run to see what would be done',
    });
  }
  if (signal?.aborted) throw interrupted();
  const { ask } = await import('./prompt-view.tsx');
  const hint = prompt.typed === undefined ? '[y/N]' : `type ${prompt.typed} to go on:`;
  const question = `${escapeForTerminal(prompt.question)} ${escapeForTerminal(hint)}`;
  const answer = await ask(question, { stdin, stderr, ...(signal && { signal }) });
  if (answer === 'interrupted') throw interrupted();
  if (answer === 'closed') return false;
  return prompt.typed === undefined
    ? /^y(es)?$/i.test(answer.text.trim())
    : answer.text.trim() === prompt.typed;
}

function interrupted(): SegctlError {
  return new SegctlError('interrupted before anything was changed', {
    code: 'interrupted',
    exit: 'interrupted',
  });
}
