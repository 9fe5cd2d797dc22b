/** The executable itself: its size, and its first start on a machine, when it unpacks itself, beside a later one. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

export const executable: Bench = {
  name: "executable",
  async *run({ flux, work, times }) {
    yield figure("executable.size", "MB", [(await Deno.stat(flux)).size / 1e6]);
    const first: number[] = [], later: number[] = [];
    for (let i = 0; i < times(5); i++) {
      const cache = await Deno.makeTempDir({ dir: work, prefix: "cache-" });
      first.push(await version(flux, cache));
      await version(flux, cache);
      later.push(await version(flux, cache));
      await Deno.remove(cache, { recursive: true });
    }
    yield figure("executable.first", "s", first);
    yield figure("executable.later", "s", later);
  },
};

/** Seconds `flux version` takes with this cache directory. */
async function version(flux: string, cache: string): Promise<number> {
  const start = performance.now();
  const env = { FLUX_CACHE_DIR: cache };
  const { code, stderr } = await new Deno.Command(flux, { args: ["version"], env, stdin: "null" }).output();
  if (code !== 0) throw new Error(`version ended with ${code}: ${new TextDecoder().decode(stderr).trim()}`);
  return (performance.now() - start) / 1000;
}
