// Prints the closing line of counts from vitest's JSON report, and fails where a test was skipped:
// what is skipped here is tested nowhere.
import { readFileSync } from 'node:fs';

const file = process.argv[2] ?? '.cache/test-results.json';
const report = JSON.parse(readFileSync(file, 'utf8'));
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`);
if (report.numPassedTests === 0 || report.numFailedTests > 0 || (skipped > 0 && process.env.CI)) {
  process.exitCode = 1;
}
