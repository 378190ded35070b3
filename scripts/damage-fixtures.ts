import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { unpackArchive } from '../src/core/archive/unpack-archive.ts';
import type { FindingId } from '../src/core/findings.ts';
import { DOCUMENT_CAP } from '../src/core/verify/scan-archive.ts';
import {
  type ArchiveSpec,
  BASE_TIME_MS,
  buildArchive,
  packArchive,
  type TestRecord,
} from '../test/support/build-archive.ts';
import type { NodeCopy } from '../test/support/node-copy.ts';

/** A way to damage a copy of a real node's data, and what has to be found of it then. */
export interface Damage {
  /** All findings that are to be reported, those of the undamaged data aside. */
  readonly ids: readonly FindingId[];
  /** What is done, in a few words. */
  readonly how: string;
  readonly command?: readonly string[];
  readonly exit: number;
  readonly apply: (node: NodeCopy) => Promise<void> | void;
}

const TARGET = 'orders/partition-0/segment-0-1279.tar.gz';

type Json = Record<string, unknown>;

function damage(
  id: FindingId,
  how: string,
  apply: Damage['apply'],
  options: { exit?: number; command?: readonly string[]; also?: readonly FindingId[] } = {},
): Damage {
  const { exit = 4, command, also = [] } = options;
  return { ids: [id, ...also], how, apply, exit, ...(command === undefined ? {} : { command }) };
}

function edit(change: (bytes: Buffer) => Buffer | Promise<Buffer>): Damage['apply'] {
  return async (node) => {
    const file = node.archive(TARGET);
    writeFileSync(file, await change(readFileSync(file)));
  };
}

