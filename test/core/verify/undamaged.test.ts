import { expect, test } from 'vitest';
import { severityOf } from '../../../src/core/findings.ts';
import { FIXTURE_DATA } from '../../support/fixture.ts';
import { verifyNode } from '../../support/verify-run.ts';

test("a real node's data shows nothing but Chronik's own defects and its superseded archives", async () => {
  const report = await verifyNode(FIXTURE_DATA);
  expect(report).toMatchObject({ archives: 9, read: 9, skipped: 0, neverRead: 0 });
  const counts = new Map<string, number>();
  for (const found of report.findings) {
    const label = `${severityOf(found)} ${found.id}`;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  expect(Object.fromEntries(counts)).toEqual({
    'info object-superseded': 25,
    'harmless archive-holes': 3,
    'harmless archive-max-timestamp-lost': 9,
    'harmless min-timestamp-of-batches': 1,
  });
});

test('the superseded archives are whole, too', async () => {
  const report = await verifyNode(FIXTURE_DATA, { unreferenced: true });
  expect(report).toMatchObject({ archives: 34, read: 34 });
  const severities = new Set(report.findings.map(severityOf));
  expect(severities).toEqual(new Set(['info', 'harmless']));
});
