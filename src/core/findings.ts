import type { ArchiveDamage } from './archive/archive-error.ts';
import type { Fact } from './segctl-error.ts';

/**
 * error: records are lost or can't be read, or the server would refuse the index. warning: index,
 * store and journal contradict each other. info: worth knowing, and normal. harmless: a defect of
 * Chronik's own, which its files have from the start.
 */
export const SEVERITIES = ['error', 'warning', 'info', 'harmless'] as const;
export type Severity = (typeof SEVERITIES)[number];

interface FindingKind {
  readonly severity: Severity;
  /** A line's headline: lower case, no full stop. */
  readonly title: string;
  readonly meaning: string;
  /** The command to run next; `{partition}`, `{segment}` and `{run}` stand for the finding's own. */
  readonly next: string;
}

const REBUILD = 'segctl reindex --rebuild --dry-run';
const REPAIR = 'segctl reindex --check';
const REREAD = 'segctl verify {partition}';
const SHOW = 'segctl segments show {segment}';
const GC = 'segctl gc --dry-run';

/** Damage of an archive's bytes: the records in it can't be read from this archive. */
function damage(title: string, meaning: string): FindingKind {
  return { severity: 'error', title, meaning, next: SHOW };
}

const ARCHIVE_KINDS = {
  'archive-empty': damage(
    'archive has no bytes',
    'the server was stopped, or its disk was full, before it wrote the archive; while the server writes one this is seen for a moment',
  ),
  'archive-not-gzip': damage(
    'archive is not gzip',
    'the object does not begin with a gzip header: something else was written under this key',
  ),
  'archive-cut-short': damage(
    'archive is cut short',
    'the gzip data ends early: an upload or a write was not finished',
  ),
  'archive-crc-mismatch': damage(
    'gzip CRC or length is wrong',
    'the unpacked bytes are not those that were packed: bytes changed at rest or in transit',
  ),
  'archive-gzip-damaged': damage('gzip data is damaged', 'the packed data can not be unpacked'),
  'archive-trailing-bytes': damage(
    'bytes follow the gzip data',
    'something was appended to the archive, or a shorter archive was written over a longer one',
  ),
  'archive-too-large': damage(
    'archive unpacks beyond the limit',
    'it unpacks to more than --max-unpacked allows, and was not read; raise the limit if it is genuine',
  ),
  'archive-tar-damaged': damage(
    'tar structure is damaged',
    'a header, its checksum or the end marker is wrong',
  ),
  'archive-member-escapes': damage(
    'tar member leads out of the archive',
    'a name is absolute, holds "..", or the member is a link: Chronik writes none of these',
  ),
  'archive-member-missing': damage(
    'member is missing',
    'the archive lacks a file that every archive has',
  ),
  'archive-member-unexpected': damage(
    'member does not belong',
    'the archive holds a file that Chronik does not write',
  ),
  'archive-metadata-invalid': damage(
    'metadata.json is not readable',
    'it is not JSON, or a field is missing or has another type',
  ),
  'archive-checksum-mismatch': damage(
    'Tantivy file does not match its checksum',
    "the CRC in a file's footer differs from its bytes, or there is no footer",
  ),
  'archive-index-damaged': damage(
    'Tantivy index is damaged',
    'the files of the index contradict each other or can not be decoded',
  ),
  'archive-format-unsupported': damage(
    'unknown Tantivy format version',
    'the index was written in a format that this segctl does not read; a newer one may',
  ),
  'archive-schema-differs': damage(
    "schema is not Chronik's",
    'a field of the schema that every archive has is absent or of another type',
  ),
  'archive-record-invalid': damage(
    'stored record is not a Kafka record',
    'a stored value lies outside of what its field in a record batch can hold',
  ),
} as const satisfies Record<ArchiveDamage, FindingKind>;

