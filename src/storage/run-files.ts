import { dirname, join } from 'node:path';
import type { JournalFile, RunFiles } from '../core/compaction/run-files.ts';
import { isRunId } from '../core/compaction/run-id.ts';
import { SegctlError } from '../core/segctl-error.ts';
import { errnoOf } from './index-file-port.ts';
import { nodeStateFsPort, type StateFile, type StateFsPort } from './state-fs-port.ts';

const JOURNAL = 'journal.jsonl';
const HISTORY = 'history.jsonl';
const TEMP_PREFIX = '.tmp-';
const READ_BYTES = 1 << 16;
const WRITE_BYTES = 1 << 20;
const LINE_FEED = 0x0a;

/**
 * Journals under `{data_dir}/.segctl/runs/RUN/journal.jsonl`, and the condensed history at
 * `{data_dir}/.segctl/history.jsonl`. A run's folder is made under another name and renamed once its
 * intent is durable, so that every folder with a run's name has a whole intent.
 */
export class FsRunFiles implements RunFiles {
  readonly name: string;
  readonly #state: string;
  readonly #port: StateFsPort;

  constructor(dataDir: string, port: StateFsPort = nodeStateFsPort) {
    this.#state = join(dataDir, '.segctl');
    this.name = join(this.#state, 'runs');
    this.#port = port;
  }

  async list(): Promise<readonly string[]> {
    const names = await this.#told(this.name, 'read', () => this.#port.list(this.name));
    return names.filter(isRunId).sort();
  }

  async create(runId: string, lines: Iterable<string>): Promise<void> {
    const temp = join(this.name, `${TEMP_PREFIX}${runId}`);
    const place = join(this.name, runId);
    await this.#told(place, 'write', async () => {
      await this.#makeRunsFolder();
      await this.#removeLeftovers();
      try {
        await this.#port.makeFolder(temp);
        await this.#writeFile(join(temp, JOURNAL), lines);
        await this.#port.syncFolder(temp);
        await this.#port.rename(temp, place);
      } catch (error) {
        await this.#port.removeFolder(temp).catch(() => undefined);
        throw error;
      }
      await this.#port.syncFolder(this.name);
    });
  }

  async open(runId: string): Promise<JournalFile> {
    const path = this.#journalOf(runId);
    return await this.#told(path, 'write', async () => {
      const file = await this.#port.openWrite(path);
      try {
        const wholeLines = await endOfLastLine(file);
        if (wholeLines < (await file.sizeBytes())) await file.truncate(wholeLines);
        return new AppendFile(path, file, wholeLines);
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  async *read(runId: string): AsyncIterable<string> {
    const path = this.#journalOf(runId);
    let file: StateFile;
    try {
      file = await this.#port.openRead(path);
    } catch (error) {
      throw errnoOf(error) === 'ENOENT'
        ? runNotFound(this.name, runId)
        : failed(path, 'read', error);
    }
    yield* linesOf(path, file);
  }

  async remove(runId: string): Promise<void> {
    const place = join(this.name, runId);
    await this.#told(place, 'write', async () => {
      // Renamed first: half a removal must not leave a run's name on a folder without its journal.
      const temp = join(this.name, `${TEMP_PREFIX}${runId}`);
      try {
        await this.#port.rename(place, temp);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return;
        throw error;
      }
      await this.#port.removeFolder(temp);
    });
  }

  async *readHistory(): AsyncIterable<string> {
    const path = join(this.#state, HISTORY);
    let file: StateFile;
    try {
      file = await this.#port.openRead(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw failed(path, 'read', error);
    }
    yield* linesOf(path, file);
  }

  async replaceHistory(lines: Iterable<string>): Promise<void> {
    const path = join(this.#state, HISTORY);
    const temp = join(this.name, `${TEMP_PREFIX}${HISTORY}`);
    await this.#told(path, 'write', async () => {
      await this.#makeRunsFolder();
      await this.#removeLeftovers();
      await this.#writeFile(temp, lines);
      await this.#port.rename(temp, path);
      await this.#port.syncFolder(this.#state);
    });
  }

  #journalOf(runId: string): string {
    // A name that a person typed must not lead out of the folder.
    if (!isRunId(runId)) throw runNotFound(this.name, runId);
    return join(this.name, runId, JOURNAL);
  }

  async #makeRunsFolder(): Promise<void> {
    await this.#port.makeFolder(this.name);
    await this.#port.syncFolder(this.#state);
    await this.#port.syncFolder(dirname(this.#state));
  }

  /** What crashed runs left behind; under the lock nobody else has such a file. */
  async #removeLeftovers(): Promise<void> {
    for (const name of await this.#port.list(this.name)) {
      if (name.startsWith(TEMP_PREFIX)) await this.#port.removeFolder(join(this.name, name));
    }
  }

  async #writeFile(path: string, lines: Iterable<string>): Promise<void> {
    const file = await this.#port.create(path);
    try {
      let position = 0;
      for (const chunk of chunksOf(lines)) {
        await file.write(chunk, position);
        position += chunk.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #told<T>(path: string, action: 'read' | 'write', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw failed(path, action, error);
    }
  }
}

