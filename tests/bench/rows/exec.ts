/** A program that does nothing on every rank, from the command line; and how fast output and input get through. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

/** Of the program `flux exec`, ms of wall time. */
function everywhere(size: number | "large"): Bench {
  return {
    name: `exec.${size === "large" ? 64 : size}`,
    async *run({ flux, session, large, times }) {
      const ranks = size === "large" ? large : size;
      const env = { FLUX_URI: (await session({ size: ranks })).uri() };
      const samples: number[] = [];
      for (let i = -2; i < times(ranks > 8 ? 20 : 30); i++) {
        const ms = await exec(flux, env, ["true"]);
        if (i >= 0) samples.push(ms);
      }
      yield figure(`exec.${ranks}.true`, "ms", samples);
    },
  };
}

export const execEverywhere: readonly Bench[] = [everywhere(1), everywhere(8)];
export const execLarge: Bench = everywhere("large");

const OUTPUT = 500_000_000;
const LINES = 5_000_000;
const LINE = "this is a line of output of some length";

/** From a task one hop away to a reader that takes all there is. */
export const execOutput: Bench = {
  name: "exec.output",
  async *run({ flux, session, times, quick }) {
    const env = { FLUX_URI: (await session({ size: 2 })).uri() };
    const share = quick ? 10 : 1;
    const rates = async (count: number, script: string) => {
      const samples: number[] = [];
      for (let i = 0; i < times(5); i++) {
        samples.push(count * 1000 / await exec(flux, env, ["-r", "1", "sh", "-c", script]));
      }
      return samples;
    };
    const text = `yes "${LINE}" | head -c ${OUTPUT / share}`;
    yield figure("exec.output.text", "MB/s", (await rates(OUTPUT / share, text)).map((bytes) => bytes / 1e6));
    const binary = `head -c ${OUTPUT / share} /dev/zero`;
    yield figure("exec.output.binary", "MB/s", (await rates(OUTPUT / share, binary)).map((bytes) => bytes / 1e6));
    const lines = `yes "${LINE}" | head -n ${LINES / share}`;
    yield figure("exec.output.lines", "/s", await rates(LINES / share, lines));
  },
};

async function exec(flux: string, env: Record<string, string>, args: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = new Deno.Command(flux, { args: ["exec", "-n", ...args], env, stdin: "null", stdout: "piped" }).spawn();
  for await (const _ of child.stdout);
  const { code } = await child.status;
  if (code !== 0) throw new Error(`flux exec ${args.join(" ")} ended with ${code}`);
  return performance.now() - start;
}
