import { encodeRecord } from './journal-codec.ts';
import type { JournalRecord } from './journal-record.ts';
import type { RecordedRun } from './recorded-run.ts';
import type { JournalFile, RunFiles } from './run-files.ts';

/** Lines that are handed to the system at once. */
const FLUSH_LINES = 256;

/**
 * A run's journal while the run is carried out. What is written is taken into `run` too, so that a
 * run that goes on and one that was read back after a crash are one and the same to the engine.
 */
export class RunJournal {
  readonly run: RecordedRun;
  readonly #file: JournalFile;
  #lines: string[] = [];
  #appended: Promise<void> = Promise.resolve();

  private constructor(run: RecordedRun, file: JournalFile) {
    this.run = run;
    this.#file = file;
  }

  static async open(files: RunFiles, run: RecordedRun): Promise<RunJournal> {
    return new RunJournal(run, await files.open(run.id));
  }

  /** Notes a record; it reaches the disk with the next `sync` at the latest. */
  async note(record: JournalRecord): Promise<void> {
    this.run.take(record);
    this.#lines.push(encodeRecord(record));
    if (this.#lines.length >= FLUSH_LINES) await this.#flush();
  }

  /** Makes all that was noted survive a power failure. */
  async sync(): Promise<void> {
    await this.#flush();
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    if (this.#lines.length === 0) return await this.#appended;
    const lines = this.#lines;
    this.#lines = [];
    // One append after the other, also when several objects are dealt with at once.
    this.#appended = this.#appended.then(() => this.#file.append(lines));
    await this.#appended;
  }
}

/** Adds a record to the end of another run's journal, durably. */
export async function annotateRun(
  files: RunFiles,
  runId: string,
  record: JournalRecord,
): Promise<void> {
  const file = await files.open(runId);
  try {
    await file.append([encodeRecord(record)]);
    await file.sync();
  } finally {
    await file.close();
  }
}
