import { ArchiveError } from './archive-error.ts';
import { type ArchiveMetadata, parseArchiveMetadata } from './archive-metadata.ts';
import { gunzip } from './gunzip.ts';
import { readTarMembers, type TarMember } from './tar-members.ts';

/** An archive's bytes taken apart; nothing of the Tantivy index is read yet. */
export interface UnpackedArchive {
  readonly metadata: ArchiveMetadata;
  /** The Tantivy index's files by their name in its folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly members: readonly TarMember[];
  /** Size of the tar file. */
  readonly unpackedBytes: number;
}

export interface UnpackLimits {
  /** Bound of the unpacked tar file, `--max-unpacked`. */
  readonly maxUnpackedBytes: number;
}

/** `--max-unpacked` where nothing is said: 1 GiB, some thirty times a full WAL segment's archive. */
export const DEFAULT_MAX_UNPACKED_BYTES = 1024 ** 3;

const INDEX_FOLDER = 'index/';
const METADATA = 'metadata.json';

/**
 * tar.gz bytes -> members, in memory. The layout is `index/`, `index/<files>` and `metadata.json`.
 * Throws ArchiveError for damage of gzip, tar or metadata, and for members that don't belong.
 */
export async function unpackArchive(
  body: AsyncIterable<Uint8Array>,
  limits: UnpackLimits,
): Promise<UnpackedArchive> {
  const tar = await gunzip(body, limits.maxUnpackedBytes);
  const members = readTarMembers(tar, limits.maxUnpackedBytes);
  const files = new Map<string, Uint8Array>();
  let metadata: ArchiveMetadata | undefined;
  for (const member of members) {
    const { name, type, data, byte } = member;
    if (type === 'directory') {
      if (name !== 'index') throw unexpected(name, byte);
    } else if (name === METADATA && metadata === undefined) {
      metadata = parseArchiveMetadata(data);
    } else {
      const file = name.startsWith(INDEX_FOLDER) ? name.slice(INDEX_FOLDER.length) : '';
      if (file === '' || file.includes('/') || files.has(file)) throw unexpected(name, byte);
      files.set(file, data);
    }
  }
  if (metadata === undefined) throw missing(METADATA);
  if (!files.has('meta.json')) throw missing('index/meta.json');
  return { metadata, files, members, unpackedBytes: tar.length };
}

function unexpected(member: string, byte: number): ArchiveError {
  return new ArchiveError('archive-member-unexpected', { member, byte });
}

function missing(member: string): ArchiveError {
  return new ArchiveError('archive-member-missing', { member });
}

/**
 * Tantivy's own files, and those of a segment: 32 hex digits and the component; a `.del` has the
 * stamp of its deletion between them.
 */
const FILE_NAME =
  /^(?:meta\.json|\.managed\.json|\.tantivy-[a-z]+\.lock|[0-9a-f]{32}(?:\.\d+)?\.(?:store|fast|idx|term|pos|fieldnorm|del))$/;

/** Fails with ArchiveError `archive-member-unexpected` for a file that no Tantivy index has. */
export function checkFileNames(files: ReadonlyMap<string, Uint8Array>): void {
  for (const name of files.keys()) {
    if (!FILE_NAME.test(name)) {
      throw new ArchiveError('archive-member-unexpected', { member: `${INDEX_FOLDER}${name}` });
    }
  }
}
