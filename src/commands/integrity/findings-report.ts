import { type Context, renderOptions } from '../../context.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import {
  FINDINGS,
  type Finding,
  hasFailing,
  isFailing,
  nextCommand,
  SEVERITIES,
  severityOf,
} from '../../core/findings.ts';
import type { Column } from '../../ui/column.ts';
import { plural } from '../../ui/human.ts';
import { type JsonValue, jsonInteger } from '../../ui/json.ts';
import { renderList } from '../../ui/result.ts';
import { escapeForTerminal } from '../../ui/terminal-text.ts';

export const FINDING_COLUMNS: readonly Column<Finding>[] = [
  { key: 'id', header: 'ID', type: 'text', show: 'machine', value: (row) => row.id },
  { key: 'severity', header: 'SEVERITY', type: 'text', cut: 'never', value: severityOf },
  {
    key: 'title',
    header: 'FINDING',
    type: 'text',
    cut: 'never',
    value: (row) => FINDINGS[row.id].title,
  },
  {
    key: 'meaning',
    header: 'MEANING',
    type: 'text',
    show: 'machine',
    value: (row) => FINDINGS[row.id].meaning,
  },
  { key: 'topic', header: 'TOPIC', type: 'text', value: (row) => row.subject.topic ?? null },
  {
    key: 'partition',
    header: 'PARTITION',
    type: 'integer',
    value: (row) => row.subject.partition ?? null,
  },
  {
    key: 'segmentId',
    header: 'SEGMENT',
    type: 'text',
    show: 'machine',
    value: (row) => row.subject.segmentId ?? null,
  },
  {
    key: 'objectStorePath',
    header: 'OBJECT',
    type: 'text',
    show: 'machine',
    value: (row) => row.subject.objectStorePath ?? null,
  },
  {
    key: 'about',
    header: 'ABOUT',
    type: 'text',
    show: 'human',
    value: (row) => row.subject.objectStorePath ?? row.subject.segmentId ?? null,
  },
  {
    key: 'runId',
    header: 'RUN',
    type: 'text',
    show: 'machine',
    value: (row) => row.subject.runId ?? null,
  },
  {
    key: 'facts',
    header: 'FACTS',
    type: 'json',
    value: (row) => factsJson(row),
    text: (row) =>
      Object.entries(row.facts)
        .map(([name, fact]) => `${name}=${String(fact)}`)
        .join(' ') || '-',
  },
  { key: 'next', header: 'NEXT', type: 'text', show: 'machine', value: nextCommand },
];

function factsJson({ facts }: Finding): { [key: string]: JsonValue } {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name,
      typeof fact === 'bigint' ? jsonInteger(fact) : fact,
    ]),
  );
}

/** What a report says besides its findings. */
export interface ReportSummary {
  /** Members of the JSON document, beside `findings`. */
  readonly members: { readonly [key: string]: JsonValue };
  /** The same in sentences, for people. */
  readonly sentences: readonly string[];
}

/**
 * Writes findings, the gravest first, and the summary. People see errors and warnings one by one,
 * what is normal or harmless counted by kind, and at the end the commands to run next.
 */
export async function writeFindings(
  context: Context,
  findings: readonly Finding[],
  summary: ReportSummary,
): Promise<void> {
  const options = renderOptions(context);
  const sorted = bySeverity(findings);
  if (options.format !== 'table' && options.format !== 'wide') {
    const document = { key: 'findings', rest: () => ({ ...summary.members }) };
    await context.write(renderList({ columns: FINDING_COLUMNS, rows: sorted, document }, options));
    if (options.format !== 'json') for (const line of summary.sentences) context.log.info(line);
    return;
  }
  const rows = sorted.filter(isFailing);
  await context.write(renderList({ columns: FINDING_COLUMNS, rows }, options));
  const lines = [...countedLines(sorted), ...summary.sentences, ...nextLines(rows)];
  await context.write(`${rows.length > 0 ? '\n' : ''}${lines.map((line) => `${line}\n`).join('')}`);
}

export function findingsExit(findings: readonly Finding[]): ExitName | undefined {
  return hasFailing(findings) ? 'findings' : undefined;
}

function bySeverity(findings: readonly Finding[]): Finding[] {
  const rank = (one: Finding): number => SEVERITIES.indexOf(severityOf(one));
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

function countedLines(findings: readonly Finding[]): string[] {
  const counts = new Map<Finding['id'], number>();
  for (const one of findings) {
    if (!isFailing(one)) counts.set(one.id, (counts.get(one.id) ?? 0) + 1);
  }
  return [...counts].map(([id, count]) => {
    const { severity, title } = FINDINGS[id];
    return `${severity}: ${title} (${plural(count, 'time')})`;
  });
}

/** Each next command once. */
function nextLines(findings: readonly Finding[]): string[] {
  const commands = [...new Set(findings.map(nextCommand))];
  const shown = commands.slice(0, 5).map((command) => `next: ${escapeForTerminal(command)}`);
  const more = commands.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more: --format json has each finding's own`] : shown;
}
