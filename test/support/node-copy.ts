import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { FIXTURE_DATA } from './fixture.ts';
import { type RunResult, runSegctl } from './run-segctl.ts';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A copy of the real node's data, started beside `data` as the server was. */
export interface NodeCopy {
  /** The folder that holds `data`. */
  readonly cwd: string;
  readonly dataDir: string;
  readonly indexPath: string;
  /** The place of an archive, given as `orders/partition-0/segment-0-319.tar.gz`. */
  archive(path: string): string;
  run(...args: string[]): Promise<RunResult>;
}

export function copyNode(): NodeCopy {
  const cwd = mkdtempSync(join(tmpdir(), 'segctl-node-'));
  made.push(cwd);
  const dataDir = join(cwd, 'data');
  cpSync(FIXTURE_DATA, dataDir, { recursive: true });
  return {
    cwd,
    dataDir,
    indexPath: join(dataDir, 'segment_index.json'),
    archive: (path) => join(dataDir, 'segments/data/tantivy_indexes', path),
    run: (...args) => runSegctl(args, { cwd }),
  };
}
