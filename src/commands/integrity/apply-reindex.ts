import type { Context } from '../../context.ts';
import { applyDeletions } from '../../core/compaction/apply.ts';
import type { EntryRemoval } from '../../core/compaction/apply-request.ts';
import type { Engine } from '../../core/compaction/engine.ts';
import type { ReindexPlan } from '../../core/reindex/reindex-plan.ts';
import type { EntryAddition } from '../../core/segment-index/index-edit.ts';
import { formatPartitionKey } from '../../core/segment-index/partition-key.ts';
import type { SegmentEntry } from '../../core/segment-index/segment-entry.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import { nodeIndexFilePort } from '../../storage/index-file-port.ts';
import { writeIndex } from '../../storage/index-save.ts';
import { indexPathOf } from '../compact/open-engine.ts';

/**
 * Writes the planned index: as a journaled edit of the one that is there, or as a whole file where
 * there is none that could be edited. No object is touched.
 */
export async function applyReindex(
  context: Context,
  engine: Engine,
  index: SegmentIndex | undefined,
  plan: ReindexPlan,
): Promise<{ readonly runId: string | null; readonly state: string }> {
  if (index === undefined) {
    const path = indexPathOf(context);
    const replaces = await nodeIndexFilePort.stat(path);
    await writeIndex(path, byPartition(plan), { replaces, signal: context.signal });
    return { runId: null, state: 'done' };
  }
  const remove: EntryRemoval[] = [];
  const add: EntryAddition[] = [];
  for (const change of plan.changes) {
    if (change.action !== 'add') remove.push({ identity: change.before, reason: change.reason });
    if (change.action !== 'drop') add.push({ entry: change.after });
  }
  return await applyDeletions(engine, {
    command: 'reindex',
    request: 'reindex',
    remove,
    add,
    objects: [],
    entriesMode: 'remove',
    objectsMode: 'keep',
    graceUntilMs: null,
    indexDigest: index.origin.digest ?? null,
    returned: plan.returned.map(({ identity }) => identity),
  });
}

/** Keys sorted, entries ascending by min_offset, as the server keeps them. */
function byPartition(plan: ReindexPlan): { key: string; entries: SegmentEntry[] }[] {
  const keys = new Map<string, SegmentEntry[]>();
  for (const change of plan.changes) {
    if (change.action === 'drop') continue;
    const { topic, partition } = change.after;
    const key = formatPartitionKey(topic, partition);
    const entries = keys.get(key);
    if (entries === undefined) keys.set(key, [change.after]);
    else entries.push(change.after);
  }
  return [...keys]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entries]) => ({
      key,
      entries: entries.sort((a, b) => (a.minOffset < b.minOffset ? -1 : 1)),
    }));
}
