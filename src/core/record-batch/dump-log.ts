import type { Codecs } from './compression/codec.ts';
import { readControlRecord } from './control-record.ts';
import { type BatchInfo, readBatches } from './decode-batch.ts';
import { readRecords, unpackRecords } from './decode-records.ts';
import { decodeAsJava } from './java-text.ts';
import type { KafkaRecord } from './record.ts';

export interface DumpLogOptions {
  /** `--deep-iteration`: the records, too. */
  readonly deep: boolean;
  /** `--print-data-log`: keys and values behind each record's fields. */
  readonly printData: boolean;
  readonly maxUnpackedBytes?: number;
}

/**
 * Prints batches line by line, without line ends, exactly as DumpLogSegments of Apache Kafka 3.9.1
 * prints what follows its "Dumping FILE" line. `logStartOffset` is that of the segment file's name.
 *
 * A batch whose CRC does not match is printed with `isvalid: false`, and its records with it.
 *
 * @throws SegctlError as `readBatches`, `unpackRecords` and `readRecords` do, after the lines before.
 */
export function* formatDumpLog(
  bytes: Uint8Array,
  logStartOffset: bigint,
  codecs: Codecs,
  options: DumpLogOptions,
): Generator<string, void, undefined> {
  yield `Log starting offset: ${logStartOffset}`;
  for (const batch of readBatches(bytes, { onCrcMismatch: 'flag' })) {
    yield formatDumpBatch(batch.info);
    if (!options.deep) continue;
    const section = unpackRecords(batch, codecs, options.maxUnpackedBytes);
    for (const record of readRecords(batch.info, section)) {
      yield formatDumpRecord(batch.info, record, options.printData);
    }
  }
}

/** The line of a batch. */
export function formatDumpBatch(info: BatchInfo): string {
  const deleteHorizon =
    info.deleteHorizonMs === null ? 'OptionalLong.empty' : `OptionalLong[${info.deleteHorizonMs}]`;
  return [
    `baseOffset: ${info.baseOffset}`,
    `lastOffset: ${info.lastOffset}`,
    `count: ${info.recordCount}`,
    `baseSequence: ${info.baseSequence}`,
    `lastSequence: ${sequenceAt(info, info.lastOffsetDelta)}`,
    `producerId: ${info.producerId}`,
    `producerEpoch: ${info.producerEpoch}`,
    `partitionLeaderEpoch: ${info.partitionLeaderEpoch}`,
    `isTransactional: ${info.isTransactional}`,
    `isControl: ${info.isControl}`,
    `deleteHorizonMs: ${deleteHorizon}`,
    `position: ${info.position}`,
    `${info.timestampType}: ${info.maxTimestamp}`,
    `size: ${info.sizeBytes}`,
    'magic: 2',
    `compresscodec: ${info.compressionType}`,
    `crc: ${info.crc}`,
    `isvalid: ${info.crcValid}`,
  ].join(' ');
}

/** The line of a record. */
export function formatDumpRecord(info: BatchInfo, record: KafkaRecord, printData: boolean): string {
  const headerKeys = record.headers.map(({ key }) => key).join(',');
  const sequence = sequenceAt(info, Number(record.offset - info.baseOffset));
  let line =
    `| offset: ${record.offset} ${info.timestampType}: ${record.timestamp}` +
    ` keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}` +
    ` sequence: ${sequence} headerKeys: [${headerKeys}]`;
  if (info.isControl) return line + formatControl(record);
  if (printData) {
    if (record.key !== null) line += ` key: ${decodeAsJava(record.key)}`;
    if (record.value !== null) line += ` payload: ${decodeAsJava(record.value)}`;
  }
  return line;
}

function formatControl(record: KafkaRecord): string {
  const { type, typeId, coordinatorEpoch } = readControlRecord(record);
  if (coordinatorEpoch !== null) {
    return ` endTxnMarker: ${type} coordinatorEpoch: ${coordinatorEpoch}`;
  }
  return ` controlType: ${type}(${typeId})`;
}

/** The sequence of the record this far behind the base offset; they wrap from 2^31 - 1 to 0. */
function sequenceAt({ baseSequence }: BatchInfo, offsetDelta: number): number {
  if (baseSequence < 0) return -1;
  return (baseSequence + offsetDelta) % 2 ** 31;
}
