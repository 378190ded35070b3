/** Options of fc.assert: FC_SEED repeats a failed run, whose report prints the seed. */
export function propertyOptions(numRuns: number): { numRuns: number; seed?: number } {
  const seed = process.env.FC_SEED;
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}
