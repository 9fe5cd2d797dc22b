/** Lines a second into the log, counted where they end: at rank 0. From a client of rank 0, and of a leaf. */

import type { Bench, Surroundings } from "../bench.ts";
import { type Figure, figure } from "../figure.ts";
import { rate } from "../timing.ts";
import { formatLogLine, type Handle, severityOf } from "../../../broker/handle/mod.ts";

/** Lines handed over before the client waits until they have left it. */
const BURST = 500;

const LINE = new TextEncoder().encode(formatLogLine({
  severity: severityOf("info"),
  time: "2000-01-01T00:00:00.000000Z",
  host: "0",
  app: "bench",
  pid: "1",
  text: "a line of the log that says about as much as most lines say",
}));

function logBench(name: string, size: (around: Surroundings) => number): Bench {
  return {
    name,
    async *run(around): AsyncIterable<Figure> {
      const session = await around.session({ size: size(around) });
      const root = await session.connect(), writer = await session.connect(session.size - 1);
      const count = around.times(40_000);
      await append(writer, root, count);
      const samples: number[] = [];
      for (let i = 0; i < around.times(5); i++) samples.push(await rate(count, () => append(writer, root, count)));
      yield figure(`log.${session.size}.rate`, "/s", samples);
    },
  };
}

export const ownLog = logBench("log.1", () => 1);
export const largeLog = logBench("log.64", ({ large }) => large);

async function append(writer: Handle, root: Handle, count: number): Promise<void> {
  const aim = await linesAt(root) + count;
  for (let i = 1; i <= count; i++) {
    writer.post("log.append", LINE);
    if (i % BURST === 0) await writer.drain();
  }
  while (await linesAt(root) < aim) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function linesAt(root: Handle): Promise<number> {
  const { local, remote } = await root.rpc<{ local: number; remote: number }>("log.stats-get", {}, { rank: 0 });
  return local + remote;
}