/** Changes members of the unpacked archive and packs it anew, its CRC right. */
function repack(
  change: (files: Map<string, Uint8Array>, metadata: string) => string | undefined,
): Damage['apply'] {
  return edit(async (bytes) => {
    const { files, members } = await unpackArchive(chunks(bytes), { maxUnpackedBytes: 1 << 30 });
    const copies = new Map([...files].map(([name, data]) => [name, Uint8Array.from(data)]));
    const member = members.find(({ name }) => name === 'metadata.json');
    const metadata = Buffer.from(member?.data ?? []).toString();
    return await packArchive(copies, change(copies, metadata) ?? metadata);
  });
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function retar(change: (tar: Buffer) => Buffer): Damage['apply'] {
  return edit((bytes) => gzipSync(change(gunzipSync(bytes))));
}

function fileOf(files: Map<string, Uint8Array>, suffix: string): Uint8Array {
  const found = [...files].find(([name]) => name.endsWith(suffix));
  if (found === undefined) throw new Error(`the archive has no ${suffix}`);
  return found[1];
}

/** The entry follows the new size, so that the field alone is wrong. */
function metadataField(name: string, json: string): Damage['apply'] {
  const change = repack((_, metadata) =>
    metadata.replace(new RegExp(`("${name}": )[^,\n]+`), `$1${json}`),
  );
  return async (node) => {
    await change(node);
    await editEntry({ size_bytes: statSync(node.archive(TARGET)).size })(node);
  };
}

function editIndex(change: (index: Record<string, Json[]>) => void): Damage['apply'] {
  return (node) => {
    const index: Record<string, Json[]> = JSON.parse(readFileSync(node.indexPath, 'utf8'));
    change(index);
    // JSON numbers can't hold it, so it travels as a text.
    const text = JSON.stringify(index, null, 2).replaceAll('"i64::MIN"', '-9223372036854775808');
    writeFileSync(node.indexPath, text);
  };
}

function editEntry(fields: Json): Damage['apply'] {
  return editIndex((index) => Object.assign(index['orders-0']?.[0] ?? {}, fields));
}

interface Made extends Partial<ArchiveSpec> {
  readonly offsets: readonly number[];
  readonly entry?: Json;
  readonly records?: readonly TestRecord[];
}

/** Puts archives of a topic `t` into the store, with entries that fit them. */
function addTopic(made: readonly Made[], indexed = true): Damage['apply'] {
  return async (node) => {
    const entries: Json[] = [];
    for (const { offsets, entry, ...spec } of made) {
      const [first = 0, last = 0] = [offsets[0], offsets.at(-1)];
      const path = `t/partition-0/segment-${first}-${last}.tar.gz`;
      const records = spec.records ?? offsets.map((offset) => ({ offset: BigInt(offset) }));
      const bytes = await buildArchive({ topic: 't', partition: 0, ...spec, records });
      cpSync(node.archive(TARGET), node.archive(path));
      writeFileSync(node.archive(path), bytes);
      entries.push({
        segment_id: `t-0-${first}-${last}`,
        topic: 't',
        partition: 0,
        min_offset: first,
        max_offset: last,
        record_count: records.length,
        min_timestamp: Number(BASE_TIME_MS) + first,
        max_timestamp: Number(BASE_TIME_MS) + last,
        object_store_path: `./data/tantivy_indexes/${path}`,
        size_bytes: bytes.length,
        created_at: Number(spec.createdAtSeconds ?? 1_795_351_709n),
        compression: 'snappy',
        ...entry,
      });
    }
    if (indexed) editIndex((index) => (index['t-0'] = entries))(node);
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function removeSuperseded(node: NodeCopy, topic: string, partition: number, keep: string): void {
  const kept = readFileSync(node.archive(`${topic}/partition-${partition}/${keep}`));
  rmSync(node.archive(`${topic}/partition-${partition}`), { recursive: true });
  cpSync(node.archive(TARGET), node.archive(`${topic}/partition-${partition}/${keep}`));
  writeFileSync(node.archive(`${topic}/partition-${partition}/${keep}`), kept);
}

const COMPACT = ['compact', '--yes', '--only', 'plain', '--include-live', '--max-age', '1s'];
const COMPACT_ALL = [...COMPACT, '--no-max-size', '--no-keep-offsets'];

/** Cuts the journal of the only run after its note about the index, as a kill would have. */
async function killAfterIndex(node: NodeCopy): Promise<void> {
  const { stdout } = await node.run('compact', 'history', '-f', 'json');
  const [run]: { runId: string }[] = JSON.parse(stdout.toString());
  const file = join(node.dataDir, '.segctl/runs', run?.runId ?? '', 'journal.jsonl');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const cut = lines.filter((line) => !/"type":"(outcome|end)"/.test(line));
  writeFileSync(file, `${cut.join('\n')}\n`);
}

const BYTES: readonly Damage[] = [
  damage('archive-empty', 'no byte left', (node) => truncateSync(node.archive(TARGET), 0)),
  damage(
    'archive-not-gzip',
    'another file in its place',
    edit(() => Buffer.from('<html></html>')),
  ),
  damage(
    'archive-cut-short',
    'half of it',
    edit((bytes) => bytes.subarray(0, bytes.length >> 1)),
  ),
  damage(
    'archive-crc-mismatch',
    'a bit of the CRC flipped',
    edit((bytes) => {
      bytes[bytes.length - 7] = (bytes[bytes.length - 7] ?? 0) ^ 1;
      return bytes;
    }),
  ),
  damage(
    'archive-gzip-damaged',
    'a block type that deflate does not have',
    edit((bytes) => {
      bytes[10] = 0x07;
      return bytes;
    }),
  ),
  damage(
    'archive-trailing-bytes',
    'bytes after its end',
    edit((bytes) => Buffer.concat([bytes, Buffer.from('left of a longer archive')])),
  ),
  damage(
    'archive-too-large',
    '64 MiB of zeros in a few KiB',
    edit(() => gzipSync(Buffer.alloc(64 << 20))),
    { command: ['verify', '--max-unpacked', '32MiB'] },
  ),
  damage(
    'archive-tar-damaged',
    "a tar header's checksum wrong",
    retar((tar) => {
      tar[600] = (tar[600] ?? 0) ^ 0x10;
      return tar;
    }),
  ),
  damage(
    'archive-member-escapes',
    "a member's name with ..",
    repack((files) => void files.set('../../../etc/passwd', Buffer.from('root'))),
  ),
  damage(
    'archive-member-missing',
    'the term dictionary left out',
    repack((files) => {
      for (const name of files.keys()) if (name.endsWith('.term')) files.delete(name);
      return undefined;
    }),
  ),
  damage(
    'archive-member-unexpected',
    'a foreign file',
    repack((files) => void files.set('install.sh', Buffer.from('#!/bin/sh'))),
  ),
  damage('archive-metadata-invalid', 'a field missing', metadataField('base_offset', '"zero"')),
  damage(
    'archive-checksum-mismatch',
    'a bit of a fast field flipped',
    repack((files) => {
      const fast = fileOf(files, '.fast');
      fast[20] = (fast[20] ?? 0) ^ 4;
      return undefined;
    }),
  ),
  damage(
    'archive-index-damaged',
    'meta.json cut',
    repack((files) => {
      const meta = fileOf(files, 'meta.json');
      files.set('meta.json', meta.subarray(0, meta.length - 40));
      return undefined;
    }),
  ),
  damage(
    'archive-format-unsupported',
    'the format version of a later Tantivy',
    repack((files) => {
      for (const [name, data] of files) {
        const text = Buffer.from(data).toString('latin1');
        const later = text.replace('"index_format_version":7', '"index_format_version":9');
        files.set(name, Buffer.from(later, 'latin1'));
      }
      return undefined;
    }),
  ),
  damage(
    'archive-schema-differs',
    'key and value swapped in the schema',
    repack((files) => {
      const meta = Buffer.from(fileOf(files, 'meta.json')).toString();
      const swapped = meta
        .replace('"name": "_key"', '"name": "_x"')
        .replace('"name": "_value"', '"name": "_key"')
        .replace('"name": "_x"', '"name": "_value"');
      files.set('meta.json', Buffer.from(swapped));
      return undefined;
    }),
  ),
  damage(
    'archive-record-invalid',
    'a codec that Kafka does not have',
    addTopic([{ offsets: range(0, 3), records: [{ offset: 0n, codec: 9 }] }]),
  ),
];

const CONTENT: readonly Damage[] = [
  damage(
    'archive-record-count-differs',
    'metadata.json counts one more',
    metadataField('record_count', '1281'),
  ),
  damage('archive-range-differs', 'a last offset beyond', metadataField('last_offset', '99999')),
  damage('archive-misplaced', "another topic's archive", metadataField('topic', '"payments"')),
  damage(
    'document-cap-hit',
    'a million documents of more records',
    addTopic([
      {
        offsets: range(0, DOCUMENT_CAP - 1),
        metadata: { record_count: String(DOCUMENT_CAP + 5) },
        entry: { record_count: DOCUMENT_CAP + 5 },
      },
    ]),
  ),
  damage(
    'offsets-duplicated',
    'one offset twice',
    addTopic([{ offsets: range(0, 2), records: [0n, 1n, 1n, 2n].map((offset) => ({ offset })) }]),
  ),
];

const ENTRIES: readonly Damage[] = [
  damage('object-missing', 'the object deleted', (node) => rmSync(node.archive(TARGET))),
  damage('size-differs', 'an entry of another size', editEntry({ size_bytes: 7 })),
  damage('record-count-differs', 'an entry that counts fewer', editEntry({ record_count: 7 })),
  damage(
    'offset-range-differs',
    'an entry that ends earlier',
    editEntry({ max_offset: 1000, segment_id: 'orders-0-0-1000' }),
  ),
  damage('timestamp-range-differs', 'a later maximum', editEntry({ max_timestamp: 1863810881549 })),
  damage('max-timestamp-lost', "the server's i64::MIN", editEntry({ max_timestamp: 'i64::MIN' }), {
    exit: 0,
  }),
  damage('segment-id-differs', 'an id of another range', editEntry({ segment_id: 'orders-0-0-9' })),
  damage('segment-id-duplicate', 'an id twice', editEntry({ segment_id: 'orders-1-0-1279' })),
  damage(
    'object-named-twice',
    'two entries of one object',
    editIndex((index) => {
      const [entry = {}] = index['orders-0'] ?? [];
      const range = { min_offset: 1280, max_offset: 1289, segment_id: 'orders-0-1280-1289' };
      index['orders-0'] = [entry, { ...entry, ...range }];
    }),
  ),
  damage(
    'entry-range-invalid',
    'an end below its beginning',
    editEntry({ max_offset: -5, segment_id: 'orders-0-0--5' }),
    // Nothing covers its superseded archives any more.
    { also: ['object-not-in-index'] },
  ),
  damage('entry-key-unsafe', 'a path that leads out of the store', (node) => {
    rmSync(node.archive(TARGET));
    editEntry({ object_store_path: '../../../etc/shadow' })(node);
  }),
  damage('entry-wrong-key', "an entry under another partition's key", (node) => {
    removeSuperseded(node, 'orders', 1, 'segment-0-1279.tar.gz');
    editIndex((index) => {
      index['orders-9'] = index['orders-1'] ?? [];
      delete index['orders-1'];
    })(node);
  }),
  damage(
    'entry-skipped',
    'two entries of one min_offset',
    editIndex((index) => {
      const [entry = {}] = index['orders-0'] ?? [];
      const path = String(entry.object_store_path).replace('1279', '959');
      const older = { segment_id: 'orders-0-0-959', max_offset: 959, object_store_path: path };
      index['orders-0'] = [{ ...entry, ...older }, entry];
    }),
  ),
  damage('entry-unknown-fields', 'a field of a later version', editEntry({ codec: 'zstd' }), {
    exit: 0,
  }),
  damage(
    'index-key-skipped',
    'a key without a partition',
    editIndex((index) => (index.orders = [])),
  ),
  damage(
    'index-key-duplicate',
    'two spellings of one partition',
    editIndex((index) => (index['orders-00'] = [])),
  ),
  damage('index-refused', 'a text for a number', editEntry({ record_count: '1280' })),
  damage('index-missing', 'no index', (node) => rmSync(node.indexPath)),
];

const STORE: readonly Damage[] = [
  damage('object-not-in-index', 'an entry lost', (node) => {
    removeSuperseded(node, 'plain', 0, 'segment-0-159.tar.gz');
    editIndex((index) => delete index['plain-0'])(node);
  }),
  damage(
    'segments-overlap',
    'ranges that interlock',
    addTopic([{ offsets: [0, 2, 4, 6] }, { offsets: [3, 5, 7] }]),
  ),
  damage(
    'offsets-in-two-archives',
    'offsets in two archives',
    addTopic([{ offsets: range(0, 9) }, { offsets: range(5, 14) }]),
  ),
  damage(
    'topic-recreated',
    'newer archives of lower offsets',
    addTopic([
      { offsets: range(0, 9) },
      { offsets: range(10, 19), createdAtSeconds: 1_795_000_000n },
    ]),
  ),
  damage(
    'partition-gap',
    'a segment missing between two',
    addTopic([{ offsets: range(0, 9) }, { offsets: range(20, 29) }]),
  ),
  damage('deleted-yet-back', 'a server that wrote its own index back', async (node) => {
    const index = readFileSync(node.indexPath);
    await node.run(...COMPACT_ALL);
    writeFileSync(node.indexPath, index);
  }),
  damage(
    'object-of-deleted',
    'an archive that the deleted one had superseded',
    async (node) => {
      await node.run(...COMPACT_ALL);
    },
    { exit: 0 },
  ),
  damage('run-unfinished', 'a run killed before its end', async (node) => {
    removeSuperseded(node, 'plain', 0, 'segment-0-159.tar.gz');
    await node.run(...COMPACT_ALL);
    await killAfterIndex(node);
  }),
  damage(
    'object-left-over',
    'a run killed before it deleted the object',
    async (node) => {
      removeSuperseded(node, 'plain', 0, 'segment-0-159.tar.gz');
      await node.run(...COMPACT_ALL, '--objects', 'keep');
      await killAfterIndex(node);
      await claimObject(node);
    },
    { also: ['run-unfinished'] },
  ),
];

/** Makes of a run that kept its object one that was to delete it, and was killed before. */
async function claimObject(node: NodeCopy): Promise<void> {
  const { stdout } = await node.run('compact', 'history', '-f', 'json');
  const [run]: { runId: string }[] = JSON.parse(stdout.toString());
  const file = join(node.dataDir, '.segctl/runs', run?.runId ?? '', 'journal.jsonl');
  const place = node.archive('plain/partition-0/segment-0-159.tar.gz');
  const { ino, size, mtimeNs } = statSync(place, { bigint: true });
  const object = {
    type: 'object',
    n: 0,
    key: './data/tantivy_indexes/plain/partition-0/segment-0-159.tar.gz',
    segmentId: 'plain-0-0-159',
    sizeBytes: Number(size),
    version: `${ino}-${size}-${mtimeNs}`,
    trashKey: null,
    covers: null,
  };
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.replace('"objects":"keep"', '"objects":"delete"'))
    .flatMap((line) =>
      line.includes('"type":"intent"')
        ? [JSON.stringify(object), line.replace('"objects":0', '"objects":1')]
        : [line],
    );
  writeFileSync(file, `${lines.join('\n')}\n`);
}

const SETUP: readonly Damage[] = [
  damage(
    'store-empty',
    'no archive in the store',
    (node) => {
      rmSync(node.archive(''), { recursive: true });
    },
    { command: ['doctor'] },
  ),
  damage(
    'store-unreachable',
    'the store not mounted',
    (node) => {
      rmSync(join(node.dataDir, 'segments'), { recursive: true });
    },
    { command: ['doctor'] },
  ),
  damage('clock-off', 'a clock years behind', () => {}, {
    command: ['doctor', '--at', '2020-01-01T00:00:00Z'],
  }),
  damage('data-dir-unwritable', 'a data dir that is not there', () => {}, {
    command: ['doctor', '--index', '/nonexistent/segment_index.json'],
    also: ['index-missing'],
  }),
];

/** The findings that the undamaged data has. */
export const BASELINE: readonly FindingId[] = [
  'object-superseded',
  'archive-holes',
  'archive-max-timestamp-lost',
  'min-timestamp-of-batches',
];

export const DAMAGES: readonly Damage[] = [...BYTES, ...CONTENT, ...ENTRIES, ...STORE, ...SETUP];
