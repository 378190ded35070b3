import type { Context } from '../../context.ts';
import { loadCodecs } from '../../core/record-batch/compression/codec.ts';
import { readBatches } from '../../core/record-batch/decode-batch.ts';
import { readRecords, unpackRecords } from '../../core/record-batch/decode-records.ts';
import { formatDumpBatch, formatDumpRecord } from '../../core/record-batch/dump-log.ts';
import { BatchEncoder } from '../../core/record-batch/encode-batch.ts';
import { groupIntoBatches } from '../../core/record-batch/group-batches.ts';
import { COMPRESSION_TYPES } from '../../core/record-batch/record.ts';
import { sliceRecordColumns } from '../../core/record-batch/record-columns.ts';
import { wholeDocument } from '../../ui/document-spool.ts';
import type { RecordRange } from '../../ui/record-output/record-range.ts';
import { createRecordWriter, recordChunks } from '../../ui/record-output/record-writer.ts';
import { writeFileWhole } from '../write-file.ts';
import type { FetchQuery } from './fetch-query.ts';

type Ranges = () => AsyncGenerator<RecordRange, void, void>;
type Chunks = AsyncGenerator<string | Uint8Array, void, void>;

/** Where the records go, in the form that was asked for. */
export interface FetchOutput {
  /** Whether what was read is written soon, so that an interrupted fetch has given something. */
  readonly isIncremental: boolean;
  write(ranges: Ranges): Promise<void>;
}

export async function openFetchOutput(context: Context, query: FetchQuery): Promise<FetchOutput> {
  const { encode, isIncremental } = await encoder(context, query);
  const { outputFile } = query;
  return {
    isIncremental: isIncremental && outputFile === undefined,
    write: async (ranges) => {
      if (outputFile === undefined) await context.write(encode(ranges));
      else await writeFileWhole(outputFile, encode(ranges));
    },
  };
}

interface Encoder {
  readonly encode: (ranges: Ranges) => Chunks;
  readonly isIncremental: boolean;
}

async function encoder(context: Context, query: FetchQuery): Promise<Encoder> {
  const { format, maxUnpackedBytes } = query;
  if (format.kind === 'raw') return { encode: rawBatches, isIncremental: false };
  if (format.kind === 'dump') {
    const { printData } = format;
    return {
      encode: (ranges) => dumpLines(ranges, printData, maxUnpackedBytes),
      isIncremental: true,
    };
  }
  const terminal = context.io.stdout.isTTY === true && query.outputFile === undefined;
  const writer = await createRecordWriter(format.format, {
    batchInfo: query.batchInfo,
    encoding: query.encoding,
    width: terminal ? context.io.stdout.columns : undefined,
    color: context.settings.color && terminal,
    terminal,
  });
  const chunks = async function* (ranges: Ranges): Chunks {
    yield writer.start();
    for await (const range of ranges()) yield* recordChunks(writer, range);
    yield writer.end();
  };
  return writer.isWholeDocument
    ? { encode: (ranges) => wholeDocument(chunks(ranges)), isIncremental: false }
    : { encode: chunks, isIncremental: true };
}

/** Batches are joined up to about this size before they are written. */
const RAW_CHUNK_BYTES = 1024 * 1024;

async function* rawBatches(ranges: Ranges): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const batch of encodedBatches(ranges)) {
    held.push(batch);
    heldBytes += batch.length;
    if (heldBytes < RAW_CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  yield Buffer.concat(held);
}

async function* encodedBatches(ranges: Ranges): AsyncGenerator<Uint8Array, void, void> {
  for await (const { columns, from, to } of ranges()) {
    const rows = sliceRecordColumns(columns, from, to);
    const codecs = await loadCodecs(
      [...new Set(rows.compression)].flatMap((id) => COMPRESSION_TYPES[id] ?? []),
    );
    const encoder = new BatchEncoder(codecs);
    for (const batch of groupIntoBatches(rows).batches) yield encoder.encode(rows, batch);
  }
}

/** DumpLogSegments' lines, with positions that go on from batch to batch. */
async function* dumpLines(
  ranges: Ranges,
  printData: boolean,
  maxUnpackedBytes: number,
): AsyncGenerator<string, void, void> {
  const codecs = await loadCodecs(COMPRESSION_TYPES);
  let position = 0;
  for await (const bytes of encodedBatches(ranges)) {
    const lines: string[] = [];
    for (const batch of readBatches(bytes)) {
      // DumpLogSegments takes it from the file's name, which is the first base offset.
      if (position === 0) lines.push(`Log starting offset: ${batch.info.baseOffset}`);
      lines.push(formatDumpBatch({ ...batch.info, position }));
      for (const record of readRecords(
        batch.info,
        unpackRecords(batch, codecs, maxUnpackedBytes),
      )) {
        lines.push(formatDumpRecord(batch.info, record, printData));
      }
    }
    position += bytes.length;
    yield `${lines.join('\n')}\n`;
  }
}
