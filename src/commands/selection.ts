import { topicMatcher } from '../core/retention/topic-glob.ts';
import { SegctlError } from '../core/segctl-error.ts';
import type { PartitionFilter } from '../core/segment-index/index-parser.ts';
import type { IndexPartition } from '../core/segment-index/index-partitions.ts';
import type { SegmentIndex } from '../core/segment-index/segment-index.ts';

/** One `TOPIC[:PARTITION]` of a command line. */
export interface Selector {
  readonly text: string;
  readonly topic: string;
  /** null selects all partitions of the topic. */
  readonly partition: number | null;
  readonly matchesTopic: (topic: string) => boolean;
}

/**
 * Parses `TOPIC` or `TOPIC:PARTITION`; the topic may be a pattern with `*` and `?`. Kafka's topic
 * names hold no colon, so it needs no escape. Throws a usage error that names the argument.
 */
export function parseSelector(text: string): Selector {
  const colon = text.lastIndexOf(':');
  const topic = colon === -1 ? text : text.slice(0, colon);
  const digits = colon === -1 ? null : text.slice(colon + 1);
  if (digits !== null && (!/^\d{1,10}$/.test(digits) || Number(digits) > 2147483647)) {
    throw new SegctlError(`"${text}" is not a TOPIC or TOPIC:PARTITION`, {
      code: 'invalid-selection',
      exit: 'usage',
      facts: { given: text },
      remedy: 'name a partition as orders:0, a whole topic as orders',
    });
  }
  const partition = digits === null ? null : Number(digits);
  return { text, topic, partition, matchesTopic: topicMatcher(topic) };
}

/** Lets the loader skip what no selector names; undefined selects everything. */
export function selectionFilter(selectors: readonly Selector[]): PartitionFilter | undefined {
  if (selectors.length === 0) return undefined;
  return (one) => one !== undefined && selectors.some((selector) => selects(selector, one));
}

/**
 * The selected partitions, in the index's order. A selector that nothing matches is an error and
 * not an empty result: a misspelled topic must not look like an empty one.
 */
export function selectPartitions(
  index: SegmentIndex,
  selectors: readonly Selector[],
): readonly IndexPartition[] {
  for (const selector of selectors) {
    if (!index.partitions.some((one) => selects(selector, one)))
      throw nothingSelected(selector, index);
  }
  if (selectors.length === 0) return index.partitions;
  return index.partitions.filter((one) => selectors.some((selector) => selects(selector, one)));
}

function selects(
  selector: Selector,
  one: { readonly topic: string; readonly partition: number },
): boolean {
  return (
    (selector.partition === null || selector.partition === one.partition) &&
    selector.matchesTopic(one.topic)
  );
}

function nothingSelected(selector: Selector, index: SegmentIndex): SegctlError {
  return new SegctlError(`the index has no segment of ${selector.text}`, {
    code: 'nothing-selected',
    facts: { selection: selector.text, index: index.origin.name },
    remedy: 'see what there is with: segctl segments stats',
  });
}
