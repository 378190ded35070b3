import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of test/judge/pom.xml; a new one gets a cache folder of its own. */
const KAFKA_VERSION = '3.9.1';
const MAX_OUTPUT_BYTES = 1024 ** 3;

const here = dirname(fileURLToPath(import.meta.url));
const cacheDir = join(here, '../../.cache');

export interface JudgedHeader {
  readonly key: string;
  /** Hex. */
  readonly value: string | null;
}

/** A record as Kafka's clients read it: int64s are decimal strings, bytes hex or null. */
export interface JudgedRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly JudgedHeader[];
}

export interface BatchSpec {
  readonly baseOffset: string;
  /** May lie behind the last record's offset, as after compaction. */
  readonly lastOffset: string;
  readonly partitionLeaderEpoch: number;
  readonly compressionType: string;
  readonly timestampType: string;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** Only used for LogAppendTime when writing. */
  readonly maxTimestamp: string;
  readonly deleteHorizonMs: string | null;
  readonly records: readonly JudgedRecord[];
}

/** A batch as Kafka's clients read it, after their own `ensureValid`. */
export interface JudgedBatch extends BatchSpec {
  readonly baseTimestamp: string;
  readonly crc: number;
  readonly sizeBytes: number;
  readonly records: readonly (JudgedRecord & { readonly sequence: number })[];
}

/** Apache Kafka's own classes, run as programs: an opinion on batches that is not segctl's. */
export class KafkaTools {
  readonly #classpath: string;

  constructor(jarsDir: string) {
    this.#classpath = join(jarsDir, '*');
  }

  /**
   * What DumpLogSegments prints of these bytes as a segment file of this base offset, from the line
   * "Log starting offset" on. What it tells on stderr, such as gaps between offsets, is left out.
   */
  dumpLogSegments(
    bytes: Uint8Array,
    baseOffset: bigint,
    { deep, printData }: { deep: boolean; printData: boolean },
  ): string {
    return inTempDir((dir) => {
      // The tool reads the start offset from the 20 digits of the name.
      const file = join(dir, `${baseOffset.toString().padStart(20, '0')}.log`);
      writeFileSync(file, bytes);
      const flags = [
        ...(deep ? ['--deep-iteration'] : []),
        ...(printData ? ['--print-data-log'] : []),
      ];
      const printed = this.#java('kafka.tools.DumpLogSegments', '--files', file, ...flags);
      return printed.slice(printed.indexOf('\n') + 1);
    });
  }

  /** The batches that kafka-clients finds in these bytes; throws what it says when it finds a fault. */
  decode(bytes: Uint8Array): JudgedBatch[] {
    return inTempDir((dir) => {
      const file = join(dir, 'batches');
      writeFileSync(file, bytes);
      const printed = this.#java(join(here, 'RecordsJudge.java'), 'decode', file);
      const lines = printed.split('\n').filter((line) => line !== '');
      return lines.map((line): JudgedBatch => JSON.parse(line));
    });
  }

  /** The bytes that kafka-clients writes for these batches, back to back. */
  encode(batches: readonly BatchSpec[]): Uint8Array {
    return inTempDir((dir) => {
      const specs = join(dir, 'specs.json');
      const file = join(dir, 'batches');
      writeFileSync(specs, JSON.stringify(batches));
      this.#java(join(here, 'RecordsJudge.java'), 'encode', specs, file);
      return new Uint8Array(readFileSync(file));
    });
  }

  #java(program: string, ...args: string[]): string {
    return execFileSync('java', ['-cp', this.#classpath, program, ...args], {
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT_BYTES,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
  }
}

/**
 * Kafka's tools, fetched with Maven on the first use. Where Java or Maven is missing, null and a
 * loud word on stderr; in CI, where the judgement may not be left out, an error.
 */
export function kafkaToolsOrSkip(): KafkaTools | null {
  try {
    return new KafkaTools(resolveJars());
  } catch (cause) {
    if (process.env.CI) throw new Error("Kafka's own tools are needed in CI", { cause });
    console.error(`SKIPPED: no judgement by Kafka's own tools, which need java and mvn: ${cause}`);
    return null;
  }
}

/** The folder with the jars. It appears whole or not at all, also with several runs at once. */
function resolveJars(): string {
  const jarsDir = join(cacheDir, `kafka-tools-${KAFKA_VERSION}`);
  execFileSync('java', ['-version'], { stdio: 'ignore' });
  if (existsSync(jarsDir)) return jarsDir;
  mkdirSync(cacheDir, { recursive: true });
  const partDir = mkdtempSync(join(cacheDir, 'kafka-tools-part-'));
  try {
    const goal = 'dependency:copy-dependencies';
    const pom = join(here, 'pom.xml');
    execFileSync('mvn', ['-q', '-B', '-f', pom, goal, `-DoutputDirectory=${partDir}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    renameSync(partDir, jarsDir);
  } catch (error) {
    // Another run may have been first; its folder is as good.
    if (!existsSync(jarsDir)) throw error;
  } finally {
    rmSync(partDir, { recursive: true, force: true });
  }
  return jarsDir;
}

function inTempDir<T>(use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'segctl-judge-'));
  try {
    return use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
