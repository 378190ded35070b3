// Rebuilds an index from 2,000 archives, and says how long that takes against plain gunzip of the same
// bytes on the same cores. The archives are a real node's, each under a topic of its own.
//
//   npm run build && node bench/reindex.mjs [ARCHIVES]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const COUNT = Number(process.argv[2] ?? 2000);
const FIXTURE = fileURLToPath(
  new URL(
    '../test/fixtures/chronik-2.10.4-local/data/segments/data/tantivy_indexes/orders/partition-0/segment-0-1279.tar.gz',
    import.meta.url,
  ),
);
const BIN = fileURLToPath(new URL('../bin/segctl.js', import.meta.url));
const cores = availableParallelism();
const work = mkdtempSync(join(tmpdir(), 'segctl-bench-'));

try {
  const { files, packedBytes, tarBytes } = makeArchives();
  const list = join(work, 'files');
  writeFileSync(list, files.join('\n'));
  const gunzip = () =>
    execFileSync('sh', ['-c', `xargs -P ${cores} -n 64 gzip -dc < ${list} > /dev/null`]);
  gunzip();
  const plain = best(3, gunzip);
  const rebuild = best(3, () => {
    rmSync(join(work, 'data/segment_index.json'), { force: true });
    rmSync(join(work, 'data/.segctl'), { recursive: true, force: true });
    const run = spawnSync(
      process.execPath,
      [BIN, 'reindex', '--rebuild', '--yes', '-f', 'json', '--concurrency', String(2 * cores)],
      { cwd: work, encoding: 'utf8', maxBuffer: 1 << 30 },
    );
    if (run.status !== 0) throw new Error(run.stderr);
    const { added } = JSON.parse(run.stdout);
    if (added !== COUNT) throw new Error(`${added} entries instead of ${COUNT}`);
  });
  const unchanged = best(3, () => {
    const run = spawnSync(process.execPath, [BIN, 'reindex', '--check', '-f', 'json'], {
      cwd: work,
      maxBuffer: 1 << 30,
    });
    if (run.status !== 0) throw new Error(run.stderr.toString());
  });
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(
    `${COUNT} archives, ${mib(packedBytes)} packed, ${mib(tarBytes)} unpacked, ${cores} cores`,
  );
  console.log(`gzip -dc                     ${plain.toFixed(2)} s`);
  console.log(
    `reindex --rebuild            ${rebuild.toFixed(2)} s   ratio ${(rebuild / plain).toFixed(2)}`,
  );
  console.log(
    `reindex --check, unchanged   ${unchanged.toFixed(2)} s   ratio ${(unchanged / plain).toFixed(2)}`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

function makeArchives() {
  const tar = gunzipSync(readFileSync(FIXTURE));
  // The topic in metadata.json, given a name of the same length: a tar member has no checksum of data.
  const at = tar.lastIndexOf('"orders"');
  const files = [];
  let packedBytes = 0;
  for (let i = 0; i < COUNT; i++) {
    const topic = `o${String(i).padStart(5, '0')}`;
    tar.write(topic, at + 1);
    const file = join(
      work,
      `data/segments/data/tantivy_indexes/${topic}/partition-0/segment-0-1279.tar.gz`,
    );
    mkdirSync(dirname(file), { recursive: true });
    const packed = gzipSync(tar);
    writeFileSync(file, packed);
    files.push(file);
    packedBytes += packed.length;
  }
  return { files, packedBytes, tarBytes: tar.length * COUNT };
}

function best(times, action) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = process.hrtime.bigint();
    action();
    least = Math.min(least, Number(process.hrtime.bigint() - start) / 1e9);
  }
  return least;
}
