import { afterAll, describe, test } from 'vitest';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { storeSettings } from '../../../src/storage/store-settings.ts';
import { availableServer, type S3Server } from '../../servers/s3-server.ts';
import { conformanceSuite } from '../conformance.ts';

for (const name of ['moto', 'versitygw'] as const) {
  const start = await availableServer(name);
  if (start === undefined) {
    describe.skip(`S3 on ${name}`, () => {
      test('needs the server');
    });
    continue;
  }
  let server: Promise<S3Server> | undefined;
  const keys = name === 'moto' ? 'literal' : 'folded';
  for (const prefix of [undefined, 'prod/eu', '', '/odd//']) {
    const open = async (): Promise<ObjectStore> => {
      server ??= start();
      const { makeBucket, env } = await server;
      return openStore(storeSettings(env(await makeBucket(), prefix), {}));
    };
    const label = prefix === undefined ? 'without a prefix' : `with the prefix '${prefix}'`;
    conformanceSuite({ name: `S3 on ${name} ${label}`, open, keys, tellsMissing: false });
  }
  afterAll(async () => {
    await (await server)?.stop();
  });
}