class AppendFile implements JournalFile {
  readonly #path: string;
  readonly #file: StateFile;
  /** The length of all whole lines: where the next append begins. */
  #end: number;
  #torn = false;

  constructor(path: string, file: StateFile, end: number) {
    this.#path = path;
    this.#file = file;
    this.#end = end;
  }

  async append(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8');
    try {
      if (this.#torn) await this.#file.truncate(this.#end);
      this.#torn = true;
      await this.#file.write(bytes, this.#end);
      this.#torn = false;
      this.#end += bytes.length;
    } catch (error) {
      // Left as it is: whoever opens or appends next cuts the torn part off.
      throw failed(this.#path, 'write', error);
    }
  }

  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      throw failed(this.#path, 'write', error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function* chunksOf(lines: Iterable<string>): Iterable<Uint8Array> {
  let held: string[] = [];
  let length = 0;
  for (const line of lines) {
    held.push(line, '\n');
    length += line.length + 1;
    if (length < WRITE_BYTES) continue;
    yield Buffer.from(held.join(''), 'utf8');
    held = [];
    length = 0;
  }
  if (length > 0) yield Buffer.from(held.join(''), 'utf8');
}

/** The whole lines of a file, which is closed at the end. */
async function* linesOf(path: string, file: StateFile): AsyncIterable<string> {
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let rest: Buffer[] = [];
    let position = 0;
    for (;;) {
      const length = await file.read(buffer, position);
      if (length === 0) return;
      position += length;
      let from = 0;
      for (;;) {
        const end = buffer.subarray(0, length).indexOf(LINE_FEED, from);
        if (end < 0) break;
        yield Buffer.concat([...rest, buffer.subarray(from, end)]).toString('utf8');
        rest = [];
        from = end + 1;
      }
      if (from < length) rest.push(Buffer.from(buffer.subarray(from, length)));
    }
  } catch (error) {
    throw failed(path, 'read', error);
  } finally {
    await file.close();
  }
}

/** The offset after the last line feed, looked for from the end. */
async function endOfLastLine(file: StateFile): Promise<number> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let end = await file.sizeBytes(); end > 0; ) {
    const start = Math.max(0, end - READ_BYTES);
    const length = await file.read(buffer.subarray(0, end - start), start);
    const at = buffer.subarray(0, length).lastIndexOf(LINE_FEED);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

function runNotFound(folder: string, runId: string): SegctlError {
  return new SegctlError(`there is no run ${runId}`, {
    code: 'run-not-found',
    facts: { run: runId, folder },
    remedy: 'list the runs with: segctl compact history',
  });
}

/** Words a system error; what isn't one comes back as it is. */
function failed(path: string, action: 'read' | 'write', cause: unknown): unknown {
  const errno = errnoOf(cause);
  if (errno === undefined || cause instanceof SegctlError) return cause;
  return new SegctlError(`can't ${action} the journal at ${path} (${errno})`, {
    code: action === 'read' ? 'journal-unreadable' : 'journal-write-failed',
    facts: { path, errno },
    remedy: REMEDIES[errno] ?? 'check the disk, then run: segctl compact resume',
    cause,
  });
}

const OWNER = 'run segctl as the user that owns the data dir, or give this user access';
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on the disk of the data dir, then run: segctl compact resume',
  EDQUOT: 'raise the quota of the data dir, then run: segctl compact resume',
  EACCES: OWNER,
  EPERM: OWNER,
  EROFS: 'mount the data dir for writing, or use a command that only reads',
};
