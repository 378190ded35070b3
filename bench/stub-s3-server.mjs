/**
 * An S3 server of a few lines for benchmarks, on loopback, in a process of its own so that its time
 * and memory are not measured. It holds nothing: every object exists, every delete succeeds, and a
 * listing makes up `keys` keys. Prints its endpoint. `node bench/stub-s3-server.mjs LATENCY_MS KEYS`.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const [latencyMs = 0, keys = 0] = process.argv.slice(2).map(Number);
const PAGE = 1000;
const body = randomBytes(256 * 1024);

const keyAt = (at) =>
  `data/tantivy_indexes/topic-${at % 50}/partition-${at % 7}/segment-${at * 100}-${at * 100 + 99}.tar.gz`;

function listing(token) {
  const start = Number(token ?? 0);
  const end = Math.min(start + PAGE, keys);
  let items = '';
  for (let at = start; at < end; at += 1) {
    items += `<Contents><Key>${keyAt(at)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"${at.toString(16).padStart(32, '0')}"</ETag><Size>${body.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  const next = end < keys ? `<NextContinuationToken>${end}</NextContinuationToken>` : '';
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${end < keys}</IsTruncated>${next}${items}</ListBucketResult>`;
}

function deleted(request) {
  const named = [...request.matchAll(/<Key>[^<]*<\/Key>/g)];
  const items = named.map(([key]) => `<Deleted>${key}</Deleted>`).join('');
  return `<?xml version="1.0"?><DeleteResult>${items}</DeleteResult>`;
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    setTimeout(() => {
      const { searchParams } = new URL(request.url, 'http://stub');
      if (request.method === 'POST') {
        response.end(deleted(Buffer.concat(chunks).toString()));
      } else if (request.method === 'DELETE') {
        response.writeHead(204).end();
      } else if (searchParams.has('list-type')) {
        response.end(listing(searchParams.get('continuation-token')));
      } else {
        response.writeHead(200, { etag: '"stub"', 'content-length': body.length }).end(body);
      }
    }, latencyMs);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
process.on('disconnect', () => process.exit());
