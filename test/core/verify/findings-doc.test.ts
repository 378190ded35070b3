import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findingsDocument } from '../../../scripts/findings-document.ts';

const FILE = fileURLToPath(new URL('../../../docs/findings.md', import.meta.url));

test('docs/findings.md is what the table of findings says; UPDATE_DOCS=1 writes it', () => {
  const document = findingsDocument();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, document);
  expect(readFileSync(FILE, 'utf8')).toBe(document);
});
