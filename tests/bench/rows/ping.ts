/** Round trips of one client: to its own broker, one hop away, to the farthest rank, and many under way at once. */

import type { Bench } from "../bench.ts";
import { type Figure, figure, latencyFigures } from "../figure.ts";
import { pipelined, rate, serial } from "../timing.ts";
import type { Handle } from "../../../broker/handle/mod.ts";

const PADS: readonly [string, number][] = [["0", 0], ["1k", 1 << 10], ["64k", 1 << 16]];
const TOPIC = "broker.ping";

/** Pings under way at once, of one client. */
const WIDTH = 256;

async function* pings(name: string, client: Handle, rank: number, times: (n: number) => number): AsyncIterable<Figure> {
  for (const [label, size] of PADS) {
    const payload = size === 0 ? { seq: 0 } : { seq: 0, pad: "x".repeat(size) };
    const samples = await serial(times(size > 1024 ? 1_000 : 5_000), () => client.rpc(TOPIC, payload, { rank }));
    yield* latencyFigures(`${name}.${label}`, "us", samples);
  }
}

export const ownPing: Bench = {
  name: "ping.own",
  async *run({ session, times }) {
    const client = await (await session({ size: 1 })).connect();
    yield* pings("ping.own", client, 0, times);
  },
};

export const hopPing: Bench = {
  name: "ping.hop",
  async *run({ session, times }) {
    const client = await (await session({ size: 2 })).connect();
    yield* pings("ping.hop", client, 1, times);
  },
};

/** From rank 0 to the last rank: six hops at fan-out 2, two at 32. */
function farPing(arity: number): Bench {
  const name = `ping.far.k${arity}`;
  return {
    name,
    async *run({ session, large, times }) {
      const client = await (await session({ size: large, arity })).connect();
      yield* pings(name, client, large - 1, times);
    },
  };
}

export const deepPing = farPing(2);
export const flatPing = farPing(32);

export const pipelinedPing: Bench = {
  name: "ping.pipelined",
  async *run({ session, times }) {
    const client = await (await session({ size: 1 })).connect();
    const count = times(50_000);
    const ping = () => client.rpc(TOPIC, { seq: 0 }, { rank: 0 });
    await pipelined(count / 5, WIDTH, ping);
    const samples: number[] = [];
    for (let i = 0; i < times(5); i++) samples.push(await rate(count, () => pipelined(count, WIDTH, ping)));
    yield figure("ping.pipelined", "/s", samples);
  },
};
