import { describe, expect, it } from 'vitest';
import { columnsFromRecords } from '../../../src/core/record-batch/columns-from-records.ts';
import { loadCodecs } from '../../../src/core/record-batch/compression/codec.ts';
import { readBatches } from '../../../src/core/record-batch/decode-batch.ts';
import { readRecords, unpackRecords } from '../../../src/core/record-batch/decode-records.ts';
import { formatDumpLog } from '../../../src/core/record-batch/dump-log.ts';
import { BatchEncoder } from '../../../src/core/record-batch/encode-batch.ts';
import { COMPRESSION_TYPES } from '../../../src/core/record-batch/record.ts';
import { goldenLogs } from './golden-logs.ts';

const codecs = await loadCodecs(COMPRESSION_TYPES);
const logs = goldenLogs();

describe.each(logs)('$name, as librdkafka wrote it', ({ bytes, dump }) => {
  it('is printed as DumpLogSegments prints it', () => {
    const lines = [...formatDumpLog(bytes, 0n, codecs, { deep: true, printData: false })];
    expect(`${lines.join('\n')}\n`).toBe(dump);
  });

  it('is encoded again from its records to the same bytes, or the same unpacked ones', () => {
    const encoder = new BatchEncoder(codecs);
    let batches = 0;
    for (const batch of readBatches(bytes)) {
      const { info } = batch;
      const section = unpackRecords(batch, codecs);
      const records = [...readRecords(info, section)];
      const columns = columnsFromRecords(records, info);
      const again = encoder.encode(columns, { from: 0, to: records.length, header: info });
      const [reread] = readBatches(again);
      if (reread === undefined) throw new Error('no batch');
      expect(Buffer.compare(unpackRecords(reread, codecs), section)).toBe(0);
      const { crc, sizeBytes, ...header } = info;
      expect(reread.info).toMatchObject({ ...header, position: 0 });
      if (info.compressionType === 'none') {
        expect(
          Buffer.compare(again, bytes.subarray(info.position, info.position + sizeBytes)),
        ).toBe(0);
        expect(reread.info.crc).toBe(crc);
      }
      batches++;
    }
    expect(batches).toBeGreaterThan(0);
  });
});

it('covers every codec that librdkafka could get past the server', () => {
  const types = logs.flatMap(({ bytes }) =>
    [...readBatches(bytes)].map((b) => b.info.compressionType),
  );
  expect(new Set(types)).toEqual(new Set(['none', 'gzip', 'snappy', 'zstd']));
});
