/**
 * Where journals live, seen from the engine. The file-system side is src/storage/run-files.ts. Lines
 * come and go without their line feed. All methods throw SegctlError.
 */
export interface RunFiles {
  /** How messages name the place: the folder of the runs. */
  readonly name: string;
  /** Ids of all runs that have a journal, oldest first. */
  list(): Promise<readonly string[]>;
  /**
   * Writes the beginning of a journal, all of it or nothing: when this returns, the lines survive a
   * power failure, and after a crash before that there is no such run.
   */
  create(runId: string, lines: Iterable<string>): Promise<void>;
  /** Opens a journal to append to; a line that a crash cut off is removed. */
  open(runId: string): Promise<JournalFile>;
  /** The complete lines. A last line without a line feed was cut off by a crash and is left out. */
  read(runId: string): AsyncIterable<string>;
  /** Removes a run with all its files. Missing is fine. */
  remove(runId: string): Promise<void>;
  /** The lines of the condensed history, none where there is none yet. */
  readHistory(): AsyncIterable<string>;
  /** Replaces the condensed history, all or nothing, durably. */
  replaceHistory(lines: Iterable<string>): Promise<void>;
}

export interface JournalFile {
  /** Hands the lines to the system in one write. A failed append leaves no part of a line behind. */
  append(lines: readonly string[]): Promise<void>;
  /** Makes all that was appended survive a power failure. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
