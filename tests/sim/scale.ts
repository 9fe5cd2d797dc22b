/**
 * `deno task sim-scale`: messages per operation against the number of ranks, the table of docs/scale.md.
 *
 *     deno task sim-scale [RANKS…]
 */

import { simSession } from "./session.ts";

const SIZES = [16, 64, 256, 1024, 4096, 16384];
const BEAT = 2000, BEATS = 10;

/** One line of the table. */
async function measure(size: number): Promise<string> {
  const session = await simSession({ size, modules: ["live", "mecho", "barrier"], heartrate: BEAT });
  const { statistics } = session.network;
  const start = statistics.sent;
  const count = async (what: () => unknown) => {
    await session.run(300);
    const before = statistics.sent;
    await session.settle(Promise.resolve(what()));
    await session.run(100);
    return statistics.sent - before;
  };
  const root = session.handle(0);
  const clients = Array.from({ length: size }, (_, rank) => session.handle(rank));
  const broadcast = await count(() => root.publish("scale.event", {}));
  const reduction = await count(() => root.mrpcReduced("mecho", { n: 1 }, { reduce: "sum" }));
  const barrier = await count(() =>
    Promise.all(clients.map((client) => client.rpc("barrier.enter", { name: "scale", nprocs: size })))
  );
  await session.run(BEAT);
  const { sent, bytes } = statistics;
  await session.run(BEATS * BEAT);
  const perRank = (total: number) => total / BEATS / size;
  const idle = [perRank(statistics.sent - sent).toFixed(2), perRank(statistics.bytes - bytes).toFixed(0)];
  return `| ${[size, start, broadcast, reduction, barrier, ...idle].join(" | ")} |`;
}

console.log("| ranks | start | broadcast | reduction | barrier | per rank and heartbeat, idle | bytes of these |");
console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
for (const size of Deno.args.length > 0 ? Deno.args.map(Number) : SIZES) console.log(await measure(size));
