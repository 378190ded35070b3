import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalKey } from '../../../src/storage/canonical-key.ts';
import { FsStore } from '../../../src/storage/fs-store.ts';
import { readBody } from '../../../src/storage/object-body.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { storeSettings } from '../../../src/storage/store-settings.ts';
import { chronikKey, uploadFolder } from '../../servers/upload-folder.ts';
import { collect } from '../collect.ts';
import { describeEachServer } from './each-server.ts';

const SEGMENTS = join(import.meta.dirname, '../../fixtures/chronik-2.10.4-local/data/segments');

await describeEachServer("a real node's archives", ['moto', 'versitygw'], (server) => {
  test.each([undefined, 'prod/eu'])(
    'list and read alike on S3 and on disk, byte by byte (prefix %s)',
    async (prefix) => {
      const env = server().env(await server().makeBucket(), prefix);
      await uploadFolder(env, SEGMENTS, chronikKey('./data'));
      const disk = new FsStore(SEGMENTS);
      const s3 = await openStore(storeSettings(env, {}));
      const onDisk = await collect(disk.list('./data/tantivy_indexes/'));
      const onS3 = await collect(s3.list('./data/tantivy_indexes/'));
      const sizes = (items: typeof onDisk) =>
        items.map(({ key, sizeBytes }) => `${canonicalKey(key)} ${sizeBytes}`).sort();
      expect(onDisk.length).toBeGreaterThan(0);
      expect(sizes(onS3)).toEqual(sizes(onDisk));
      for (const { key } of onDisk) {
        const [a, b] = await Promise.all(
          [disk.get(key), s3.get(`./${key}`)].map(async (body) => readBody(await body)),
        );
        expect(Buffer.compare(a ?? Buffer.of(1), b ?? Buffer.of(2)), key).toBe(0);
      }
      await s3.close();
    },
  );
});
