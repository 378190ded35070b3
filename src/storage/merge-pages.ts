/**
 * Yields the pages of several listings as they come, drawing from at most `concurrency` of them at a
 * time and one page ahead of each: memory holds that many pages. The first error ends it.
 */
export async function* mergePages<Page>(
  sources: Iterable<AsyncGenerator<Page>>,
  concurrency: number,
): AsyncGenerator<Page> {
  const waiting = [...sources].reverse();
  const open = new Map<AsyncGenerator<Page>, Promise<Drawn<Page>>>();
  const draw = (source: AsyncGenerator<Page>): void => {
    const drawn = source.next().then((result) => ({ source, result }));
    // Watched here as well: when another source fails first, nobody awaits this one.
    drawn.catch(() => undefined);
    open.set(source, drawn);
  };
  try {
    while (true) {
      while (open.size < concurrency) {
        const source = waiting.pop();
        if (source === undefined) {
          break;
        }
        draw(source);
      }
      if (open.size === 0) {
        return;
      }
      const { source, result } = await Promise.race(open.values());
      if (result.done === true) {
        open.delete(source);
      } else {
        draw(source);
        yield result.value;
      }
    }
  } finally {
    await Promise.allSettled([...open.keys()].map((source) => source.return(undefined)));
  }
}

interface Drawn<Page> {
  readonly source: AsyncGenerator<Page>;
  readonly result: IteratorResult<Page, unknown>;
}
