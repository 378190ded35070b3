/** What an archive's key says about it. The offsets are a hint: see `base` and `last`. */
export interface ArchiveKey {
  readonly topic: string;
  /** i32 */
  readonly partition: number;
  /** First batch's base offset in write order; not necessarily the smallest offset. */
  readonly base: bigint;
  /** Last record's offset in write order; may even be below `base`. */
  readonly last: bigint;
  /** What stands before `tantivy_indexes/`, as spelled: the server's data dir. */
  readonly root: string;
}

const PATTERN =
  /^((?:.*\/)?)tantivy_indexes\/([^/]+)\/partition-(\d{1,10})\/segment-(\d{1,19})-(\d{1,19})\.tar\.gz$/s;

/** Undefined for keys that are not an archive's: tier-2 segments, trash, Parquet files and others. */
export function parseArchiveKey(key: string): ArchiveKey | undefined {
  const match = PATTERN.exec(key);
  if (match === null) return undefined;
  const [, root = '', topic = '', partition = '', base = '', last = ''] = match;
  if (Number(partition) > 2 ** 31 - 1) return undefined;
  return { topic, partition: Number(partition), base: BigInt(base), last: BigInt(last), root };
}
