import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';

/**
 * Moves an object into the trash: copy, compare, delete. The original goes only after the copy was
 * found to be equal and the original to be the one that was copied. Gives `changed`, and leaves the
 * original alone, where somebody overwrote it meanwhile.
 */
export async function moveToTrash(
  store: ObjectStore,
  info: ObjectInfo,
  trashKey: string,
  signal: AbortSignal,
): Promise<'trashed' | 'changed'> {
  await store.copy(info.key, trashKey, { signal });
  const copied = await store.head(trashKey, { signal });
  const same = copied !== undefined && (await sameObject(store, info, copied, signal));
  const now = await store.head(info.key, { signal });
  if (!same || now?.version !== info.version) {
    await store.delete(trashKey);
    return 'changed';
  }
  await store.delete(info.key);
  return 'trashed';
}

/** Whether two objects hold equal bytes. */
export async function sameObject(
  store: ObjectStore,
  a: ObjectInfo,
  b: ObjectInfo,
  signal: AbortSignal,
): Promise<boolean> {
  if (a.sizeBytes !== b.sizeBytes) return false;
  // Equal ETags are equal bytes; unequal ones may come from uploads in parts or from encryption.
  // A file's version never equals another file's.
  if (store.kind !== 'fs' && a.version === b.version) return true;
  return await sameBytes(store, a, b, signal);
}

async function sameBytes(
  store: ObjectStore,
  a: ObjectInfo,
  b: ObjectInfo,
  signal: AbortSignal,
): Promise<boolean> {
  const first = await store.get(a.key, { signal, ifVersion: a.version });
  try {
    const second = await store.get(b.key, { signal, ifVersion: b.version });
    try {
      return await equalStreams(first, second);
    } finally {
      await second.destroy();
    }
  } finally {
    await first.destroy();
  }
}

async function equalStreams(
  a: AsyncIterable<Uint8Array>,
  b: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const others = b[Symbol.asyncIterator]();
  let other: Uint8Array = new Uint8Array(0);
  for await (const chunk of a) {
    let at = 0;
    while (at < chunk.length) {
      if (other.length === 0) {
        const next = await others.next();
        if (next.done === true) return false;
        other = next.value;
        continue;
      }
      const length = Math.min(other.length, chunk.length - at);
      if (Buffer.compare(chunk.subarray(at, at + length), other.subarray(0, length)) !== 0) {
        return false;
      }
      other = other.subarray(length);
      at += length;
    }
  }
  if (other.length > 0) return false;
  for (let next = await others.next(); next.done !== true; next = await others.next()) {
    if (next.value.length > 0) return false;
  }
  return true;
}
