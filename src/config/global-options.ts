import { type Command, Option } from 'commander';

/** The flags that every command has, in the order of the help. */
export interface GlobalFlags {
  readonly dataDir: string;
  readonly index?: string;
  readonly store?: string;
  readonly config?: string;
  readonly format?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly logFormat: 'text' | 'json';
  readonly progress: boolean;
  readonly color: boolean;
  readonly concurrency?: string;
  readonly storeTimeout?: string;
  readonly at?: string;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .addOption(
      new Option('--data-dir <dir>', "the Chronik server's data folder")
        .env('CHRONIK_DATA_DIR')
        .default('./data'),
    )
    .option('--index <file>', 'the segment index (default: segment_index.json in the data folder)')
    .option(
      '--store <url>',
      "where the archives are: file:///path or s3://bucket/prefix (default: as Chronik's own environment says)",
    )
    .option('--config <file>', 'settings (default: segctl.yaml in the data folder)')
    .option(
      '-f, --format <format>',
      'table, wide, json, jsonl or csv (default: table on a terminal, jsonl elsewhere)',
    )
    .option('-q, --quiet', 'say no more than warnings and errors')
    .option('-v, --verbose', 'log every decision, and the causes of errors')
    .addOption(
      new Option('--log-format <format>', 'how log lines on stderr are written')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--no-progress', 'show no progress')
    .option('--no-color', 'use no colour; NO_COLOR does the same')
    .option('--concurrency <n>', 'requests to the store in flight at once')
    .option(
      '--store-timeout <duration>',
      'how long an S3 store may be silent before a request is tried again (default: 60s)',
    )
    .option('--at <time>', 'the clock: judge as if it were then');
}
