// Builds the native module with cargo, unless it is up to date or a prebuilt package is installed.
// npm runs this as the package's install script; `--force` skips the shortcuts.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtModule, prebuiltModule } from '../load.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = builtModule();
const stampFile = join(root, '.build-stamp');
const forced = process.argv.includes('--force');

/** A digest of everything that the module is made from. */
function sourceStamp() {
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .map((name) => join('src', String(name)))
    .filter((name) => name.endsWith('.rs'))
    .sort();
  const hash = createHash('sha256');
  for (const name of ['Cargo.toml', 'Cargo.lock', 'build.rs', ...sources]) {
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(root, name)))
      .update('\0');
  }
  return hash.digest('hex');
}

function fail(message) {
  console.error(`tantivy-napi: ${message}`);
  process.exit(1);
}

const stamp = sourceStamp();
if (!forced) {
  if (existsSync(output) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
    console.log('tantivy-napi: the native module is up to date');
    process.exit(0);
  }
  if (!existsSync(output) && prebuiltModule() !== undefined) {
    console.log('tantivy-napi: using the prebuilt package');
    process.exit(0);
  }
}

const cargo = process.env.CARGO ?? 'cargo';
const args = [
  'build',
  '--release',
  '--lib',
  '--locked',
  '--message-format=json-render-diagnostics',
];
const build = spawnSync(cargo, args, {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});
if (build.error?.code === 'ENOENT') {
  fail(
    `'${cargo}' was not found, and there is no prebuilt module for this platform. ` +
      'Install Rust 1.88 or later (https://rustup.rs) and a C compiler, then run `npm rebuild tantivy-napi`.',
  );
}
if (build.error) fail(`cargo could not be run: ${build.error.message}`);
if (build.status !== 0) {
  fail(
    `cargo failed with ${build.signal ?? `exit code ${build.status}`}. ` +
      'Rust 1.88 or later and a C compiler are needed; after mending it run `npm rebuild tantivy-napi`.',
  );
}

// Cargo names the file itself: its place depends on target directory, platform and configuration.
const library = build.stdout
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .filter(
    (message) => message.reason === 'compiler-artifact' && message.target.name === 'tantivy_napi',
  )
  .flatMap((message) => message.filenames)
  .find((name) => /\.(so|dylib|dll)$/.test(name));
if (library === undefined) fail('cargo built no shared library');

// A process may have the old module mapped: it keeps its own file, and a crash leaves no half-written one.
const temporary = `${output}.${process.pid}`;
copyFileSync(library, temporary);
renameSync(temporary, output);
writeFileSync(stampFile, stamp);
console.log(`tantivy-napi: built ${output}`);
