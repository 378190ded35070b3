import type { DeletedRange } from '../compaction/recorded-deletions.ts';
import { formatInstant } from '../quantity-text.ts';
import { type Fact, SegctlError } from '../segctl-error.ts';
import type { ArchivedPartition } from './archived-partition.ts';
import type { FetchEvent } from './fetch-event.ts';

/** Asks the journal which recorded run deleted an offset; undefined when none did. */
export type FindDeletion = (
  topic: string,
  partition: number,
  offset: bigint,
) => Promise<DeletedRange | undefined>;

export interface MissingOffset {
  readonly partition: ArchivedPartition;
  readonly offset: bigint;
  /** The first offset after it that can be had; null when there is none. */
  readonly nextOffset: bigint | null;
  /** Archives that were met on the way to that offset and couldn't be read. */
  readonly unreadable: readonly Extract<FetchEvent, { kind: 'unreadable' }>[];
  readonly findDeletion: FindDeletion;
}

/**
 * Why an offset can't be had, as the error that ends the fetch: its exit status tells the reasons
 * apart (20 to 25). Looked for in this order: an archive that should hold it and can't be read, a
 * recorded deletion, the ends of what is archived, a gap.
 */
export async function diagnoseMissing(missing: MissingOffset): Promise<SegctlError> {
  const { partition, offset, unreadable, findDeletion } = missing;
  const { topic, startOffset, endOffset } = partition;
  const facts = {
    topic,
    partition: partition.partition,
    offset,
    archivedFrom: startOffset,
    archivedTo: endOffset === null ? null : endOffset - 1n,
    nextOffset: missing.nextOffset,
  };
  const culprit = unreadable.find(
    ({ entry }) => entry.minOffset <= offset && offset <= entry.maxOffset,
  );
  if (culprit !== undefined) return inUnreadable(missing, culprit, facts);
  const deletion = await findDeletion(topic, partition.partition, offset);
  if (deletion !== undefined) return deleted(offset, deletion, facts);
  if (startOffset === null || offset < startOffset) {
    return new SegctlError(`offset ${offset} is below the start of what is archived`, {
      code: 'offset-below-start',
      exit: 'belowStart',
      facts,
      remedy: nextStep(missing),
    });
  }
  if (endOffset === null || offset >= endOffset) {
    return new SegctlError(`offset ${offset} is past the end of what is archived`, {
      code: 'offset-past-end',
      exit: 'pastEnd',
      facts,
      remedy:
        'records that were not sealed into an archive yet are in the server alone: read them with a consumer',
    });
  }
  const [holder] = partition.entries(offset, offset);
  return new SegctlError(
    holder === undefined
      ? `offset ${offset} lies in a gap between segments`
      : `offset ${offset} lies in a gap: no record of this offset is in the segment of its range`,
    {
      code: 'offset-in-gap',
      exit: 'inGap',
      facts: { ...facts, segmentId: holder?.segmentId ?? null },
      remedy: nextStep(missing),
    },
  );
}

function deleted(
  offset: bigint,
  deletion: DeletedRange,
  facts: Readonly<Record<string, Fact>>,
): SegctlError {
  const { lastRun, command, atMs, segmentId, inTrashUntilMs } = deletion;
  const show = `see what it did with: segctl compact show ${lastRun}`;
  return new SegctlError(`offset ${offset} was deleted by run ${lastRun}`, {
    code: 'offset-deleted',
    exit: 'deletedByRun',
    facts: { ...facts, runId: lastRun, command, deletedAt: formatInstant(atMs), segmentId },
    remedy:
      inTrashUntilMs === null
        ? show
        : `${show}; bring it back before ${formatInstant(inTrashUntilMs)} with: segctl compact undo ${lastRun}`,
  });
}

function inUnreadable(
  missing: MissingOffset,
  culprit: Extract<FetchEvent, { kind: 'unreadable' }>,
  facts: Readonly<Record<string, Fact>>,
): SegctlError {
  const { error, entry } = culprit;
  const isMissing = error.exit === 'objectMissing';
  return new SegctlError(
    `offset ${missing.offset} is in an archive that ${isMissing ? 'is missing' : `can't be read: ${error.message}`}`,
    {
      code: isMissing ? 'object-missing' : error.code,
      exit: isMissing ? 'objectMissing' : 'archiveDamaged',
      facts: {
        ...facts,
        segmentId: entry.segmentId,
        object: entry.objectStorePath,
        ...error.facts,
      },
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      cause: error,
    },
  );
}

function nextStep({ nextOffset, partition }: MissingOffset): string {
  if (nextOffset === null) return 'no later record is archived';
  return `the next record is at: segctl fetch ${partition.topic}:${partition.partition} --offset ${nextOffset}`;
}
