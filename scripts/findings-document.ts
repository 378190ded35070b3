import { FINDINGS, SEVERITIES, type Severity } from '../src/core/findings.ts';

const MEANINGS: Readonly<Record<Severity, string>> = {
  error: "Records are lost or can't be read, or the server would refuse the index. Exit 4.",
  warning: 'Index, store and journal contradict each other. Exit 4.',
  info: 'Worth knowing, and normal in a healthy store. Exit 0.',
  harmless: "A defect of Chronik's own, which its files have from the start. Exit 0.",
};

const INTRODUCTION = `# Findings

What \`segctl verify\`, \`segctl reindex --check\`, \`segctl doctor\` and \`segctl segments show\` can find. The
ids are stable: scripts can rely on them. In JSON a finding has \`id\`, \`severity\`, \`title\`, \`meaning\`,
\`topic\`, \`partition\`, \`segmentId\`, \`objectStorePath\`, \`runId\`, \`facts\` and \`next\`, the command to run
next.

## What a server has wrong

\`segctl reindex --rebuild\` makes an index that equals the server's own in every field but these, where
the archives' documents prove the server wrong:

| field | the server writes | reindex writes |
|---|---|---|
| \`min_timestamp\` | the smallest base timestamp of a batch | the smallest timestamp of a record |
| \`max_timestamp\` | -9223372036854775808 in some versions | the largest timestamp of a record |
| \`record_count\` | all records that went in, also those dropped beyond 1,000,000 | the records that are there |
`;

/** The text of docs/findings.md, made from the table of findings. */
export function findingsDocument(): string {
  const sections = SEVERITIES.map((severity) => {
    const rows = Object.entries(FINDINGS)
      .filter(([, kind]) => kind.severity === severity)
      .map(
        ([id, { title, meaning, next }]) =>
          `| \`${id}\` | ${title} | ${cell(meaning)} | \`${next}\` |`,
      );
    const head = '| id | finding | what it means | next |\n|---|---|---|---|';
    return `## ${severity}\n\n${MEANINGS[severity]}\n\n${head}\n${rows.join('\n')}\n`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
