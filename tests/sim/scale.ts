/**
 * `deno task sim-scale`: messages per operation against the number of ranks, and what a quiet session costs: the tables of
 * docs/scale.md.
 *
 *     deno task sim-scale [RANKS…]
 */

import process from "node:process";
import { Kvs } from "../../modules/kvs/client.ts";
import { type SimSession, simSession } from "./session.ts";

const SIZES = [16, 64, 256, 1024, 4096, 16384];
const MODULES = ["live", "content", "kvs", "barrier", "mecho"];
const BEAT = 2000, BEATS = 10;

/** Time that this process has used, µs. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** What a quiet session does, for each rank and heartbeat: messages, their bytes, µs of the processor. */
async function idle(session: SimSession): Promise<{ messages: string; bytes: string; cpu: string }> {
  await session.run(2 * BEAT);
  const { sent, bytes } = session.network.statistics, start = used();
  await session.run(BEATS * BEAT);
  const { statistics } = session.network;
  const perRank = (total: number, digits: number) => (total / BEATS / session.size).toFixed(digits);
  return {
    messages: perRank(statistics.sent - sent, 2),
    bytes: perRank(statistics.bytes - bytes, 0),
    cpu: perRank(used() - start, 0),
  };
}

/** One line of the table. */
async function measure(size: number): Promise<string> {
  const session = await simSession({ size, modules: MODULES, heartrate: BEAT });
  const { statistics } = session.network;
  const start = statistics.sent;
  const { messages, bytes, cpu } = await idle(session);
  const { events } = session.brokers[0]!;
  const count = async (what: () => unknown) => {
    // Between two pulses, so that none is counted.
    const { last } = events;
    await session.until(() => events.last > last);
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
  const fenced = (name: string) =>
    count(() =>
      Promise.all(
        clients.map((client, rank) => new Kvs(client).transaction().put(`${name}.r${rank}`, rank).fence(name, size)),
      )
    );
  const first = await fenced("first"), fence = await fenced("scale");
  return `| ${[size, start, broadcast, reduction, barrier, first, fence, messages, bytes, cpu].join(" | ")} |`;
}

console.log(
  "| ranks | start | broadcast | reduction | barrier | first fence | fence | per rank and heartbeat, idle | bytes | CPU, us |",
);
console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
for (const size of Deno.args.length > 0 ? Deno.args.map(Number) : SIZES) console.log(await measure(size));