const CONTENT_KINDS = {
  'archive-record-count-differs': {
    severity: 'error',
    title: 'archive holds another number of records than its metadata says',
    meaning: 'documents are missing from the archive, or were added to it, after it was packed',
    next: SHOW,
  },
  'archive-range-differs': {
    severity: 'error',
    title: "archive's records lie outside of its metadata's range",
    meaning:
      'base offset, last offset or minimal timestamp of metadata.json fit none of its records',
    next: SHOW,
  },
  'archive-misplaced': {
    severity: 'error',
    title: "archive lies under another partition's key",
    meaning:
      "topic or partition in the archive's metadata.json differ from the key that it is stored under",
    next: SHOW,
  },
  'document-cap-hit': {
    severity: 'error',
    title: 'archive was capped at 1,000,000 documents',
    meaning:
      'the server silently dropped every record beyond the first million when it wrote this archive',
    next: 'segctl segments stats {partition}',
  },
  'offsets-duplicated': {
    severity: 'error',
    title: 'archive holds two records of one offset',
    meaning: 'an offset names one record in Kafka; here a fetch has to choose',
    next: SHOW,
  },
  'archive-holes': {
    severity: 'harmless',
    title: 'archive has holes',
    meaning:
      'offsets inside of the range have no record: Chronik lost the first batches of a new partition, or a batch was compacted',
    next: SHOW,
  },
  'archive-max-timestamp-lost': {
    severity: 'harmless',
    title: "archive's metadata lacks the largest timestamp",
    meaning:
      'the server writes -9223372036854775808 as max_timestamp into every metadata.json; segctl reads the documents instead',
    next: SHOW,
  },
} as const satisfies Record<string, FindingKind>;

const ENTRY_KINDS = {
  'object-missing': {
    severity: 'error',
    title: 'object is missing',
    meaning:
      'the index names an archive that the store does not have: its records can not be fetched',
    next: REPAIR,
  },
  'size-differs': {
    severity: 'warning',
    title: 'size differs',
    meaning:
      "the object's size is not the entry's: it was written again after the index was saved, or it is cut short",
    next: REREAD,
  },
  'record-count-differs': {
    severity: 'warning',
    title: 'record count differs',
    meaning: "the archive holds another number of records than its entry's record_count",
    next: REPAIR,
  },
  'offset-range-differs': {
    severity: 'warning',
    title: 'offset range differs',
    meaning:
      "the archive's smallest and largest offset are not the entry's: a fetch would look in the wrong place",
    next: REPAIR,
  },
  'timestamp-range-differs': {
    severity: 'warning',
    title: 'timestamp range differs',
    meaning: "the records' smallest and largest timestamp are not the entry's",
    next: REPAIR,
  },
  'max-timestamp-lost': {
    severity: 'harmless',
    title: 'entry lacks the largest timestamp',
    meaning:
      'the server wrote -9223372036854775808 where it took a minimum instead of a maximum; reindex puts the true one in',
    next: REPAIR,
  },
  'min-timestamp-of-batches': {
    severity: 'harmless',
    title: "entry's smallest timestamp is that of a batch, not of a record",
    meaning:
      'the server takes the smallest base timestamp; a record dated before its batch is older; reindex puts the true one in',
    next: REPAIR,
  },
  'segment-id-differs': {
    severity: 'warning',
    title: 'segment id does not fit its entry',
    meaning: 'an id is topic, partition, smallest and largest offset; this one says otherwise',
    next: REPAIR,
  },
  'segment-id-duplicate': {
    severity: 'warning',
    title: 'segment id occurs more than once',
    meaning:
      'two entries of the index have one id: a command that names it can not tell them apart',
    next: REPAIR,
  },
  'object-named-twice': {
    severity: 'warning',
    title: 'two entries name one object',
    meaning: 'deleting the one would take the records of the other: their archive was written over',
    next: REPAIR,
  },
  'entry-range-invalid': {
    severity: 'error',
    title: 'entry ends before it begins',
    meaning: 'max_offset is below min_offset: no offset leads to this archive',
    next: REPAIR,
  },
  'entry-key-unsafe': {
    severity: 'error',
    title: 'object path leads out of the store',
    meaning: 'object_store_path holds ".." or names no object: segctl refuses to follow it',
    next: SHOW,
  },
  'entry-wrong-key': {
    severity: 'warning',
    title: 'entry stands under the wrong key',
    meaning: "topic or partition of an entry differ from its key's; the server files it by the key",
    next: REPAIR,
  },
  'entry-skipped': {
    severity: 'warning',
    title: 'server would skip the entry',
    meaning:
      'a later entry of the partition has the same min_offset, and the server keeps only that one',
    next: GC,
  },
  'entry-unknown-fields': {
    severity: 'info',
    title: 'entry has fields that the server drops',
    meaning: 'the server ignores them, and its next save is without them',
    next: 'segctl segments ls {partition}',
  },
  'index-key-skipped': {
    severity: 'warning',
    title: 'server would skip a key of the index',
    meaning: 'the key has no partition number after its last "-", so its entries are not loaded',
    next: REPAIR,
  },
  'index-key-duplicate': {
    severity: 'warning',
    title: 'partition stands in the index more than once',
    meaning: 'two keys name one partition; the server keeps the entries of one of them',
    next: REPAIR,
  },
  'index-refused': {
    severity: 'error',
    title: 'server would refuse the index',
    meaning:
      'a type error, a missing field or broken JSON: the server would start with an empty index and overwrite the file',
    next: REBUILD,
  },
  'index-missing': {
    severity: 'error',
    title: 'there is no index',
    meaning: 'the file is absent or can not be read; the archives can still be in the store',
    next: REBUILD,
  },
} as const satisfies Record<string, FindingKind>;

