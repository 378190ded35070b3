import { type Command, Option } from 'commander';
import type { ConfigFile } from '../../config/config-file.ts';
import { parseDuration } from '../../core/quantities.ts';
import { parseBudget } from '../../core/retention/budget.ts';
import {
  AGE_BASES,
  COMBINES,
  type RetentionSettings,
  resolveSettings,
  STRATEGIES,
} from '../../core/retention/policy.ts';
import {
  parseMaxDeletions,
  parseRetentionOptions,
  type RetentionOptions,
} from '../../core/retention/policy-options.ts';
import { SegctlError } from '../../core/segctl-error.ts';

/** The flags that decide what a plan condemns, as typed. */
export interface RetentionFlags extends RetentionOptions {
  readonly maxDeletions?: string | false;
  readonly maxDelete?: string;
  readonly includeLive?: boolean;
  readonly only?: readonly string[];
}

export function addRetentionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <strategy>', 'what is judged (default: hybrid)').choices([
        ...STRATEGIES,
      ]),
    )
    .option('--max-age <duration>', 'condemn segments older than this (default: 7d)')
    .option('--no-max-age', 'whatever the age')
    .option('--max-size <size>', 'condemn the oldest of a partition beyond this (default: 10GiB)')
    .option('--no-max-size', 'whatever the size')
    .option('--keep-offsets <n>', 'condemn what is further behind (default: 1000000)')
    .option('--no-keep-offsets', 'however far behind')
    .addOption(
      new Option('--combine <how>', 'how hybrid joins its limits (default: any)').choices([
        ...COMBINES,
      ]),
    )
    .addOption(
      new Option(
        '--age-by <what>',
        "created: the archive's age; record: its newest record's (default: created)",
      ).choices([...AGE_BASES]),
    )
    .option('--allow-gaps', 'judge each segment alone, instead of taking only the oldest in a row')
    .option('--include-live', 'also segments that a running server will write again')
    .option('--max-deletions <n>', 'at most so many segments a run, oldest first (default: 100)')
    .option('--no-max-deletions', 'however many')
    .option('--max-delete <budget>', 'refuse a plan beyond 5%, 50GiB or N segments')
    .option('--only <selection...>', 'only TOPIC or TOPIC:PARTITION');
}

/** Joins flags, segctl.yaml and defaults. Throws usage errors that name the flag. */
export function retentionSettings(
  flags: RetentionFlags,
  config: ConfigFile | undefined,
): RetentionSettings {
  return resolveSettings(
    {
      flags: parseRetentionOptions(flags),
      ...(config === undefined ? {} : { topics: config.topics, file: config.retention }),
    },
    {
      ...(config === undefined ? {} : { holds: config.holds }),
      ...(flags.maxDeletions === undefined
        ? {}
        : { maxDeletions: parseMaxDeletions(flags.maxDeletions) }),
      ...(flags.maxDelete === undefined ? {} : { maxDelete: parseBudget(flags.maxDelete) }),
      includeLive: flags.includeLive === true,
    },
  );
}

/** The flags that decide how a plan is carried out, as typed. */
export interface ApplyFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly objects?: 'delete' | 'keep';
  readonly entries?: 'remove' | 'keep';
  readonly grace?: string;
  readonly metricsFile?: string;
  /** The global flag; here its values `keep` and `remove` mean the entries. */
  readonly index?: string;
}

export function addApplyOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show what would be done, and do nothing')
    .option('-y, --yes', 'do it without asking')
    .addOption(
      new Option('--objects <mode>', 'what becomes of the archives (default: delete)').choices([
        'delete',
        'keep',
      ]),
    )
    .addOption(
      new Option(
        '--entries <mode>',
        'what becomes of the index entries; --index keep|remove says the same (default: remove)',
      ).choices(['remove', 'keep']),
    )
    .option(
      '--grace <duration>',
      'move archives to the trash, from where undo brings them back until this is over',
    )
    .option('--metrics-file <file>', "write the outcome for Prometheus' textfile collector");
}

/** How a plan is carried out. */
export interface ApplyOptions {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly objectsMode: 'delete' | 'keep';
  readonly entriesMode: 'remove' | 'keep';
  readonly graceMs: number | null;
  readonly metricsFile: string | undefined;
}

export function parseApply(flags: ApplyFlags): ApplyOptions {
  const entriesMode = flags.entries ?? indexMode(flags.index) ?? 'remove';
  const objectsMode = flags.objects ?? 'delete';
  if (entriesMode === 'keep' && objectsMode === 'keep') {
    throw new SegctlError('with objects and entries kept there is nothing left to do', {
      code: 'nothing-asked',
      exit: 'usage',
      remedy: 'leave out --objects keep or --entries keep, or look at the plan with --dry-run',
    });
  }
  return {
    dryRun: flags.dryRun === true,
    yes: flags.yes === true,
    objectsMode,
    entriesMode,
    graceMs: flags.grace === undefined ? null : parseDuration(flags.grace, '--grace'),
    metricsFile: flags.metricsFile,
  };
}

/** `--index keep|remove`, told from the global `--index FILE`; a file of that name is `./keep`. */
export function indexMode(value: string | undefined): 'remove' | 'keep' | undefined {
  return value === 'keep' || value === 'remove' ? value : undefined;
}

/** The flags of the run lock, as typed. */
export interface LockFlags {
  readonly lockWait?: string;
  readonly breakLock?: boolean;
}

export function addLockOptions(command: Command): Command {
  return command
    .option('--lock-wait <duration>', 'wait for another run to end, instead of exit 6')
    .option('--break-lock', 'take the lock from a run on another host that is known to be dead');
}

/** All flags of `compact` and its subcommands: commander lets them stand before a subcommand too. */
export type CompactFlags = RetentionFlags & ApplyFlags & LockFlags;
