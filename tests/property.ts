/** Runs property tests so that a failure can be repeated: `FLUX_TEST_SEED=N` sets the seed, a failure prints it. */

import fc from "fast-check";

/** Checks `property` on `runs` random inputs (more with `FLUX_TEST_RUNS`, a factor). Prints the seed when it fails. */
export function check<T>(property: fc.IProperty<T>, runs = 300): void {
  const seed = Deno.env.get("FLUX_TEST_SEED");
  const factor = Number(Deno.env.get("FLUX_TEST_RUNS") ?? 1);
  fc.assert(property, { numRuns: runs * factor, ...(seed === undefined ? {} : { seed: Number(seed) }) });
}