const STORE_KINDS = {
  'object-not-in-index': {
    severity: 'warning',
    title: 'object is not in the index',
    meaning:
      'the archive holds records that nothing leads to: the index was lost, restored from an old copy, or overwritten',
    next: REPAIR,
  },
  'object-superseded': {
    severity: 'info',
    title: 'archive is superseded',
    meaning:
      'another archive that stays covers its records; Chronik leaves one behind at every indexing pass',
    next: GC,
  },
  'object-of-deleted': {
    severity: 'info',
    title: 'archive holds what a recorded run deleted',
    meaning:
      'its offsets were deleted on purpose after it was written, so reindex does not bring it back; `gc --unreferenced` takes it',
    next: 'segctl gc --unreferenced --dry-run',
  },
  'object-in-flight': {
    severity: 'info',
    title: 'archive is being written',
    meaning:
      'it changed each time it was read: the server writes in place; look again in two minutes',
    next: REREAD,
  },
  'object-unreadable': {
    severity: 'error',
    title: 'object can not be read',
    meaning:
      'the store refused or failed to give the bytes: nothing is known about what is in them',
    next: 'segctl doctor',
  },
  'segments-overlap': {
    severity: 'warning',
    title: 'segments overlap',
    meaning: 'the offset ranges of two entries share offsets, though no record was seen in both',
    next: 'segctl segments ls {partition}',
  },
  'offsets-in-two-archives': {
    severity: 'warning',
    title: 'two archives hold the same offsets',
    meaning:
      'both are in the index: one covers the other, or they hold different records of one offset',
    next: GC,
  },
  'topic-recreated': {
    severity: 'warning',
    title: 'topic was recreated',
    meaning:
      'newer archives begin at lower offsets than older ones: the older ones belong to a topic that was deleted',
    next: 'segctl segments ls {partition}',
  },
  'partition-gap': {
    severity: 'warning',
    title: 'gap in the partition',
    meaning: 'no entry covers these offsets between two segments, and no recorded run deleted them',
    next: REPAIR,
  },
  'deleted-yet-back': {
    severity: 'warning',
    title: 'deleted by a recorded run, yet back in the index',
    meaning: 'a running server keeps its own copy of the index and wrote the entry back',
    next: REPAIR,
  },
  'run-unfinished': {
    severity: 'warning',
    title: 'run was not finished',
    meaning: 'a compaction or gc was stopped in the middle; what it had begun is in the journal',
    next: 'segctl compact resume',
  },
  'object-left-over': {
    severity: 'warning',
    title: 'object of an unfinished run is left over',
    meaning: 'the run took the entry out of the index and was stopped before it deleted the object',
    next: 'segctl compact resume',
  },
} as const satisfies Record<string, FindingKind>;

