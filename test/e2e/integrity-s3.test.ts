import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadIndex } from '../../src/storage/index-file.ts';
import { availableServer, type S3Server } from '../servers/s3-server.ts';
import { chronikKey, uploadFolder } from '../servers/upload-folder.ts';
import { FIXTURE_DATA } from '../support/fixture.ts';
import { copyNode, type NodeCopy } from '../support/node-copy.ts';
import { runSegctl } from '../support/run-segctl.ts';

for (const name of ['moto', 'versitygw'] as const) {
  const start = await availableServer(name);
  describe.skipIf(start === undefined)(`verify, reindex, gc and doctor on S3 (${name})`, () => {
    let server: S3Server;
    let env: Record<string, string>;
    let node: NodeCopy;

    beforeAll(async () => {
      if (start === undefined) throw new Error('no server');
      server = await start();
      env = server.env(await server.makeBucket(), 'prod/eu');
      await uploadFolder(env, join(FIXTURE_DATA, 'segments'), chronikKey('./data'));
      node = copyNode();
      rmSync(join(node.dataDir, 'segments'), { recursive: true });
      mkdirSync(join(node.dataDir, 'segments'));
    });

    afterAll(async () => server.stop());

    async function run(...args: string[]) {
      const result = await runSegctl([...args, '-f', 'json'], { cwd: node.cwd, env });
      const text = result.stdout.toString();
      return {
        status: result.status,
        stderr: result.stderr,
        json: text === '' ? {} : JSON.parse(text),
      };
    }

    test('verify, check and doctor find a healthy node healthy', async () => {
      const verified = await run('verify', '--unreferenced');
      expect(verified.stderr).not.toContain('error');
      expect(verified).toMatchObject({ status: 0, json: { archives: 34, read: 34 } });
      expect((await run('reindex', '--check')).status).toBe(0);
      expect(await run('doctor')).toMatchObject({ status: 0, json: { findings: [] } });
    });

    test('a lost index comes back with the paths as the server spelled them', async () => {
      const { index: before } = await loadIndex(node.indexPath);
      const paths = Array.from({ length: before.rowCount }, (_, row) =>
        before.objectStorePath(row),
      );
      rmSync(node.indexPath);
      expect((await run('reindex', '--rebuild', '--yes')).status).toBe(0);
      const { index: after } = await loadIndex(node.indexPath);
      const rebuilt = Array.from({ length: after.rowCount }, (_, row) =>
        after.objectStorePath(row),
      );
      expect(rebuilt.sort()).toEqual(paths.sort());
    });

    test('gc takes the 25 superseded archives, and every entry still has its object', async () => {
      const { status, json } = await run('gc', '--yes', '--min-age', '0s');
      expect(status).toBe(0);
      expect(json).toMatchObject({ state: 'done', deleted: 25, failed: 0 });
      expect(await run('verify')).toMatchObject({ status: 0, json: { archives: 9, read: 9 } });
      expect((await run('gc', '--yes', '--min-age', '0s')).json.state).toBe('nothing-to-do');
    });
  });
}
