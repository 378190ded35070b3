import type { RunReport } from './run-report.ts';

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly value: number;
}

/** What an invocation came to, for `--metrics-file`. */
export interface MetricsInput {
  readonly reports: readonly RunReport[];
  /** The exit status of the process. */
  readonly exitCode: number;
  /** Epoch ms of the end, and how long it took. */
  readonly endedAtMs: number;
  readonly durationMs: number;
  /** The file as the last invocation left it, '' for none: counters go on from there. */
  readonly previous: string;
}

/**
 * The text of a Prometheus textfile (exposition format 0.0.4), in base units and with the names that
 * Prometheus' conventions ask for: gauges tell of the last run, counters (`_total`) add up over runs,
 * since the textfile collector exposes the file between runs. A lost file is a counter's reset.
 */
export function metricsText(input: MetricsInput): string {
  const { reports, exitCode } = input;
  const sum = (of: (report: RunReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const earlier = parseMetrics(input.previous);
  const counter = (name: string, help: string, value: number): Metric => ({
    name,
    type: 'counter',
    help,
    value: (earlier.get(name) ?? 0) + value,
  });
  const gauge = (name: string, help: string, value: number): Metric => ({
    name,
    type: 'gauge',
    help,
    value,
  });
  const endedSeconds = input.endedAtMs / 1000;
  const succeeded = exitCode === 0;
  const successSeconds = succeeded
    ? endedSeconds
    : (earlier.get('segctl_compaction_last_success_timestamp_seconds') ?? 0);
  const metrics = [
    gauge('segctl_compaction_last_run_timestamp_seconds', 'When the last run ended.', endedSeconds),
    gauge(
      'segctl_compaction_last_success_timestamp_seconds',
      'When the last run ended that left nothing to do.',
      successSeconds,
    ),
    gauge(
      'segctl_compaction_last_run_exit_code',
      "Exit status of the last run: 0 is success, see segctl's documentation.",
      exitCode,
    ),
    gauge(
      'segctl_compaction_last_run_duration_seconds',
      'How long the last run took.',
      input.durationMs / 1000,
    ),
    gauge(
      'segctl_compaction_last_run_identified_segments',
      'Segments that the last run condemned.',
      sum((one) => one.identified),
    ),
    gauge(
      'segctl_compaction_trash_bytes',
      'Bytes that the last run moved to the trash.',
      sum((one) => one.bytesInTrash),
    ),
    counter('segctl_compaction_runs_total', 'Runs, successful or not.', 1),
    counter(
      'segctl_compaction_failed_runs_total',
      'Runs that ended with another exit status than 0.',
      succeeded ? 0 : 1,
    ),
    counter(
      'segctl_compaction_deleted_segments_total',
      'Segments deleted.',
      sum((one) => one.deleted),
    ),
    counter(
      'segctl_compaction_failed_segments_total',
      'Attempts to delete an object that failed.',
      sum((one) => one.failed),
    ),
    counter(
      'segctl_compaction_freed_bytes_total',
      'Bytes freed in the store.',
      sum((one) => one.bytesFreed),
    ),
    counter(
      'segctl_compaction_returned_entries_total',
      'Index entries removed again that a running server had written back.',
      sum((one) => one.returnedRemoved),
    ),
  ];
  return metrics
    .map(
      ({ name, type, help, value }) =>
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`,
    )
    .join('');
}

/** Samples without labels, which are all that this file has. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]+) (\S+)$/.exec(line) ?? [];
    if (name === undefined || !Number.isFinite(Number(value))) continue;
    samples.set(name, Number(value));
  }
  return samples;
}
