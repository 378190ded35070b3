import { Command } from 'commander';
import { type Context, renderOptions } from '../../context.ts';
import {
  FINDINGS,
  type Finding,
  hasFailing,
  nextCommand,
  severityOf,
} from '../../core/findings.ts';
import { parseSize } from '../../core/quantities.ts';
import { type Column, machineRow } from '../../ui/column.ts';
import { renderDetail, renderList } from '../../ui/result.ts';
import type { CommandRuntime, Run } from '../command-runtime.ts';
import { FINDING_COLUMNS as FINDING_FIELDS } from '../integrity/findings-report.ts';
import { findSegment } from './find-segment.ts';
import { readSegment, type SegmentReading } from './segment-findings.ts';
import { SEGMENT_COLUMNS, type SegmentRow } from './segment-row.ts';

interface ShowFlags {
  readonly maxUnpacked: string;
}

type ShowRow = SegmentRow & SegmentReading;

export function showCommand(runtime: CommandRuntime): Command {
  return new Command('show')
    .description(
      "show one entry, its archive's members, schema and counts, and what is wrong with it",
    )
    .argument('<segment>', 'the segment id, or its object store path')
    .option('--max-unpacked <size>', 'refuse archives that unpack to more', '1GiB')
    .action(runtime.action(runShow));
}

/** Facts of the archive; lists are told as counts to people, and below in tables of their own. */
const ARCHIVE_COLUMNS: readonly Column<ShowRow>[] = [
  {
    key: 'objectVersion',
    header: 'OBJECT VERSION',
    type: 'text',
    value: (row) => row.info?.version ?? null,
  },
  {
    key: 'objectSizeBytes',
    header: 'OBJECT SIZE',
    type: 'size',
    value: (row) => row.info?.sizeBytes ?? null,
  },
  {
    key: 'objectModified',
    header: 'OBJECT MODIFIED',
    type: 'time',
    value: (row) => row.info?.lastModifiedMs ?? null,
  },
  {
    key: 'unpackedBytes',
    header: 'UNPACKED',
    type: 'size',
    value: (row) => row.archive?.unpackedBytes ?? null,
  },
  {
    key: 'documents',
    header: 'DOCUMENTS',
    type: 'count',
    value: (row) => row.archive?.documents ?? null,
  },
  {
    key: 'metadata',
    header: 'METADATA',
    type: 'json',
    value: (row) => (row.archive === undefined ? null : { ...row.archive.metadata }),
    text: (row) => {
      const metadata = row.archive?.metadata;
      return metadata === undefined
        ? '-'
        : `base offset ${metadata.baseOffset}, last offset ${metadata.lastOffset}, ${metadata.recordCount} records`;
    },
  },
  {
    key: 'members',
    header: 'MEMBERS',
    type: 'json',
    show: 'machine',
    value: (row) => row.archive?.members.map((member) => ({ ...member })) ?? null,
    text: () => '',
  },
  {
    key: 'tantivySegments',
    header: 'TANTIVY SEGMENTS',
    type: 'json',
    value: (row) =>
      row.archive?.segments.map(({ id, maxDoc, deletedDocs }) => ({ id, maxDoc, deletedDocs })) ??
      null,
    text: (row) =>
      row.archive?.segments.map(({ id, maxDoc }) => `${id.slice(0, 8)} (${maxDoc})`).join(', ') ??
      '-',
  },
  {
    key: 'schema',
    header: 'SCHEMA',
    type: 'json',
    value: (row) =>
      row.archive?.schema.map(({ name, type, indexed, stored, fast }) => ({
        name,
        type,
        indexed,
        stored,
        fast,
      })) ?? null,
    text: (row) => row.archive?.schema.map(({ name, type }) => `${name} ${type}`).join(', ') ?? '-',
  },
  {
    key: 'findings',
    header: 'FINDINGS',
    type: 'json',
    show: 'machine',
    value: (row) => row.findings.map((found) => machineRow(FINDING_FIELDS, found)),
    text: () => '',
  },
];

const MEMBER_COLUMNS: readonly Column<{ readonly name: string; readonly sizeBytes: number }>[] = [
  { key: 'name', header: 'MEMBER', type: 'text', value: (row) => row.name },
  { key: 'sizeBytes', header: 'SIZE', type: 'size', value: (row) => row.sizeBytes },
];

const FINDING_COLUMNS: readonly Column<Finding>[] = [
  { key: 'severity', header: 'SEVERITY', type: 'text', cut: 'never', value: severityOf },
  {
    key: 'title',
    header: 'FINDING',
    type: 'text',
    cut: 'end',
    value: (row) => FINDINGS[row.id].title,
  },
  { key: 'next', header: 'NEXT', type: 'text', cut: 'end', drop: 1, value: nextCommand },
];

const runShow: Run<ShowFlags> = async (context, [name = ''], flags) => {
  const maxUnpackedBytes = Number(parseSize(flags.maxUnpacked, '--max-unpacked'));
  const options = renderOptions(context);
  const entry = findSegment(await context.loadIndex(), name);
  const reading = await readSegment(await context.openStore(), entry, {
    maxUnpackedBytes,
    signal: context.signal,
  });
  const row: ShowRow = { entry, ...reading };
  const columns: readonly Column<ShowRow>[] = [...SEGMENT_COLUMNS, ...ARCHIVE_COLUMNS];
  await context.write(await renderDetail({ columns, row }, options));
  if (options.format === 'table' || options.format === 'wide') await writeTables(context, row);
  return hasFailing(reading.findings) ? 'findings' : undefined;
};

async function writeTables(context: Context, { archive, findings }: ShowRow): Promise<void> {
  const options = renderOptions(context);
  if (archive !== undefined) {
    await context.write('\n');
    await context.write(renderList({ columns: MEMBER_COLUMNS, rows: archive.members }, options));
  }
  await context.write('\n');
  await context.write(
    renderList({ columns: FINDING_COLUMNS, rows: findings, empty: 'no findings' }, options),
  );
}
