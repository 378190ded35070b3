import { canonicalKey } from '../../storage/canonical-key.ts';
import type { ObjectInfo } from '../../storage/object-store.ts';
import { type LedgerRow, parseLedgerLine, writeLedgerRow, writeRunLine } from './ledger-line.ts';

/** The ledger's file, lines of text. Appending must leave whole lines before it as they are. */
export interface LedgerFile {
  /** The whole text; '' where there is no file. A line at its end may be torn. */
  read(): Promise<string>;
  append(text: string): Promise<void>;
  /** Replaces the file, all or nothing. */
  replace(text: string): Promise<void>;
}

/** Results wait for this many before they are appended. */
const BATCH_ROWS = 64;
/** Rewritten when it has this many times more lines than it needs. */
const REWRITE_RATIO = 4;

/**
 * Remembers what reading an archive showed, by key and identity of the object, so that unchanged
 * ones need not be read again and the stalest come first. It only ever saves work: a line that can't
 * be read is as if it had never been written.
 */
export class Ledger {
  readonly #file: LedgerFile;
  readonly #rows = new Map<string, LedgerRow>();
  #pending: string[] = [];
  #lines = 0;
  #tornTail = false;
  #openRun: { readonly selection: string; readonly startedAtMs: number } | undefined;

  private constructor(file: LedgerFile) {
    this.#file = file;
  }

  static async open(file: LedgerFile): Promise<Ledger> {
    const ledger = new Ledger(file);
    const text = await file.read();
    for (const line of text.split('\n')) if (line !== '') ledger.#take(line);
    ledger.#tornTail = text !== '' && !text.endsWith('\n');
    return ledger;
  }

  #take(line: string): void {
    this.#lines++;
    const parsed = parseLedgerLine(line);
    if (parsed?.kind === 'archive') this.#rows.set(canonicalKey(parsed.key), parsed);
    if (parsed?.kind === 'run') this.#openRun = parsed.done ? undefined : parsed;
  }

  /**
   * What is known of this very object: the same key and size, and the same version or time of
   * writing. A copy put back with its times (`cp -a`, a restored backup) has another inode alone.
   */
  find(info: ObjectInfo): LedgerRow | undefined {
    const row = this.#rows.get(canonicalKey(info.key));
    if (row === undefined || row.sizeBytes !== info.sizeBytes) return undefined;
    return row.version === info.version || row.modifiedMs === info.lastModifiedMs ? row : undefined;
  }

  async put(row: LedgerRow): Promise<void> {
    this.#rows.set(canonicalKey(row.key), row);
    this.#pending.push(writeLedgerRow(row));
    if (this.#pending.length >= BATCH_ROWS) await this.flush();
  }

  /** Writes what waits. Called at the end, and before anything that may not come back. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const lines = this.#pending;
    this.#pending = [];
    const start = this.#tornTail ? '\n' : '';
    this.#tornTail = false;
    this.#lines += lines.length;
    await this.#file.append(`${start}${lines.join('\n')}\n`);
  }

  /** When the last run over `selection` began, if it was stopped before its end. */
  interruptedSince(selection: string): number | undefined {
    return this.#openRun?.selection === selection ? this.#openRun.startedAtMs : undefined;
  }

  async beginRun(selection: string, startedAtMs: number): Promise<void> {
    this.#openRun = { selection, startedAtMs };
    this.#pending.push(writeRunLine(selection, startedAtMs, false));
    await this.flush();
  }

  async endRun(): Promise<void> {
    const run = this.#openRun;
    if (run === undefined) return;
    this.#openRun = undefined;
    this.#pending.push(writeRunLine(run.selection, run.startedAtMs, true));
    await this.flush();
    if (this.#lines > REWRITE_RATIO * (this.#rows.size + BATCH_ROWS)) await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    const lines = [...this.#rows.values()].map(writeLedgerRow);
    await this.#file.replace(lines.map((line) => `${line}\n`).join(''));
    this.#lines = lines.length;
  }
}
