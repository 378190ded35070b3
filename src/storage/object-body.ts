import type { ObjectBody, ObjectInfo } from './object-store.ts';

/**
 * A body over a chunk generator. `release` frees what the body holds and is called exactly once:
 * at the end, on an error, when the consumer stops early, or when the body is destroyed unread.
 */
export function streamedBody(
  info: ObjectInfo,
  chunks: AsyncIterable<Uint8Array>,
  release: () => Promise<void>,
): ObjectBody {
  let released: Promise<void> | undefined;
  const destroy = (): Promise<void> => {
    released ??= release();
    return released;
  };
  return {
    info,
    destroy,
    async *[Symbol.asyncIterator]() {
      try {
        yield* chunks;
      } finally {
        await destroy();
      }
    },
  };
}

/** The whole body in one array. For bodies known to be small: nothing bounds it but the object. */
export async function readBody(body: ObjectBody): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
