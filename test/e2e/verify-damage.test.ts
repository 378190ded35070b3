import { expect, test } from 'vitest';
import { BASELINE, DAMAGES } from '../../scripts/damage-fixtures.ts';
import type { FindingId } from '../../src/core/findings.ts';
import { copyNode } from '../support/node-copy.ts';

test.for(DAMAGES)('$ids.0: $how', async ({ ids, apply, command = ['verify'], exit }) => {
  const node = copyNode();
  await apply(node);
  const { stdout, status, stderr } = await node.run(...command, '-f', 'json');
  expect(stdout.length, stderr).toBeGreaterThan(0);
  const { findings }: { findings: { id: FindingId; next: string }[] } = JSON.parse(
    stdout.toString(),
  );
  const found = new Set(findings.map(({ id }) => id).filter((id) => !BASELINE.includes(id)));
  expect([...found].sort()).toEqual([...ids].sort());
  expect(status).toBe(exit);
  for (const { next } of findings) expect(next).not.toContain('{');
});
