import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/ui/display-width.ts';
import { renderFields, renderTable, type TableColumn, TableLayout } from '../../src/ui/table.ts';

const columns: readonly TableColumn[] = [
  { header: 'SEGMENT', cut: 'middle' },
  { header: 'RECORDS', align: 'right' },
  { header: 'PATH', cut: 'end' },
];
const rows = [
  ['orders-0-0-319', '320', '/data/a'],
  ['audit_log-1-27-119', '23,000', '/data/tantivy_indexes/audit_log/partition-1'],
];

describe('renderTable', () => {
  it('lines columns up, numbers to the right, without borders or trailing spaces', () => {
    expect(renderTable(columns, rows, { color: false })).toBe(
      [
        'SEGMENT             RECORDS  PATH',
        'orders-0-0-319          320  /data/a',
        'audit_log-1-27-119   23,000  /data/tantivy_indexes/audit_log/partition-1',
        '',
      ].join('\n'),
    );
  });

  it('fits the terminal by cutting names in the middle and values at the end', () => {
    const out = renderTable(columns, rows, { color: false, width: 40 });
    expect(out.split('\n')[2]).toBe('audit_l…27-119   23,000  /data/tantivy_…');
    for (const line of out.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(40);
  });

  it('never cuts numbers, even where the terminal is too narrow for the table', () => {
    expect(renderTable(columns, rows, { color: false, width: 5 })).toContain('23,000');
  });

  it('measures wide characters by the columns they take', () => {
    const out = renderTable(
      [{ header: 'K' }, { header: 'V' }],
      [
        ['世界', 'x'],
        ['abcd', 'y'],
      ],
      { color: false },
    );
    expect(out).toBe('K     V\n世界  x\nabcd  y\n');
  });

  it('colours nothing unless asked to', () => {
    const esc = '\u001b';
    expect(renderTable(columns, rows, { color: false })).not.toContain(esc);
    expect(renderTable(columns, rows, { color: true })).toContain(`${esc}[1mSEGMENT`);
  });

  it('has no lines without rows', () => {
    expect(renderTable(columns, [], { color: false })).toBe('');
  });
});

describe('TableLayout', () => {
  it('lays pages out alike, with one header and widths that only grow', () => {
    const many = Array.from({ length: 120 }, (_, i) => [`segment-${i}`, String(i * 37), 'x']);
    const whole = renderTable(columns, many, { color: false });
    const layout = new TableLayout(columns, { color: false });
    // The first page holds the widest cells, so later pages find the widths settled.
    const paged = [many.slice(0, 110), many.slice(110)].map((page) => layout.page(page)).join('');
    expect(paged).toBe(whole);
    const lines = whole.trimEnd().split('\n');
    expect(lines).toHaveLength(121);
    expect(new Set(lines.map((line) => line.length)).size).toBe(2);
  });

  it('widens for a later page and goes on so', () => {
    const layout = new TableLayout([{ header: 'A' }, { header: 'B' }], { color: false });
    expect(layout.page([['a', 'b']])).toBe('A  B\na  b\n');
    expect(layout.page([['aaaa', 'b']])).toBe('aaaa  b\n');
    expect(layout.page([['a', 'b']])).toBe('a     b\n');
  });
});

describe('renderFields', () => {
  it('puts labels and values below each other', () => {
    const fields = [
      ['segment', 'orders-0-0-319'],
      ['size', '5.91 MiB'],
      ['', ''],
    ] as const;
    expect(renderFields(fields, { color: false, indent: 2 })).toBe(
      '  segment  orders-0-0-319\n  size     5.91 MiB\n\n',
    );
  });

  it('a column without room is left out on every page, the least important first', () => {
    const layout = new TableLayout(
      [
        { header: 'SEGMENT', cut: 'middle' },
        { header: 'SEEN', drop: 2 },
        { header: 'MADE', drop: 1 },
      ],
      { color: false, width: 40 },
    );
    const row = ['orders-0-0-1279', '2026-11-22T12:48:29Z', '2026-11-22T12:48:29Z'];
    expect(layout.page([row])).toBe(
      'SEGMENT          MADE\norders-0-0-1279  2026-11-22T12:48:29Z\n',
    );
    expect(layout.page([row])).toBe('orders-0-0-1279  2026-11-22T12:48:29Z\n');
    expect(layout.leftOut).toEqual(['SEEN']);
  });
});
