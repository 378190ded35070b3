import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Limiter } from '../../src/storage/limiter.ts';
import { mergePages } from '../../src/storage/merge-pages.ts';
import { pooled } from '../../src/storage/pooled.ts';
import { backoffMs, DEFAULT_RETRY, withRetries } from '../../src/storage/retry.ts';
import { collect } from './collect.ts';
import { propertyOptions } from './property-options.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts how many tasks run at once. */
function gauge() {
  const seen = { now: 0, most: 0 };
  return {
    seen,
    task: async <Value>(value: Value): Promise<Value> => {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      await turn();
      seen.now -= 1;
      return value;
    },
  };
}

describe('pooled', () => {
  test('gives each result once, with at most so many at a time', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.nat(), { maxLength: 30 }),
      fc.integer({ min: 1, max: 8 }),
      async (items, concurrency) => {
        const { seen, task } = gauge();
        const results = await collect(pooled(items, concurrency, task));
        expect(results.sort()).toEqual([...items].sort());
        expect(seen.most).toBe(Math.min(items.length, concurrency));
      },
    );
    await fc.assert(property, propertyOptions(50));
  });

  test('draws from an endless input only what it works on', async () => {
    let drawn = 0;
    function* endless(): Generator<number> {
      while (true) {
        yield drawn++;
      }
    }
    for await (const _ of pooled(endless(), 4, async (item) => item)) {
      break;
    }
    expect(drawn).toBeLessThanOrEqual(5);
  });

  test('after a failure: nothing new begins, what ran is told, and then it throws', async () => {
    const begun: number[] = [];
    const results: number[] = [];
    const work = async (): Promise<void> => {
      const stream = pooled([1, 2, 3, 4, 5, 6], 3, async (item) => {
        begun.push(item);
        if (item === 1) {
          throw new Error('first');
        }
        await turn();
        return item;
      });
      for await (const result of stream) {
        results.push(result);
      }
    };
    await expect(work()).rejects.toThrow('first');
    expect(begun).toEqual([1, 2, 3]);
    expect(results).toEqual([2, 3]);
  });

  test('an early stop waits for what runs', async () => {
    const { seen, task } = gauge();
    for await (const _ of pooled([1, 2, 3, 4, 5], 3, task)) {
      break;
    }
    expect(seen.now).toBe(0);
  });
});

describe('limiter', () => {
  test('bounds what runs at once and loses none, failures or not', async () => {
    const limiter = new Limiter(3);
    const { seen, task } = gauge();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) =>
        limiter.run(async () => {
          await task(at);
          if (at % 4 === 0) {
            throw new Error('x');
          }
        }),
      ),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
    expect(seen).toEqual({ now: 0, most: 3 });
    expect(() => new Limiter(0)).toThrow(RangeError);
  });
});

describe('merged pages', () => {
  async function* pages(name: string, count: number): AsyncGenerator<string> {
    for (let at = 0; at < count; at += 1) {
      await turn();
      yield `${name}${at}`;
    }
  }

  test('each page of each source once, in order within a source', async () => {
    const merged = await collect(mergePages([pages('a', 3), pages('b', 0), pages('c', 5)], 2));
    expect(merged).toHaveLength(8);
    expect(merged.filter((page) => page.startsWith('c'))).toEqual(['c0', 'c1', 'c2', 'c3', 'c4']);
  });

  test('an error of one source ends all, and closes the others', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        while (true) {
          await turn();
          yield 'x';
        }
      } finally {
        closed = true;
      }
    }
    async function* failing(): AsyncGenerator<string> {
      await turn();
      yield 'y';
      throw new Error('denied');
    }
    await expect(collect(mergePages([endless(), failing()], 2))).rejects.toThrow('denied');
    expect(closed).toBe(true);
  });
});

describe('retries', () => {
  test('waits double up to a bound, and chance moves them within half of it', () => {
    const policy = { attempts: 12, baseDelayMs: 200, maxDelayMs: 10_000 };
    const least = [2, 3, 4, 8, 11].map((attempt) => backoffMs(policy, attempt, 0));
    const most = [2, 3, 4, 8, 11].map((attempt) => backoffMs(policy, attempt, 1));
    expect(least).toEqual([100, 200, 400, 5000, 5000]);
    expect(most).toEqual([200, 400, 800, 10_000, 10_000]);
  });

  test('ends with the last error, at once for one that will not pass', async () => {
    const timing = { sleep: async () => {}, random: () => 0 };
    let tries = 0;
    const task = async (): Promise<never> => {
      tries += 1;
      throw new Error(`try ${tries}`);
    };
    await expect(withRetries(DEFAULT_RETRY, timing, task, () => true)).rejects.toThrow('try 6');
    tries = 0;
    await expect(withRetries(DEFAULT_RETRY, timing, task, () => false)).rejects.toThrow('try 1');
  });

  test('an abort during the wait ends it', async () => {
    const controller = new AbortController();
    const timing = {
      sleep: async () => controller.abort(new Error('enough')),
      random: () => 0,
    };
    const task = async (): Promise<never> => {
      throw new Error('again');
    };
    await expect(
      withRetries(DEFAULT_RETRY, timing, task, () => true, controller.signal),
    ).rejects.toThrow('enough');
  });
});
