/** Jobs: how long one takes from the command line, how many a second there are, what they leave in memory. */

import type { Bench } from "../bench.ts";
import { type Figure, figure, meanFigure } from "../figure.ts";
import { memory } from "../process_usage.ts";

/** Of `flux wreckrun -n1 true`, ms of wall time. */
function one(size: number | "large"): Bench {
  return {
    name: `job.one.${size === "large" ? 64 : size}`,
    async *run({ flux, session, large, times }) {
      const ranks = size === "large" ? large : size;
      const env = { FLUX_URI: (await session({ size: ranks })).uri() };
      yield figure(
        `job.one.${ranks}`,
        "ms",
        await samples(times(20), () => run(flux, env, ["wreckrun", "-n1", "true"])),
      );
    },
  };
}

export const oneJob: readonly Bench[] = [one(1), one(8)];
export const oneJobLarge: Bench = one("large");

/** 64 tasks that write a line each. */
export const hostnames: readonly Bench[] = [1, 8].map((size) => ({
  name: `job.hostname64.${size}`,
  async *run({ flux, session, times }) {
    const env = { FLUX_URI: (await session({ size })).uri() };
    const words = ["wreckrun", "-n64", "hostname"];
    yield figure(`job.hostname64.${size}`, "ms", await samples(times(10), () => run(flux, env, words)));
  },
}));

/** A thousand jobs from one `flux submit`: until all have been run, and until all are in the queue. */
export const jobRate: Bench = {
  name: "job.rate",
  async *run({ flux, session, times, quick }): AsyncIterable<Figure> {
    const count = quick ? 100 : 1000;
    const env = { FLUX_URI: (await session({ size: 1 })).uri() };
    const rate = (ms: readonly number[]) => ms.map((each) => count * 1000 / each);
    const whole = await samples(times(3), () => run(flux, env, ["submit", `--cc=1-${count}`, "--wait", "true"]));
    yield figure("job.rate.run", "/s", rate(whole));
    const queued: number[] = [];
    for (let i = 0; i < times(3); i++) {
      queued.push(await run(flux, env, ["submit", `--cc=1-${count}`, "true"]));
      // The next one is to find an empty queue.
      await run(flux, env, ["submit", "--wait", "true"]);
    }
    yield figure("job.rate.submitted", "/s", rate(queued));
  },
};

/** What 10,000 jobs leave in the memory of rank 0, whose store has them all. */
export const jobMemory: Bench = {
  name: "job.memory",
  async *run({ flux, session, quick }) {
    const count = quick ? 500 : 10_000;
    const running = await session({ size: 1 });
    const env = { FLUX_URI: running.uri() };
    const [broker] = running.brokers();
    const before = memory(broker!).private;
    for (let left = count; left > 0; left -= 500) {
      await run(flux, env, ["submit", "--cc=1-500", "--wait", "true"]);
    }
    yield meanFigure(`job.memory.${count}`, "MiB", [memory(broker!).private - before]);
  },
};

async function samples(count: number, measure: () => Promise<number>): Promise<number[]> {
  const all: number[] = [];
  for (let i = -1; i < count; i++) {
    const ms = await measure();
    if (i >= 0) all.push(ms);
  }
  return all;
}

async function run(flux: string, env: Record<string, string>, args: readonly string[]): Promise<number> {
  const start = performance.now();
  const { success } = await new Deno.Command(flux, { args: [...args], env, stdin: "null" }).output();
  if (!success) throw new Error(`flux ${args.join(" ")} failed`);
  return performance.now() - start;
}