const SETUP_KINDS = {
  'store-unreachable': {
    severity: 'error',
    title: 'store is not reachable',
    meaning: 'the object store can not be listed with these settings',
    next: 'segctl config show',
  },
  'store-empty': {
    severity: 'warning',
    title: 'store has no archives',
    meaning:
      'the index names archives and a listing shows none: another store or prefix may be meant',
    next: 'segctl config show',
  },
  'data-dir-unwritable': {
    severity: 'error',
    title: 'data dir can not be written',
    meaning:
      'the index and the journal could not be changed by this user: compact, gc and reindex would fail',
    next: 'segctl config show',
  },
  'lock-held': {
    severity: 'info',
    title: 'another run holds the lock',
    meaning: 'a command that changes data is at work, or was killed a moment ago',
    next: 'segctl compact history',
  },
  'space-low': {
    severity: 'warning',
    title: 'disk is nearly full',
    meaning: 'less space is left than writing the index anew would take twice over',
    next: 'segctl compact --dry-run',
  },
  'clock-off': {
    severity: 'warning',
    title: 'clock is off',
    meaning:
      'archives or entries were made in the future of this clock: ages, and so retention, would be wrong',
    next: 'segctl config show',
  },
  'native-module-missing': {
    severity: 'error',
    title: 'archives can not be decoded',
    meaning: 'the native module that reads Tantivy indexes does not load on this machine',
    next: 'npm rebuild tantivy-napi',
  },
} as const satisfies Record<string, FindingKind>;

/** Everything that can be found wrong or noteworthy, by stable id. */
export const FINDINGS = {
  ...ENTRY_KINDS,
  ...STORE_KINDS,
  ...CONTENT_KINDS,
  ...ARCHIVE_KINDS,
  ...SETUP_KINDS,
} as const;

export type FindingId = keyof typeof FINDINGS;

/** What a finding is about; what is not known or does not apply is absent. */
export interface Subject {
  readonly topic?: string;
  readonly partition?: number;
  readonly segmentId?: string;
  /** The object's key, as the index or the listing spells it. */
  readonly objectStorePath?: string;
  readonly runId?: string;
}

export interface Finding {
  readonly id: FindingId;
  readonly subject: Subject;
  readonly facts: Readonly<Record<string, Fact>>;
}

export function finding(
  id: FindingId,
  subject: Subject,
  facts: Readonly<Record<string, Fact>> = {},
): Finding {
  return { id, subject, facts };
}

export function severityOf(found: Finding): Severity {
  return FINDINGS[found.id].severity;
}

/** Whether the exit code is 4: by an error or a warning, not by what is normal in a healthy store. */
export function hasFailing(findings: readonly Finding[]): boolean {
  return findings.some((one) => isFailing(one));
}

export function isFailing(found: Finding): boolean {
  const severity = severityOf(found);
  return severity === 'error' || severity === 'warning';
}

/** The exact command to run next, its arguments quoted for a POSIX shell where they need it. */
export function nextCommand(found: Finding): string {
  const { topic, partition, segmentId, objectStorePath, runId } = found.subject;
  const named =
    topic === undefined ? '' : `${topic}${partition === undefined ? '' : `:${partition}`}`;
  return FINDINGS[found.id].next
    .replace('{partition}', () => shellQuoted(named))
    .replace('{segment}', () => shellQuoted(segmentId ?? objectStorePath ?? ''))
    .replace('{run}', () => shellQuoted(runId ?? ''))
    .trimEnd();
}

function shellQuoted(text: string): string {
  return /^[\w./:@%+=,-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
