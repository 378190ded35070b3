import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const originalDir = join(here, '../../fixtures/chronik-2.10.4-local/original');

export interface GoldenLog {
  readonly name: string;
  /** The batches as librdkafka sent them. */
  readonly bytes: Uint8Array;
  /** What DumpLogSegments of Apache Kafka 3.9.1 prints of them. */
  readonly dump: string;
}

/** The producers' own bytes of each partition of the fixture. */
export function goldenLogs(): GoldenLog[] {
  return readdirSync(originalDir)
    .filter((file) => file.endsWith('.log'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.log'.length);
      return {
        name,
        bytes: new Uint8Array(readFileSync(join(originalDir, file))),
        dump: readFileSync(join(originalDir, `${name}.dump.txt`), 'utf8'),
      };
    });
}
