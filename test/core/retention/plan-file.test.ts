import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/core/retention/plan.ts';
import { checkPlanAgainst } from '../../../src/core/retention/plan-check.ts';
import {
  type PlannedSegment,
  plannedSegment,
  readPlanFile,
} from '../../../src/core/retention/plan-file.ts';
import { planJson } from '../../../src/core/retention/plan-json.ts';
import { planRetention } from '../../../src/core/retention/planner.ts';
import { summarize } from '../../../src/core/retention/summary.ts';
import type { SegmentEntry } from '../../../src/core/segment-index/segment-entry.ts';
import { anyIndex, anySettings } from './arbitraries.ts';
import {
  AT_MS,
  applied,
  entry,
  indexOf,
  segmentsOfAges,
  settings,
  type TestIndex,
} from './planner-fixtures.ts';

const META = { createdAtMs: AT_MS + 5, indexDigest: 'sha256:0f' };

const jsonOf = (plan: Plan): string => [...planJson(plan, summarize(plan), META)].join('');
const bytesOf = (text: string): Uint8Array[] => [new TextEncoder().encode(text)];

function* slices(text: string, length: number): Iterable<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let from = 0; from < bytes.length; from += length) {
    yield bytes.subarray(from, from + length);
  }
}

/** A plan of four segments: two go, one stays, and one is hidden by a later entry. */
const ENTRIES = [
  entry({ minOffset: 0n, maxOffset: 50n, createdAtSeconds: 5n }),
  ...segmentsOfAges([9, 8, 1]),
];
const OF = settings(
  { strategy: 'time' },
  {
    maxDeletions: 10,
    maxDelete: { kind: 'share', millionths: 990_000n },
    holds: [
      {
        topic: 'payments-*',
        partition: 3,
        fromOffset: 2n ** 60n,
        toOffset: null,
        untilMs: AT_MS + 1,
        reason: 'case 7',
      },
    ],
  },
);
const smallPlan = (): Plan => planRetention(indexOf(ENTRIES), OF, AT_MS);

