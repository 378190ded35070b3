/**
 * Runs `task` on every item with at most `concurrency` at once and yields results as they come, in
 * no promised order. Items are drawn only as results are taken, so an endless input stays bounded.
 * After the first rejection no task is begun; those under way still yield their results, since what
 * they did was done, and then the error is thrown.
 */
export async function* pooled<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  task: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const iterator = toAsyncIterator(items);
  const running = new Map<number, Promise<Settled<Result>>>();
  const failures: unknown[] = [];
  let nextId = 0;
  let drained = false;
  try {
    while (true) {
      while (!drained && failures.length === 0 && running.size < concurrency) {
        const next = await iterator.next();
        if (next.done === true) {
          drained = true;
        } else {
          const id = nextId++;
          running.set(id, settle(id, task(next.value)));
        }
      }
      if (running.size === 0) {
        break;
      }
      const settled = await Promise.race(running.values());
      running.delete(settled.id);
      if ('error' in settled) {
        failures.push(settled.error);
      } else {
        yield settled.result;
      }
    }
  } finally {
    // Reached early when the consumer stops: nothing may work on behind its back.
    await Promise.all(running.values());
    await iterator.return?.();
  }
  if (failures.length > 0) {
    throw failures[0];
  }
}

type Settled<Result> =
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly error: unknown };

function settle<Result>(id: number, promise: Promise<Result>): Promise<Settled<Result>> {
  return promise.then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, error }),
  );
}

function toAsyncIterator<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncIterator<Item, unknown> {
  return (async function* () {
    yield* items;
  })();
}
