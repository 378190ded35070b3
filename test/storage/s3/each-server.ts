import { afterAll, beforeAll, describe, test } from 'vitest';
import type { ServerName } from '../../servers/install.ts';
import { availableServer, type S3Server } from '../../servers/s3-server.ts';

/** Runs the tests of `define` against each real server, started once for them. */
export async function describeEachServer(
  title: string,
  names: readonly ServerName[],
  define: (server: () => S3Server) => void,
): Promise<void> {
  for (const name of names) {
    const start = await availableServer(name);
    if (start === undefined) {
      describe.skip(`${title}: ${name}`, () => {
        test('needs the server');
      });
      continue;
    }
    describe(`${title}: ${name}`, () => {
      let server: S3Server | undefined;
      beforeAll(async () => {
        server = await start();
      });
      afterAll(async () => {
        await server?.stop();
      });
      define(() => {
        if (server === undefined) {
          throw new Error(`${name} did not start`);
        }
        return server;
      });
    });
  }
}
