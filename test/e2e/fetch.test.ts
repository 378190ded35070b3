import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ExpectedRecord,
  expectedPartitions,
  expectedRecords,
  FIXTURE_DATA,
} from '../support/fixture.ts';
import { cleanEnv, jsonLines, runSegctl } from '../support/run-segctl.ts';

interface FetchedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly key: string; readonly value: string | null }[];
  readonly [field: string]: unknown;
}

const DATA = ['--data-dir', FIXTURE_DATA];

async function fetchRecords(...args: string[]): Promise<FetchedRecord[]> {
  const result = await runSegctl(['fetch', ...args, ...DATA]);
  expect(result.status, result.stderr).toBe(0);
  return jsonLines<FetchedRecord>(result);
}

async function offsets(...args: string[]): Promise<number[]> {
  return (await fetchRecords(...args)).map(({ offset }) => offset);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('records', () => {
  test.each(expectedPartitions())('%s: every one, in every field', async (partition) => {
    const [, topic = '', number = ''] = /^(.*)-(\d+)$/.exec(partition) ?? [];
    const fetched = await fetchRecords(
      ...[`${topic}:${number}`, '--include-control', '--batch-info', '--encoding', 'hex'],
    );
    const seen = fetched.map((record) => ({
      offset: record.offset,
      timestamp: record.timestamp,
      key: record.key,
      value: record.value,
      headers: record.headers.map(({ key, value }) => [key, value]),
      baseOffset: record.baseOffset,
      leaderEpoch: record.partitionLeaderEpoch,
      producerId: record.producerId,
      producerEpoch: record.producerEpoch,
      baseSequence: record.baseSequence,
      transactional: record.isTransactional,
      control: record.isControl,
      codec: record.compressionType,
      timestampType: record.timestampType,
    }));
    expect(seen).toEqual(expectedRecords(partition));
    expect(
      fetched.every((record) => record.topic === topic && record.partition === Number(number)),
    ).toBe(true);
  });

  test('null, empty and binary values are told apart in plain JSON', async () => {
    const records = await fetchRecords('edge.cases:0', '--offset', '0:5');
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      [null, 'v'],
      ['k', null],
      ['', ''],
      ['k', ''],
      ['ключ-鍵-🔑', Buffer.from(range(0, 256)).toString('base64')],
    ]);
    expect(records[4]?.valueEncoding).toBe('base64');
    expect(records[3]?.headers).toEqual([
      { key: 'dup', value: '1' },
      { key: 'dup', value: '2' },
      { key: 'dup', value: null },
      { key: 'empty', value: '' },
    ]);
  });
});

describe('offset forms', () => {
  test.each([
    ['N', ['--offset', '1270'], range(1270, 1280)],
    ['start with count', ['--offset', 'start', '--count', '3'], [0, 1, 2]],
    ['end', ['--offset', 'end'], []],
    ['-N', ['--offset', '-4'], range(1276, 1280)],
    ['-N beyond the start', ['--offset', '-9999', '--count', '1'], [0]],
    ['+N', ['--offset', '+5', '--count', '2'], [5, 6]],
    ['a:b', ['--offset', '317:323'], range(317, 323)],
    ['a:', ['--offset', '1278:'], [1278, 1279]],
    [':b', ['--offset', ':3'], [0, 1, 2]],
    ['a:b beyond the end', ['--offset', '1278:99999'], [1278, 1279]],
    ['a:end', ['--offset', '1278:end'], [1278, 1279]],
    ['--until', ['--offset', '10', '--until', '12'], [10, 11]],
    ['count over the end', ['--offset', '1279', '--count', '9'], [1279]],
  ])('%s', async (_name, args, expected) => {
    expect(await offsets('orders:0', ...args)).toEqual(expected);
  });

  test('@TIME begins at the first record of that time or later, as ListOffsets does', async () => {
    const all = expectedRecords('orders-0');
    const first = all.find(({ timestamp }) => timestamp >= 1763805000000)?.offset ?? -1;
    expect(await offsets('orders:0', '--offset', '@1763805000000', '--count', '1')).toEqual([
      first,
    ]);
    const iso = new Date(1763805000000).toISOString();
    expect(await offsets('orders:0', '--offset', `@${iso}`, '--count', '1')).toEqual([first]);
    const end = all.find(({ timestamp }) => timestamp >= 1763807000000)?.offset ?? -1;
    expect(
      await offsets('orders:0', '--offset', `@${iso}:${new Date(1763807000000).toISOString()}`),
    ).toEqual(range(first, end));
  });

  test('without a partition all partitions follow each other', async () => {
    const records = await fetchRecords('orders', '--offset', '-1');
    expect(records.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 1279],
      [1, 1279],
      [2, 1279],
    ]);
  });

  test.each([
    '',
    'x',
    '1.5',
    '0x10',
    '1e3',
    '5:2',
    ':',
    '@',
    '@yesterday',
    '--5',
    '99999999999999999999',
  ])('%j is refused', async (offset) => {
    const { status, stderr, stdout } = await runSegctl([
      'fetch',
      'orders:0',
      `--offset=${offset}`,
      ...DATA,
    ]);
    expect(status).toBe(2);
    expect(stderr).toContain('next: ');
    expect(stdout).toHaveLength(0);
  });
});

