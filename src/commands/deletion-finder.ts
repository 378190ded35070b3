import type { Context } from '../context.ts';
import type { DeletedRange } from '../core/compaction/recorded-deletions.ts';

/**
 * Which recorded run deleted an offset last; null asks for any offset of the partition. The journal
 * is read only when it is asked.
 */
export function deletionFinder(
  context: Context,
): (topic: string, partition: number, offset: bigint | null) => Promise<DeletedRange | undefined> {
  return async (topic, partition, offset) => {
    const [{ readHistory }, { FsRunFiles }] = await Promise.all([
      import('../core/compaction/history.ts'),
      import('../storage/run-files.ts'),
    ]);
    const files = new FsRunFiles(context.settings.dataDir);
    const { deletions } = await readHistory(files, { topic, partition });
    return offset === null
      ? deletions.ranges(topic, partition).at(-1)
      : deletions.rangeAt(topic, partition, offset);
  };
}
