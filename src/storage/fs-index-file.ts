import type { IndexFile } from '../core/compaction/engine.ts';
import { withOpenIndex } from './index-file.ts';
import type { IndexFilePort } from './index-file-port.ts';
import { saveIndex } from './index-save.ts';

/** The index file on disk, as the engine of runs wants it. */
export function fsIndexFile(
  path: string,
  options: { readonly signal: AbortSignal; readonly port?: IndexFilePort },
): IndexFile {
  return {
    path,
    read: async (use) =>
      await withOpenIndex(path, options, async ({ index, source }) => await use(index, source)),
    save: async (edit) => await saveIndex(path, edit, options),
  };
}
