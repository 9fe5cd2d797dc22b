/** Runs property tests so that a failure can be repeated: `FLUX_TEST_SEED=N` sets the seed, a failure prints it. */

import fc from "fast-check";

/** Checks `property` on `runs` random inputs (more with `FLUX_TEST_RUNS`, a factor). Prints the seed when it fails. */
export function check<T>(property: fc.IProperty<T>, runs = 300): void {
  fc.assert(property, parameters(runs));
}

/** The same for a property that has to be waited for. */
export async function checkAsync<T>(property: fc.IAsyncProperty<T>, runs = 300): Promise<void> {
  await fc.assert(property, parameters(runs));
}

function parameters(runs: number): { numRuns: number; seed?: number } {
  const seed = Deno.env.get("FLUX_TEST_SEED");
  const factor = Number(Deno.env.get("FLUX_TEST_RUNS") ?? 1);
  return { numRuns: runs * factor, ...(seed === undefined ? {} : { seed: Number(seed) }) };
}
