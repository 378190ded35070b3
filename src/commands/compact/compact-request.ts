import type {
  ApplyRequest,
  EntryRemoval,
  ObjectRemoval,
} from '../../core/compaction/apply-request.ts';
import type { PlannedSegment } from '../../core/retention/plan-file.ts';
import { rowIdentity } from '../../core/segment-index/index-edit.ts';
import type { ApplyOptions } from './compact-options.ts';
import type { JudgedIndex } from './plan-compaction.ts';

/** What the engine is to do for these segments, whose places are rows of the judged index. */
export function compactRequest(
  { index, returned }: JudgedIndex,
  segments: readonly PlannedSegment[],
  options: ApplyOptions,
  run: { readonly request: string; readonly nowMs: number },
): ApplyRequest {
  const remove: EntryRemoval[] = [];
  const objects: ObjectRemoval[] = [];
  for (const { entry, place, drops, keepsObject, reasons } of segments) {
    const why = reasons.filter(({ verdict }) => verdict === 'delete').map(({ text }) => text);
    if (!keepsObject) {
      const { objectStorePath: key, segmentId } = entry;
      objects.push({ key, segmentId, needs: [remove.length] });
    }
    remove.push({ identity: rowIdentity(index, place), reason: why.join('; ') });
    // Left in the index, these would come to life at the server's next load.
    for (const shadowed of drops) {
      const reason = `the server does not load it beside ${entry.segmentId}, which goes`;
      remove.push({ identity: rowIdentity(index, shadowed), reason });
    }
  }
  return {
    command: 'compact',
    request: run.request,
    remove,
    objects,
    entriesMode: options.entriesMode,
    objectsMode: options.objectsMode,
    graceUntilMs: options.graceMs === null ? null : run.nowMs + options.graceMs,
    indexDigest: index.origin.digest ?? null,
    returned: options.entriesMode === 'keep' ? [] : returned.map(({ identity }) => identity),
  };
}
