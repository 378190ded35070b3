import { afterEach, describe, expect, test } from 'vitest';
import { type S3Proxy, startS3Proxy } from '../../servers/s3-proxy.ts';
import { collect } from '../collect.ts';
import { errorXml, openAt } from './open-at.ts';

let proxy: S3Proxy | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
});

/** Lists `keys`, as S3 does, by prefix, delimiter and pages. */
async function openListing(keys: readonly string[], failAt?: number) {
  let most = 0;
  let inFlight = 0;
  let count = 0;
  proxy = await startS3Proxy({
    answer: async ({ target }) => {
      count += 1;
      const fails = count === failAt;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      if (fails) {
        return { status: 403, body: errorXml('AccessDenied') };
      }
      return { status: 200, body: listing(keys, new URLSearchParams(target.split('?')[1])) };
    },
  });
  const store = await openAt(proxy.endpoint);
  return { store, most: () => most };
}

function listing(keys: readonly string[], query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter');
  const size = Number(query.get('max-keys') ?? 1000);
  const start = Number(query.get('continuation-token') ?? 0);
  const names = new Set(
    keys
      .filter((key) => key.startsWith(prefix))
      .map((key) => {
        const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
        return end < 0 ? key : key.slice(0, end + 1);
      }),
  );
  const page = [...names].slice(start, start + size);
  const isTruncated = start + size < names.size;
  const items = page.map((name) =>
    name.endsWith('/') && delimiter !== null
      ? `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${name}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`,
  );
  const next = isTruncated ? `<NextContinuationToken>${start + size}</NextContinuationToken>` : '';
  return `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${items.join('')}</ListBucketResult>`;
}

const archives = Array.from(
  { length: 240 },
  (_, at) => `data/tantivy_indexes/topic-${at % 6}/partition-${at % 4}/segment-${at}.tar.gz`,
);

describe('listing side by side', () => {
  test('gives each key once, from as many listings at a time as were allowed', async () => {
    const { store, most } = await openListing([...archives, 'data/tantivy_indexes/stray']);
    const found = await collect(store.list('data/', { parallel: 5, pageSize: 7 }));
    expect(found.map(({ key }) => key).sort()).toEqual(
      [...archives, 'data/tantivy_indexes/stray'].sort(),
    );
    expect(most()).toBeGreaterThan(1);
    expect(most()).toBeLessThanOrEqual(5);
  });

  test('ends with the error of any of them', async () => {
    const { store } = await openListing(archives, 6);
    await expect(collect(store.list('data/', { parallel: 4, pageSize: 5 }))).rejects.toThrow(
      expect.objectContaining({ code: 'store-denied' }),
    );
  });

  test('a consumer that stops early leaves no request behind', async () => {
    const { store } = await openListing(archives);
    for await (const _ of store.list('data/', { parallel: 4, pageSize: 5 })) {
      break;
    }
    const sent = proxy?.calls.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(proxy?.calls.length).toBe(sent);
  });
});

describe('a listing that cannot be trusted', () => {
  test.each([
    ['truncated without a token', ''],
    ['the same token again', '<NextContinuationToken>same</NextContinuationToken>'],
  ])('%s is an error, not the end', async (_, token) => {
    proxy = await startS3Proxy({
      answer: () => ({
        status: 200,
        body: `<ListBucketResult><IsTruncated>true</IsTruncated>${token}<Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>`,
      }),
    });
    const store = await openAt(proxy.endpoint);
    await expect(collect(store.list(''))).rejects.toThrow(
      expect.objectContaining({ code: 'store-answer-malformed' }),
    );
  });

  test('keys that stand for folders are no objects', async () => {
    const { store } = await openListing(['data/', 'data/x']);
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual(['data/x']);
  });
});
