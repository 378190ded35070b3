import { expect, test } from 'vitest';
import { SegctlError } from '../../../src/core/segctl-error.ts';
import { FsStore } from '../../../src/storage/fs-store.ts';
import type { ObjectBody, ObjectInfo } from '../../../src/storage/object-store.ts';
import { FIXTURE_DATA } from '../../support/fixture.ts';
import { memoryLedgerFile, verifyNode } from '../../support/verify-run.ts';

const TARGET = './data/tantivy_indexes/orders/partition-0/segment-0-1279.tar.gz';

/** The real node's store, whose answers for one archive are given by `answer`. */
class OddStore extends FsStore {
  readonly answer: (key: string) => Promise<ObjectBody>;

  constructor(answer: (key: string) => Promise<ObjectBody>) {
    super(`${FIXTURE_DATA}/segments`);
    this.answer = answer;
  }

  override async get(key: string): Promise<ObjectBody> {
    return key.endsWith(TARGET.slice(2)) ? await this.answer(key) : await super.get(key);
  }
}

function idsOf(
  findings: readonly {
    readonly id: string;
    readonly subject: { topic?: string; partition?: number };
  }[],
): string[] {
  return findings
    .filter(({ subject }) => subject.topic === 'orders' && subject.partition === 0)
    .map(({ id }) => id)
    .filter((id) => id !== 'object-superseded');
}

test('an archive that is another one at each read is in flight, and nothing is said of its bytes', async () => {
  let writes = 0;
  const store = new OddStore(async (key) => {
    writes++;
    throw new SegctlError('replaced', { code: 'object-changed', facts: { key } });
  });
  const { findings } = await verifyNode(FIXTURE_DATA, { store });
  expect(idsOf(findings)).toEqual(['object-in-flight']);
  expect(writes).toBe(3);
});

test('a half-written archive that is whole a moment later is whole', async () => {
  const real = new FsStore(`${FIXTURE_DATA}/segments`);
  let reads = 0;
  const store = new OddStore(async (key) => {
    const body = await real.get(key);
    return ++reads > 1 ? body : halfWritten(body);
  });
  const { findings } = await verifyNode(FIXTURE_DATA, { store });
  expect(idsOf(findings)).toEqual(['archive-max-timestamp-lost']);
  expect(reads).toBe(2);
});

/** What a reader gets in the middle of a write: fewer bytes, and another version. */
function halfWritten(body: ObjectBody): ObjectBody {
  const info: ObjectInfo = { ...body.info, version: 'earlier' };
  return {
    info,
    destroy: () => body.destroy(),
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) yield chunk.subarray(0, 1000);
    },
  };
}

test('a store that fails costs the one archive', async () => {
  const store = new OddStore(async () => {
    throw new SegctlError('no access', { code: 'store-denied' });
  });
  const report = await verifyNode(FIXTURE_DATA, { store });
  expect(idsOf(report.findings)).toEqual(['object-unreadable']);
  expect(report).toMatchObject({ archives: 9, read: 9 });
});

test('a budget reads the stalest first, so that runs of it get around', async () => {
  const ledgerFile = memoryLedgerFile();
  const seen: string[] = [];
  let clock = 1_795_360_000_000;
  const once = async () =>
    verifyNode(FIXTURE_DATA, {
      ledgerFile,
      budgetBytes: 200_000n,
      concurrency: 1,
      clock: () => ++clock,
      onRead: ({ key }) => seen.push(key),
    });
  const first = await once();
  expect(first.read).toBeLessThan(9);
  expect(first.neverRead).toBe(9 - first.read);
  while (new Set(seen).size < 9 && seen.length < 40) await once();
  expect(new Set(seen).size).toBe(9);
  // None was read twice before all were read once.
  expect(seen.indexOf(seen.findLast((key, i) => seen.indexOf(key) === i) ?? '')).toBe(8);
});

test('damage that an earlier run saw is told again without reading', async () => {
  const ledgerFile = memoryLedgerFile();
  await verifyNode(FIXTURE_DATA, { ledgerFile });
  ledgerFile.text = ledgerFile.text.replace(
    /"problems":\[[^\]]*\],"scanned":\{"topic":"plain"[^\n]*/,
    '"problems":[{"id":"archive-cut-short","facts":{}}]}',
  );
  const { findings, read } = await verifyNode(FIXTURE_DATA, { ledgerFile, sample: { count: 0 } });
  expect(read).toBe(0);
  expect(findings.map(({ id }) => id)).toContain('archive-cut-short');
});

test('an interrupted run goes on where it was', async () => {
  const ledgerFile = memoryLedgerFile();
  const interruption = new AbortController();
  let done = 0;
  const stopped = await verifyNode(FIXTURE_DATA, {
    ledgerFile,
    concurrency: 1,
    signal: interruption.signal,
    onRead: () => {
      if (++done === 4) interruption.abort();
    },
  });
  expect(stopped).toMatchObject({ interrupted: true, read: 4 });
  const resumed = await verifyNode(FIXTURE_DATA, { ledgerFile });
  expect(resumed).toMatchObject({ interrupted: false, read: 5, neverRead: 0 });
  expect((await verifyNode(FIXTURE_DATA, { ledgerFile })).read).toBe(9);
});

test('a sample is a part of the archives, another one at another time', async () => {
  const read = async (nowMs: number) => {
    const keys: string[] = [];
    await verifyNode(FIXTURE_DATA, {
      sample: { percent: 30 },
      nowMs,
      onRead: ({ key }) => keys.push(key),
    });
    return keys.sort().join();
  };
  const samples = await Promise.all([1, 2, 3, 4, 5].map(read));
  for (const sample of samples) expect(sample.split(',')).toHaveLength(3);
  expect(new Set(samples).size).toBeGreaterThan(1);
});

test('quick reads nothing', async () => {
  const store = new OddStore(() => Promise.reject(new Error('must not be read')));
  expect(await verifyNode(FIXTURE_DATA, { store, quick: true })).toMatchObject({ read: 0 });
});
