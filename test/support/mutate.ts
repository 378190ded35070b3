/** Random numbers that a seed repeats: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One way of spoiling bytes: bits, bytes, ranges cut out, doubled, swapped or set. */
export function mutate(bytes: Uint8Array, random: () => number): Buffer {
  const at = (): number => Math.floor(random() * bytes.length);
  const copy = Buffer.from(bytes);
  const [from, to] = sortedPair(at(), at());
  const short = Math.min(to, from + 1 + Math.floor(random() * 64));
  switch (Math.floor(random() * 8)) {
    case 0:
      copy[from] = (copy[from] ?? 0) ^ (1 << Math.floor(random() * 8));
      return copy;
    case 1:
      copy[from] = Math.floor(random() * 256);
      return copy;
    case 2:
      return copy.subarray(0, from);
    case 3:
      return Buffer.concat([copy.subarray(0, from), copy.subarray(short)]);
    case 4:
      return Buffer.concat([copy.subarray(0, short), copy.subarray(from)]);
    case 5:
      return copy.fill(Math.floor(random() * 256), from, short);
    case 6:
      copy.copy(copy, from, to, Math.min(copy.length, to + short - from));
      return copy;
    default:
      for (let i = 0; i < 4; i++) copy[at()] = Math.floor(random() * 256);
      return copy;
  }
}

function sortedPair(a: number, b: number): readonly [number, number] {
  return a < b ? [a, b] : [b, a];
}