describe('the plan as JSON', () => {
  it('has the members that scripts rely on', () => {
    const text = jsonOf(smallPlan());
    const document = JSON.parse(text);
    expect(document).toMatchObject({
      version: 1,
      createdAt: '2026-01-31T03:00:00.005Z',
      at: '2026-01-31T03:00:00.000Z',
      indexDigest: 'sha256:0f',
      policy: { default: { strategy: 'time' }, maxDelete: '99%', maxDeletions: 10 },
      summary: { delete: { segments: 2, bytes: 2000 }, keep: { segments: 1 }, ignored: 1 },
    });
    expect(document.policy.holds[0].fromOffset).toBe('1152921504606846976');
    expect(document.delete).toHaveLength(2);
    expect(document.delete[0]).toMatchObject({
      segmentId: 'orders-0-0-99',
      topic: 'orders',
      partition: 0,
      minOffset: 0,
      maxOffset: 99,
      sizeBytes: 1000,
      createdAt: '2026-01-22T03:00:00.000Z',
      createdAtMs: 1_769_050_800_000,
      objectStorePath: '/data/tantivy_indexes/orders/partition-0/segment-0-99.tar.gz',
      place: 1,
      drops: [0],
      reasons: [
        {
          rule: 'time',
          verdict: 'delete',
          text: 'created_at 2026-01-22T03:00:00.000Z is 9d ago, more than 7d',
          ageMs: 777_600_000,
          maxAgeMs: 604_800_000,
        },
      ],
    });
    expect(document.keep).toHaveLength(1);
    expect(document.ignored).toHaveLength(1);
  });

  it('of nothing is a document too', async () => {
    const text = jsonOf(planRetention(indexOf([]), settings(), AT_MS));
    expect(JSON.parse(text)).toMatchObject({ delete: [], keep: [], ignored: [], partitions: [] });
    expect((await readPlanFile(bytesOf(text))).delete).toEqual([]);
  });

  it('comes in pieces', () => {
    const many = indexOf(segmentsOfAges(Array.from({ length: 2000 }, () => 1)));
    const plan = planRetention(many, settings(), AT_MS);
    const pieces = [...planJson(plan, summarize(plan), META)];
    expect(pieces.length).toBeGreaterThan(10);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100_000);
    expect(JSON.parse(pieces.join('')).keep).toHaveLength(2000);
  });

  it('is read back equal, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyIndex,
        anySettings(),
        fc.integer({ min: 1, max: 5000 }),
        async (index, of, length) => {
          const plan = planRetention(index, of, AT_MS);
          const staying: PlannedSegment[] = [];
          const saved = await readPlanFile(slices(jsonOf(plan), length), (segment) =>
            staying.push(segment),
          );
          expect(saved.delete).toEqual(Array.from(plan.deleted(), plannedSegment));
          expect(staying).toEqual(Array.from([...plan.kept(), ...plan.ignored()], plannedSegment));
          expect(saved).toMatchObject({ createdAtMs: META.createdAtMs, atMs: AT_MS });
          expect(saved.indexDigest).toBe(META.indexDigest);
          expect(saved.settings).toEqual(of);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a plan file that is none', () => {
  const good = jsonOf(smallPlan());
  const edited = (edit: (document: Record<string, never>) => void): string => {
    const document = JSON.parse(good);
    edit(document);
    return JSON.stringify(document);
  };

  it('may be laid out anew', async () => {
    const again = JSON.stringify(JSON.parse(good), null, 8);
    expect((await readPlanFile(bytesOf(again))).delete).toHaveLength(2);
  });

  const damages: [string, string, string][] = [
    ['empty', '', ''],
    ['cut off', good.slice(0, -20), ''],
    ['no object', '[]', ''],
    ['followed by more', `${good}x`, ''],
    ['foreign', '{"segment_id": 1}', 'version'],
    ['of another version', good.replace('"version": 1', '"version": 2'), 'version'],
    ['with a member twice', good.replace('"version": 1', '"version": 1, "version": 1'), ''],
    ['with a foreign member', edited((d) => Object.assign(d, { more: 1 })), 'more'],
    ['without a member', good.replace('"indexDigest"', '"digest"'), 'digest'],
    [
      'with a wrong type',
      good.replace('"partition":0,"minOffset":0,', '"partition":0,"minOffset":"zero",'),
      'delete[0].minOffset',
    ],
    [
      'with a fraction',
      good.replace('"sizeBytes":1000,', '"sizeBytes":1000.5,'),
      'delete[0].sizeBytes',
    ],
    [
      'beyond int64',
      good.replace('"maxOffset":99,', '"maxOffset":9223372036854775808,'),
      'delete[0].maxOffset',
    ],
    [
      'with a local time',
      good.replace('"at": "2026-01-31T03:00:00.000Z"', '"at": "2026-01-31T03:00"'),
      'at',
    ],
    [
      'with a fate of another array',
      good.replace('"fate":"delete"', '"fate":"cap"'),
      'delete[0].fate',
    ],
    [
      'with an unknown rule',
      good.replace('"rule":"time"', '"rule":"toString"'),
      'delete[0].reasons[0].rule',
    ],
    [
      'with two times',
      good.replace('"createdAtMs":1769050800000', '"createdAtMs":1769050801000'),
      'delete[0].createdAt',
    ],
    ['with a place twice', good.replace('"place":2', '"place":1'), 'delete[1].place'],
    ['with another count', good.replace('"delete": [\n', '"delete": [],\n"was": [\n'), 'was'],
  ];

  it.each(damages)('%s is a usage error that names the place', async (_, text, path) => {
    expect(text).not.toBe(good);
    const error = await readPlanFile(bytesOf(text)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'SegctlError', exit: 'usage', code: 'plan-malformed' });
    expect(error).toMatchObject({
      facts: path === '' ? { byte: expect.any(Number) } : { path },
    });
  });

  it.each(['delete', 'keep', 'ignored'])(
    'with an item of %s taken out is noticed',
    async (array) => {
      const text = edited((document) => {
        const items: unknown = document[array];
        if (Array.isArray(items)) {
          items.pop();
        }
      });
      await expect(readPlanFile(bytesOf(text))).rejects.toMatchObject({ code: 'plan-malformed' });
    },
  );
});

