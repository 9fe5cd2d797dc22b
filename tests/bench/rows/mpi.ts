/** PMI barriers of many tasks, and the start of a program of MPICH beside MPICH's own launcher. Rows only where there are compilers. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";
import { unlessProgram } from "../../skip.ts";

const fixtures = new URL("../../fixtures/mpi/", import.meta.url).pathname;
/** The first barriers find the ways that the later ones take, and wait for tasks that are still starting. */
const WARM = 5;

/** 64 tasks that do nothing else, over this many ranks: until the first of them is let through, as it sees it. */
function barriers(size: number | "large"): Bench {
  return {
    name: `pmi.barrier.tasks64.${size === "large" ? 64 : size}`,
    async *run({ flux, session, work, large, quick, times }) {
      if (unlessProgram("cc", "gcc") !== undefined) return;
      const ranks = size === "large" ? large : size;
      const program = await compile("cc", "barrier", work);
      const env = { FLUX_URI: (await session({ size: ranks })).uri() };
      const words = ["wreckrun", `-N${ranks}`, `-n${quick ? ranks : 64}`, program, `${WARM + times(100)}`];
      const us = (await run(flux, words, env)).trim().split("\n").map(Number);
      yield figure(this.name, "ms", us.slice(WARM).map((us) => us / 1000));
    },
  };
}

export const pmiBarriers: readonly Bench[] = [barriers(1), barriers(8)];
export const pmiLargeBarrier: Bench = barriers("large");

/** From the command line to the end of a program of 8 tasks that only starts and ends, on one host, ms of wall time. */
export const mpichStart: Bench = {
  name: "mpich.start8",
  async *run({ flux, session, work, times }) {
    if ((unlessProgram("mpicc.mpich", "mpich") ?? unlessProgram("mpiexec.hydra", "mpich")) !== undefined) return;
    const program = await compile("mpicc.mpich", "hello", work);
    const env = { FLUX_URI: (await session({ size: 1 })).uri() };
    const launchers = {
      wreckrun: () => run(flux, ["wreckrun", "-n8", program], env),
      hydra: () => run("mpiexec.hydra", ["-n", "8", program], {}),
    };
    const samples: Record<string, number[]> = {};
    for (let i = -1; i < times(10); i++) {
      for (const [name, start] of Object.entries(launchers)) {
        const before = performance.now();
        await start();
        if (i >= 0) (samples[name] ??= []).push(performance.now() - before);
      }
    }
    for (const [name, ms] of Object.entries(samples)) yield figure(`mpich.start8.${name}`, "ms", ms);
  },
};

async function compile(compiler: string, name: string, work: string): Promise<string> {
  const program = `${work}/${name}`;
  await run(compiler, ["-O", "-o", program, `${fixtures}${name}.c`], {});
  return program;
}

async function run(command: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], env, stdin: "null" }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${text(stderr)}`);
  return text(stdout);
}
