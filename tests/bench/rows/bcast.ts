/** How long a file of 40 MB takes to every rank, from the command line to the last rename. All ranks share one disk here. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

const BYTES = 40_000_000;

function bcast(size: number): Bench {
  return {
    name: `bcast.${size}`,
    async *run({ flux, session, work, times, quick, large }) {
      if (size > large) return;
      const env = { FLUX_URI: (await session({ size })).uri() };
      const directory = `${work}/bcast`;
      await Deno.mkdir(directory);
      try {
        const file = `${directory}/file`;
        await Deno.writeFile(file, new Uint8Array(BYTES / (quick ? 10 : 1)));
        for (let rank = 0; rank < size; rank++) await Deno.mkdir(`${directory}/${rank}`);
        const seconds: number[] = [];
        for (let i = 0; i < times(size > 8 ? 3 : 5); i++) {
          const before = performance.now();
          const args = ["bcast", file, `${directory}/{rank}`];
          const { success, stderr } = await new Deno.Command(flux, { args, env, stdin: "null" }).output();
          if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
          seconds.push((performance.now() - before) / 1000);
        }
        yield figure(`bcast.${size}.40m`, "s", seconds);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  };
}

export const bcasts: readonly Bench[] = [bcast(64), bcast(8)];
