// Writes man/segctl.1 from the command tree, or with --check fails when the file is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manPage } from '../dist/commands/man-page.js';

const file = fileURLToPath(new URL('../man/segctl.1', import.meta.url));
const page = await manPage();
if (!process.argv.includes('--check')) {
  writeFileSync(file, page);
} else if (readFileSync(file, 'utf8') !== page) {
  console.error('man/segctl.1 is stale: run npm run man');
  process.exitCode = 1;
}
