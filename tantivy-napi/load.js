// Finds the native module: the one built here, else the prebuilt package for this platform.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** `linux-x64-gnu`, `linux-arm64-musl`, `darwin-arm64`, `win32-x64-msvc`, ... */
export function platform() {
  const { platform: os, arch } = process;
  if (os === 'win32') return `${os}-${arch}-msvc`;
  if (os !== 'linux') return `${os}-${arch}`;
  const glibc = process.report?.getReport().header?.glibcVersionRuntime;
  return `${os}-${arch}-${glibc ? 'gnu' : 'musl'}`;
}

/** Where scripts/build.js puts the module that it builds. */
export function builtModule() {
  return fileURLToPath(new URL(`tantivy-napi.${platform()}.node`, import.meta.url));
}

export function prebuiltPackage() {
  return `tantivy-napi-${platform()}`;
}

/** @returns {string | undefined} the path of the prebuilt module, if its package is installed */
export function prebuiltModule() {
  try {
    return require.resolve(prebuiltPackage());
  } catch {
    return undefined;
  }
}

export function loadNative() {
  const built = builtModule();
  const path = existsSync(built) ? built : prebuiltModule();
  if (path === undefined) {
    throw failure(
      `no native module for ${platform()}: neither ${built} nor the package ${prebuiltPackage()} is there. ` +
        'Build it with `npm rebuild tantivy-napi` (needs cargo, from https://rustup.rs)',
    );
  }
  try {
    return require(path);
  } catch (cause) {
    throw failure(
      `the native module ${path} cannot be loaded: ${cause instanceof Error ? cause.message : cause}. ` +
        'Build it again with `npm rebuild tantivy-napi` (needs cargo, from https://rustup.rs)',
      cause,
    );
  }
}

function failure(message, cause) {
  return Object.assign(new Error(message, { cause }), { code: 'TANTIVY_NOT_BUILT' });
}
