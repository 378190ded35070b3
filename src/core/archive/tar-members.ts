import { ArchiveError } from './archive-error.ts';
import { tooLarge } from './gunzip.ts';

/**
 * Reads the members of an unpacked tar file in place.
 *
 * A tar file is a run of 512-byte blocks: a header block, then the member's data padded to a whole
 * block, and two zero blocks at the end (POSIX.1-1988 ustar; GNU tar manual, "Basic Tar Format").
 *
 *     0 name[100]   100 mode[8]   108 uid[8]   116 gid[8]   124 size[12]   136 mtime[12]
 *   148 chksum[8]   156 typeflag  157 linkname[100]         257 magic[6]   345 prefix[155]
 *
 * GNU sparse members (typeflag S) put a map of the stored pieces into the header:
 *
 *   386 sp[4] of { offset[12], numbytes[12] }   482 isextended   483 realsize[12]
 *
 * continued, when isextended is 1, in blocks of sp[21] with their own isextended at 504.
 *
 * The server writes types 0 and 5, L for names over 100 bytes and S for files with holes, so these
 * are what is read. The data is not copied but for sparse members.
 */
export interface TarMember {
  /** As stored, without a trailing slash. */
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly data: Uint8Array;
  /** Where the member's header begins in the unpacked bytes. */
  readonly byte: number;
}

const BLOCK = 512;
/** GNU tar itself allows long names; nothing that Chronik stores comes near this. */
const MAX_NAME_BYTES = 64 * 1024;

/**
 * All members in their order. Throws ArchiveError `archive-tar-damaged` with the byte of the bad
 * block, `archive-too-large` when a sparse member claims more than `maxBytes`, and
 * `archive-member-escapes` for names that are absolute, hold `..`, or are links.
 */
export function readTarMembers(tar: Uint8Array, maxBytes: number): TarMember[] {
  const members: TarMember[] = [];
  let position = 0;
  let longName: string | undefined;
  while (true) {
    if (position + BLOCK > tar.length) throw damaged(position, 'the end marker is missing');
    const header = tar.subarray(position, position + BLOCK);
    if (isZero(header)) {
      requireEnd(tar, position);
      return members;
    }
    checkHeader(header, position);
    const typeflag = String.fromCharCode(header[156] ?? 0);
    const size = octal(header, 124, 12, position);
    const sparse = typeflag === 'S' ? readSparseMap(tar, position, maxBytes) : undefined;
    const dataStart = position + BLOCK * (1 + (sparse?.extensionBlocks ?? 0));
    const dataEnd = dataStart + size;
    if (dataEnd > tar.length) throw damaged(position, 'the member is longer than the file');
    const stored = tar.subarray(dataStart, dataEnd);
    if (typeflag === 'L') {
      if (size > MAX_NAME_BYTES) throw damaged(position, 'the long name is too long');
      longName = text(stored);
    } else {
      const name = longName ?? shortName(header);
      longName = undefined;
      members.push({
        name: safeName(name, position),
        type: memberType(typeflag, name, position),
        data: sparse === undefined ? stored : expandSparse(stored, sparse, position),
        byte: position,
      });
    }
    position = dataStart + Math.ceil(size / BLOCK) * BLOCK;
  }
}

interface SparseMap {
  readonly pieces: readonly { readonly offset: number; readonly size: number }[];
  readonly realSize: number;
  readonly extensionBlocks: number;
}

function readSparseMap(tar: Uint8Array, position: number, maxBytes: number): SparseMap {
  const header = tar.subarray(position, position + BLOCK);
  const realSize = octal(header, 483, 12, position);
  if (realSize > maxBytes) throw tooLarge(maxBytes);
  const pieces: { offset: number; size: number }[] = [];
  const readPieces = (block: Uint8Array, at: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      const start = at + i * 24;
      if (block[start] === 0) return;
      const offset = octal(block, start, 12, position);
      const size = octal(block, start + 12, 12, position);
      pieces.push({ offset, size });
    }
  };
  readPieces(header, 386, 4);
  let extensionBlocks = 0;
  let isExtended = header[482] === 1;
  while (isExtended) {
    extensionBlocks++;
    const start = position + BLOCK * extensionBlocks;
    if (start + BLOCK > tar.length) throw damaged(position, 'the sparse map is cut short');
    const block = tar.subarray(start, start + BLOCK);
    readPieces(block, 0, 21);
    isExtended = block[504] === 1;
  }
  return { pieces, realSize, extensionBlocks };
}

function expandSparse(stored: Uint8Array, map: SparseMap, position: number): Uint8Array {
  const data = new Uint8Array(map.realSize);
  let read = 0;
  let written = 0;
  for (const { offset, size } of map.pieces) {
    if (offset < written || offset + size > map.realSize || read + size > stored.length) {
      throw damaged(position, 'the sparse map does not fit the member');
    }
    data.set(stored.subarray(read, read + size), offset);
    read += size;
    written = offset + size;
  }
  if (read !== stored.length) throw damaged(position, 'the sparse map does not fit the member');
  return data;
}

/** The checksum is the sum of all header bytes with the checksum field itself taken as spaces. */
function checkHeader(header: Uint8Array, position: number): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  if (sum !== octal(header, 148, 8, position))
    throw damaged(position, 'the header checksum is wrong');
}

/** Octal digits with leading spaces, ended by NUL or space; or, with the top bit set, base 256. */
function octal(block: Uint8Array, start: number, length: number, position: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (block[start + i] ?? 0);
    if (!Number.isSafeInteger(value)) throw damaged(position, 'a number is out of range');
    return value;
  }
  const digits = text(block.subarray(start, start + length)).trim();
  if (!/^[0-7]{1,11}$/.test(digits)) throw damaged(position, 'a number is not octal');
  return Number.parseInt(digits, 8);
}

function shortName(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  // Only POSIX headers ("ustar\0") have a prefix; GNU headers keep times at its place.
  const isPosix = text(header.subarray(257, 263)) === 'ustar' && header[262] === 0;
  const prefix = isPosix ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function memberType(typeflag: string, name: string, position: number): TarMember['type'] {
  if (typeflag === '0' || typeflag === '\0' || typeflag === 'S') return 'file';
  if (typeflag === '5') return 'directory';
  if (typeflag === '1' || typeflag === '2') {
    throw new ArchiveError('archive-member-escapes', {
      member: name,
      byte: position,
      type: 'link',
    });
  }
  throw new ArchiveError('archive-member-unexpected', { member: name, byte: position, typeflag });
}

function safeName(name: string, position: number): string {
  const parts = name.split('/');
  if (name.startsWith('/') || name.includes('\\') || parts.includes('..')) {
    throw new ArchiveError('archive-member-escapes', { member: name, byte: position });
  }
  if (name === '') throw damaged(position, 'a member has no name');
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

/** After the two zero blocks there may be padding of zeros (GNU tar pads to 10 KiB), nothing else. */
function requireEnd(tar: Uint8Array, position: number): void {
  if (position + 2 * BLOCK > tar.length) throw damaged(position, 'the end marker is cut short');
  if (!isZero(tar.subarray(position)))
    throw damaged(position, 'there are bytes after the end marker');
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

function damaged(byte: number, why: string): ArchiveError {
  return new ArchiveError('archive-tar-damaged', { byte, why });
}
