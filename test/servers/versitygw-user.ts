import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { installServer } from './install.ts';
import type { S3Server } from './s3-server.ts';

const run = promisify(execFile);

/**
 * A new user of versitygw who may do `actions` on `bucket` and nothing else, as the environment that
 * makes segctl be that user. The bucket's policy is replaced: users made before lose their rights,
 * unless there are no actions, since versitygw takes no empty policy.
 */
export async function makeUser(
  server: S3Server,
  bucket: string,
  actions: readonly string[],
): Promise<Record<string, string>> {
  const installed = await installServer('versitygw');
  if ('missing' in installed) {
    throw new Error(installed.missing);
  }
  const secret = `users-secret-${randomUUID()}`;
  const user = `user-${randomUUID().slice(0, 8)}`;
  await run(installed.program, [
    'admin',
    ...['--access', server.accessKey, '--secret', server.secretKey],
    ...['--endpoint-url', server.endpoint],
    'create-user',
    ...['--access', user, '--secret', secret, '--role', 'user'],
  ]);
  const client = server.client();
  const statement = (Action: string[], Resource: string) => ({
    Effect: 'Allow',
    Principal: { AWS: [user] },
    Action,
    Resource,
  });
  const onBucket = actions.filter((action) => action === 's3:ListBucket');
  const onObjects = actions.filter((action) => action !== 's3:ListBucket');
  const Statement = [
    ...(onBucket.length > 0 ? [statement(onBucket, `arn:aws:s3:::${bucket}`)] : []),
    ...(onObjects.length > 0 ? [statement(onObjects, `arn:aws:s3:::${bucket}/*`)] : []),
  ];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  if (Statement.length > 0) {
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }
  client.destroy();
  return {
    ...server.env(bucket),
    S3_ACCESS_KEY: user,
    S3_SECRET_KEY: secret,
    S3_SESSION_TOKEN: '',
  };
}