describe('filters and isolation', () => {
  const payments = expectedRecords('payments-txn-0');

  /** Transactions by the markers themselves: an ABORT key is 00000000, a COMMIT key 00000001. */
  function committed(): ExpectedRecord[] {
    return payments.filter((record) => {
      if (record.control) return false;
      if (!record.transactional) return true;
      const marker = payments.find(
        ({ control, producerId, offset }) =>
          control && producerId === record.producerId && offset > record.offset,
      );
      return marker?.key === '00000001';
    });
  }

  test('control records are hidden unless asked for', async () => {
    const data = payments.filter(({ control }) => !control).map(({ offset }) => offset);
    expect(await offsets('payments-txn:0')).toEqual(data);
    expect(await offsets('payments-txn:0', '--include-control')).toEqual(
      payments.map(({ offset }) => offset),
    );
  });

  test('read_committed leaves out what was aborted', async () => {
    const expected = committed().map(({ offset }) => offset);
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThan(payments.filter(({ control }) => !control).length);
    expect(await offsets('payments-txn:0', '--isolation', 'read_committed')).toEqual(expected);
  });

  test('read_committed knows an outcome whose marker lies past the window', async () => {
    const expected = committed()
      .map(({ offset }) => offset)
      .filter((offset) => offset < 10);
    expect(
      await offsets('payments-txn:0', '--offset', ':10', '--isolation', 'read_committed'),
    ).toEqual(expected);
  });

  test('--key, --header and --grep join by and', async () => {
    const text = (hex: string | null) =>
      hex === null ? '' : Buffer.from(hex, 'hex').toString('utf8');
    const all = expectedRecords('orders-1');
    const web = all.filter(({ headers }) =>
      headers.some(([key, value]) => key === 'src' && text(value) === 'web'),
    );
    expect(await offsets('orders:1', '--header', 'src=web')).toEqual(
      web.map(({ offset }) => offset),
    );
    const cork = web.filter(({ value }) => /"city": "Cork"/.test(text(value)));
    expect(await offsets('orders:1', '--header', 'src=web', '--grep', '"city": "Cork"')).toEqual(
      cork.map(({ offset }) => offset),
    );
    expect(await offsets('orders:1', '--key', 'order-2581')).toEqual([700]);
    expect(
      await offsets(
        'orders:1',
        '--key',
        Buffer.from('order-2581').toString('hex'),
        '--encoding',
        'hex',
      ),
    ).toEqual([700]);
  });

  test('--count counts what the filters leave', async () => {
    expect(await offsets('orders:1', '--header', 'src=web', '--count', '2')).toHaveLength(2);
  });
});

