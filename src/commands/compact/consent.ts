import { type Context, renderOptions } from '../../context.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { showProgress } from '../show-progress.ts';

/** Whether people read stdout: then the plan is shown too, and not only the outcome as data. */
export function wantsSentences(context: Context): boolean {
  const { format } = renderOptions(context);
  return format === 'table' || format === 'wide';
}

/** Throws a usage error where nobody can be asked: before work is done that leads to a question. */
export async function assertCanAsk(context: Context): Promise<void> {
  const { canAsk } = await import('../../ui/prompt.ts');
  const { stdin, stderr } = context.io;
  if (canAsk({ stdin, stderr })) return;
  throw new SegctlError('there is no terminal to ask on, and --yes was not given', {
    code: 'no-terminal',
    exit: 'usage',
    remedy: 'pass --yes to do it without being asked, or --dry-run to see what would be done',
  });
}

/** Asks on the terminal. Without one it is a usage error that says what to pass instead. */
export async function askFirst(context: Context, question: string): Promise<boolean> {
  await assertCanAsk(context);
  const { confirm } = await import('../../ui/prompt.ts');
  const { stdin, stderr, signal } = context.io;
  const isYes = await confirm({ question }, { stdin, stderr, signal });
  if (!isYes) context.log.info('nothing was changed');
  return isYes;
}

/** Runs `work` on objects with a progress line on a terminal, or log lines now and then. */
export async function withProgress<T>(
  context: Context,
  label: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  return await showProgress(context, { label, unit: 'objects' }, work);
}
