import { defineConfig } from 'rolldown';

/**
 * Packs what tsc compiled into few files: a start reads three of them instead of two hundred. Packages
 * with native code, and large ones that few commands need, stay packages.
 */
export default defineConfig({
  input: { segctl: 'dist/main.js' },
  platform: 'node',
  external: [
    /^(@aws-sdk|@smithy|@bokuweb|@node-rs|ink$|react$|react\/|snappy$|lz4-napi$|tantivy-napi$|yaml$|zod$)/,
  ],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    cleanDir: false,
  },
});
