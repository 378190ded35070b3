import { acquireRunLock } from '../../src/storage/run-lock.ts';

/**
 * Takes the lock of a data dir and says so, then waits for a line on stdin, gives it back and ends:
 * DATA_DIR WAIT_MS. Where it can't be had, prints the error's code and facts.
 */
const [dataDir = '', waitMs] = process.argv.slice(2);
try {
  const lock = await acquireRunLock(dataDir, {
    command: 'lock test',
    waitMs: Number(waitMs),
    breakUnknown: false,
    signal: new AbortController().signal,
    now: Date.now,
  });
  process.stdout.write(`held ${lock.tookOver?.pid ?? 0}\n`);
  process.stdin.once('data', () => {
    void lock.release().then(() => process.exit(0));
  });
} catch (error) {
  const facts = error instanceof Error && 'facts' in error ? error.facts : {};
  process.stdout.write(`refused ${JSON.stringify(facts)}\n`);
}
