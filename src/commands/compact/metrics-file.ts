import { readFile } from 'node:fs/promises';
import type { Context } from '../../context.ts';
import { metricsText } from '../../core/compaction/metrics.ts';
import type { RunReport } from '../../core/compaction/run-report.ts';
import { EXIT_CODES } from '../../core/exit-codes.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import { writeFileWhole } from '../write-file.ts';
import { exitOf } from './report.ts';

/**
 * Runs `work` and writes its outcome to the metrics file, also when it throws: a cron job that fails
 * every night has to show. The file is replaced whole, as the collector may read at any moment.
 */
export async function withMetrics(
  context: Context,
  file: string | undefined,
  work: () => Promise<RunReport[]>,
): Promise<RunReport[]> {
  if (file === undefined) return await work();
  const startedMs = context.io.now();
  const write = async (reports: readonly RunReport[], exitCode: number): Promise<void> => {
    const previous = await readFile(file, 'utf8').catch(() => '');
    const endedAtMs = context.io.now();
    const durationMs = endedAtMs - startedMs;
    const text = metricsText({ reports, exitCode, endedAtMs, durationMs, previous });
    await writeFileWhole(file, asChunks(text));
  };
  let reports: RunReport[];
  try {
    reports = await work();
  } catch (error) {
    const exit = error instanceof SegctlError ? error.exitCode : EXIT_CODES.failed.code;
    await write([], exit).catch((cause: unknown) => {
      context.log.warn('the metrics file could not be written', { file, cause: String(cause) });
    });
    throw error;
  }
  await write(reports, EXIT_CODES[exitOf(reports) ?? 'ok'].code);
  return reports;
}

async function* asChunks(text: string): AsyncGenerator<string> {
  yield text;
}
