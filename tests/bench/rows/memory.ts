/** What a session takes while nothing is asked of it: memory of a broker, and processor time of all. */

import type { Bench } from "../bench.ts";
import { type Figure, figure, meanFigure } from "../figure.ts";
import { memory, processorSeconds } from "../process_usage.ts";

/** Until what a start left behind is done, ms. */
const SETTLED = 2_000;
/** After a start a broker still compiles, and collects what it left behind, for so long, ms. */
const AFTERMATH = 40_000;
/** Over which idle time is taken, ms. */
const WINDOW = 12_000, QUICK_WINDOW = 2_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Memory of the brokers of a session of `size`. */
export const memories: readonly Bench[] = [1, 8, 64].map((size) => ({
  name: `memory.${size}`,
  async *run({ session, large }): AsyncIterable<Figure> {
    if (size > large) return;
    const brokers = (await session({ size })).brokers();
    await pause(SETTLED);
    const all = brokers.map(memory);
    yield meanFigure(`memory.${size}.pss`, "MiB", all.map(({ pss }) => pss));
    yield meanFigure(`memory.${size}.private`, "MiB", all.map((one) => one.private));
    yield meanFigure(`memory.${size}.rss`, "MiB", all.map(({ rss }) => rss));
  },
}));

export const idle: Bench = {
  name: "idle.64",
  async *run({ session, large, quick }) {
    const processes = (await session({ size: large })).processes();
    const used = () => processes.reduce((sum, pid) => sum + processorSeconds(pid), 0);
    const share = async (ms: number) => {
      const before = used(), start = performance.now();
      await pause(quick ? QUICK_WINDOW : ms);
      return (used() - before) * 100_000 / (performance.now() - start);
    };
    yield figure(`idle.${large}.first`, "% of a core", [await share(AFTERMATH)]);
    yield meanFigure(`idle.${large}`, "% of a core", [await share(WINDOW), await share(WINDOW)]);
  },
};