describe('an offset that can not be had', () => {
  let folder: string;
  let data: string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'segctl-fetch-'));
    cpSync(FIXTURE_DATA, join(folder, 'data'), { recursive: true });
    data = ['--data-dir', join(folder, 'data')];
    const archives = join(folder, 'data/segments/data/tantivy_indexes');
    unlinkSync(join(archives, 'orders/partition-1/segment-0-1279.tar.gz'));
    truncateSync(join(archives, 'orders/partition-2/segment-0-1279.tar.gz'), 60_000);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['below the start', 'audit_log:0', '0', 20, 'offset-below-start', 1],
    ['in a gap', 'click-events:0', '4711', 21, 'offset-in-gap', 6000],
    ['in a missing archive', 'orders:1', '5', 23, 'object-missing', null],
    ['in a damaged archive', 'orders:2', '5', 24, 'archive-cut-short', null],
    ['past the end', 'orders:0', '1280', 25, 'offset-past-end', null],
  ])('%s', async (_name, partition, offset, status, code, nextOffset) => {
    const result = await runSegctl(['fetch', partition, '--offset', offset, '-f', 'json', ...data]);
    expect(result.status).toBe(status);
    expect(result.stdout).toHaveLength(0);
    const { error } = JSON.parse(result.stderr);
    expect(error).toMatchObject({
      code,
      exitCode: status,
      facts: { offset: Number(offset), nextOffset },
    });
    expect(error.remedy).not.toBe('');
  });

  test('an empty window is explained, a window with holes is served', async () => {
    const empty = await runSegctl(['fetch', 'click-events:0', '--offset', '4100:4200', ...data]);
    expect(empty.status).toBe(21);
    const holes = await runSegctl(['fetch', 'click-events:0', '--offset', '3999:6001', ...data]);
    expect(holes.status).toBe(0);
    expect(jsonLines<FetchedRecord>(holes).map(({ offset }) => offset)).toEqual([3999, 6000]);
    expect(holes.stderr).toContain('from=4000 to=5999');
  });

  test('a hole is told wherever the archive is cut into pieces', async () => {
    for (const offset of ['start', '100:7000', '3999:']) {
      const { stderr } = await runSegctl(['fetch', 'click-events:0', '--offset', offset, ...data]);
      expect(stderr.match(/from=\d+ to=\d+/g), offset).toEqual(['from=4000 to=5999']);
    }
  });

  test('one unreadable partition costs no other, and is not passed over', async () => {
    const result = await runSegctl(['fetch', 'orders', '--offset', 'start', ...data]);
    expect(jsonLines<FetchedRecord>(result)).toHaveLength(1280);
    expect(result.status).toBe(24);
    expect(result.stderr).toContain('the archive is not in the store');
    expect(result.stderr).toContain('ends before its gzip data does');
  });

  test('a topic that is not there names the next step', async () => {
    const result = await runSegctl(['fetch', 'odrers:0', '--offset', '1', ...data]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('segctl segments stats');
  });
});

describe('output', () => {
  test.each(['json', 'jsonl', 'csv', 'table', 'wide', 'hex', 'dump', '%o %k %s\\n'])(
    'a pipe and a file get the same: %s',
    async (format) => {
      const folder = mkdtempSync(join(tmpdir(), 'segctl-out-'));
      const args = ['fetch', 'payments-txn:0', '--offset', ':40', '-f', format, ...DATA];
      const piped = await runSegctl(args);
      const written = await runSegctl([...args, '-o', join(folder, 'out')]);
      expect(written.status).toBe(0);
      expect(written.stdout).toHaveLength(0);
      expect(readFileSync(join(folder, 'out'))).toEqual(piped.stdout);
      if (format === 'json') expect(JSON.parse(piped.stdout.toString())).toHaveLength(39);
      rmSync(folder, { recursive: true });
    },
  );

  test('| head ends quietly', () => {
    const command = `"$NODE" bin/segctl.js fetch click-events ${DATA.join(' ')} | head -1 | wc -l; echo "\${PIPESTATUS[0]}"`;
    const printed = execFileSync('bash', ['-c', `set -o pipefail; ${command} 2>&1`], {
      env: cleanEnv({ NODE: process.env.SEGCTL_TEST_NODE ?? process.execPath }),
      encoding: 'utf8',
    });
    expect(printed.trim().split('\n').map(Number)).toEqual([1, 0]);
  });

  test('a failed fetch leaves the file that was there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'segctl-out-'));
    const file = join(folder, 'out');
    writeFileSync(file, 'before');
    const { status } = await runSegctl([
      'fetch',
      'orders:0',
      '--offset',
      '5000',
      '-o',
      file,
      ...DATA,
    ]);
    expect(status).toBe(25);
    expect(readFileSync(file, 'utf8')).toBe('before');
    rmSync(folder, { recursive: true });
  });

  test('an archive beyond --max-unpacked is refused', async () => {
    const result = await runSegctl([
      'fetch',
      'orders:0',
      '--offset',
      '1',
      '--max-unpacked',
      '10KiB',
      ...DATA,
    ]);
    expect(result.status).toBe(24);
    expect(result.stderr).toContain('--max-unpacked');
  });

  test.each([
    [['--raw', '--key', 'x'], 'filters choose records'],
    [['--raw', '-f', 'json'], '--raw is a format of its own'],
    [['-f', 'xml'], 'not a format of fetch'],
    [['--grep', '('], 'not a regular expression'],
    [['--count', '-1'], '--count'],
    [['--isolation', 'serializable'], 'read_committed'],
    [['--offset', '1:2', '--until', '3'], 'names an end already'],
  ])('%j is refused with a reason', async (args, reason) => {
    const result = await runSegctl(['fetch', 'orders:0', ...args, ...DATA]);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain(reason);
  });
});