describe('holding a plan against the index of now', () => {
  const check = (entries: readonly SegmentEntry[], live = false) => {
    const plan = smallPlan();
    const planned = { settings: OF, delete: Array.from(plan.deleted(), plannedSegment) };
    return checkPlanAgainst(
      planned,
      indexOf(entries, () => live),
    );
  };
  const stale = (firstReason: string, count: number) =>
    expect.objectContaining({
      code: 'plan-stale',
      exit: 'refused',
      facts: expect.objectContaining({ firstReason, stale: count, planned: 2 }),
    });
  const [hidden = entry(), first = entry(), second = entry(), third = entry()] = ENTRIES;

  it('passes where nothing changed', () => {
    expect(check(ENTRIES)).toEqual(Array.from(smallPlan().deleted(), plannedSegment));
  });

  it('tolerates additions, and gives the places of now', () => {
    const added = [entry({ topic: 'aaa' }), entry({ minOffset: 400n }), ...ENTRIES];
    expect(check(added).map(({ place, drops }) => [place, drops])).toEqual([
      [3, [2]],
      [4, []],
    ]);
    expect(check([first, second, third]).map(({ drops }) => drops)).toEqual([[], []]);
  });

  it('tolerates that a segment which stays went by itself, unless that makes another the newest', () => {
    expect(() => check([hidden, first, second])).toThrow(stale('newest-now', 1));
    const added = entry({ minOffset: 400n });
    expect(check([hidden, first, second, added])).toHaveLength(2);
  });

  it('refuses segments that vanished or changed in any field', () => {
    expect(() => check([third])).toThrow(stale('vanished', 2));
    expect(() => check([])).toThrow(stale('vanished', 2));
    const changes: Partial<SegmentEntry>[] = [
      { segmentId: 'x' },
      { maxOffset: 98n },
      { recordCount: 1n },
      { minTimestamp: 1n },
      { maxTimestamp: 1n },
      { objectStorePath: '/data/elsewhere' },
      { sizeBytes: 1001n },
      { createdAtSeconds: 1n },
      { compression: 'none' },
    ];
    for (const change of changes) {
      expect(() => check([first, { ...second, ...change }, third])).toThrow(stale('changed', 1));
    }
    expect(() => check([first, second, third, { ...second, recordCount: 7n }])).toThrow(
      stale('changed', 1),
    );
  });

  it('refuses what would leave a gap, or has become live', () => {
    const between = entry({ minOffset: 50n });
    expect(() => check([first, between, second, third])).toThrow(stale('older-stays', 1));
    expect(check(ENTRIES, true)).toHaveLength(2);
    const all = planRetention(indexOf([first, second]), OF, AT_MS);
    const planned = { settings: OF, delete: Array.from(all.deleted(), plannedSegment) };
    expect(checkPlanAgainst(planned, indexOf([first, second]))).toHaveLength(2);
    expect(() =>
      checkPlanAgainst(
        planned,
        indexOf([first, second], () => true),
      ),
    ).toThrow(stale('live-now', 1));
  });

  it('keeps an object that an added entry names', () => {
    const added = entry({ minOffset: 400n, objectStorePath: first.objectStorePath });
    expect(check([...ENTRIES, added]).map(({ keepsObject }) => keepsObject)).toEqual([true, false]);
  });

  it('passes on any index that was planned on, and never after the plan was carried out', () => {
    fc.assert(
      fc.property(anyIndex, anySettings(), (index: TestIndex, of) => {
        const plan = planRetention(index, of, AT_MS);
        const planned = { settings: of, delete: Array.from(plan.deleted(), plannedSegment) };
        expect(checkPlanAgainst(planned, index)).toEqual(planned.delete);
        if (planned.delete.length > 0) {
          expect(() => checkPlanAgainst(planned, applied(index, plan))).toThrow(
            expect.objectContaining({ code: 'plan-stale' }),
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});
