import { type Fact, SegctlError } from '../segctl-error.ts';

/**
 * Every way in which an archive can be found damaged. The codes are those of `segctl verify`'s
 * findings, so that a fetch and a verification name the same damage alike.
 */
export const ARCHIVE_DAMAGE = {
  'archive-empty': 'the archive has no bytes',
  'archive-not-gzip': 'the archive is not gzip data',
  'archive-cut-short': 'the archive ends before its gzip data does',
  'archive-crc-mismatch': "gzip's CRC or length does not match the unpacked bytes",
  'archive-gzip-damaged': 'the gzip data is damaged',
  'archive-trailing-bytes': 'there are bytes after the end of the gzip data',
  'archive-too-large': 'the archive unpacks to more than the limit',
  'archive-tar-damaged': 'the tar structure is damaged',
  'archive-member-escapes': 'a tar member leads out of the archive',
  'archive-member-missing': 'a member that every archive has is missing',
  'archive-member-unexpected': 'a member does not belong in an archive',
  'archive-metadata-invalid': 'metadata.json is not what Chronik writes',
  'archive-checksum-mismatch': 'a Tantivy file does not match its checksum',
  'archive-index-damaged': 'the Tantivy index is damaged',
  'archive-format-unsupported': 'the Tantivy index has a format version that is not known',
  'archive-schema-differs': "the index schema is not Chronik's",
  'archive-record-invalid': 'a stored record has a value that no Kafka record can have',
} as const;

export type ArchiveDamage = keyof typeof ARCHIVE_DAMAGE;

/**
 * Damage in one archive: it costs this archive and not the run. `facts` carry the member and the
 * byte where they are known; the archive's key is added by who read it.
 */
export class ArchiveError extends SegctlError {
  readonly damage: ArchiveDamage;

  constructor(
    damage: ArchiveDamage,
    facts: Readonly<Record<string, Fact>> = {},
    options: { readonly cause?: unknown; readonly remedy?: string } = {},
  ) {
    super(ARCHIVE_DAMAGE[damage], {
      code: damage,
      exit: 'archiveDamaged',
      facts,
      remedy:
        options.remedy ?? 'run `segctl verify` on the partition to see the extent of the damage',
      cause: options.cause,
    });
    this.damage = damage;
  }

  /** The same damage with the archive that it is in. */
  of(key: string): ArchiveError {
    return new ArchiveError(
      this.damage,
      { object: key, ...this.facts },
      { cause: this.cause, ...(this.remedy === undefined ? {} : { remedy: this.remedy }) },
    );
  }
}
