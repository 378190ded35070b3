/** A partition as a key of the index names it. */
export interface TopicPartition {
  readonly topic: string;
  /** i32 */
  readonly partition: number;
}

const I32_MIN = -(2 ** 31);
const I32_MAX = 2 ** 31 - 1;

/**
 * Splits a key of `segment_index.json` as the server does: at its last '-', and the rest must be
 * what Rust's `str::parse::<i32>` takes (one optional sign, then ASCII digits, leading zeros too).
 * Undefined where the server skips the key with a warning.
 */
export function parsePartitionKey(key: string): TopicPartition | undefined {
  const dash = key.lastIndexOf('-');
  if (dash < 0) return undefined;
  const digits = key.slice(dash + 1);
  if (!/^\+?[0-9]+$/.test(digits)) return undefined;
  const partition = Number(digits);
  if (partition < I32_MIN || partition > I32_MAX) return undefined;
  return { topic: key.slice(0, dash), partition };
}

/** The key under which the server saves a partition. */
export function formatPartitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
