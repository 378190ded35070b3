import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}', 'tantivy-napi/test/**/*.test.ts'],
    reporters: ['default', ['json', { outputFile: '.cache/test-results.json' }]],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Many tests wait for processes and servers that they started, so a worker more than cores pays.
    maxWorkers: availableParallelism() + 1,
  },
});
