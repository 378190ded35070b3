/**
 * Runs `task` on every item with at most `concurrency` at once and yields results as they come, in
 * no promised order. Items are drawn only as results are taken, so an endless input stays bounded.
 * The first rejection ends it; tasks already begun are awaited before the error goes on, so that
 * nothing works on behind the caller's back.
 */
export async function* pooled<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  task: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const iterator = toAsyncIterator(items);
  const running = new Map<number, Promise<{ id: number; result: Result }>>();
  let nextId = 0;
  let drained = false;
  const start = (item: Item): void => {
    const id = nextId++;
    running.set(
      id,
      task(item).then((result) => ({ id, result })),
    );
  };
  try {
    while (true) {
      while (!drained && running.size < concurrency) {
        const next = await iterator.next();
        if (next.done === true) {
          drained = true;
        } else {
          start(next.value);
        }
      }
      if (running.size === 0) {
        return;
      }
      const { id, result } = await Promise.race(running.values());
      running.delete(id);
      yield result;
    }
  } finally {
    await Promise.allSettled(running.values());
    await iterator.return?.();
  }
}

function toAsyncIterator<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncIterator<Item, unknown> {
  return (async function* () {
    yield* items;
  })();
}
