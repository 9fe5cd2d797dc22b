/** Events: from publication to a subscriber at rank 0, and how many a second reach one subscriber, or one at every rank. */

import type { Bench, Surroundings } from "../bench.ts";
import { type Figure, figure, latencyFigures } from "../figure.ts";
import { rate, serial } from "../timing.ts";
import type { Handle } from "../../../broker/handle/mod.ts";

/** Events handed over before the publisher waits until they have left it. */
const BURST = 500;

function eventBench(name: string, size: (around: Surroundings) => number): Bench {
  return {
    name,
    async *run(around): AsyncIterable<Figure> {
      const { times } = around;
      const session = await around.session({ size: size(around) });
      const client = await session.connect();
      const figures = `event.${session.size}`;
      yield* latencyFigures(`${figures}.latency`, "us", await latencies(client, times(5_000)));
      yield figure(`${figures}.rate`, "/s", await rates(client, [client], times(20_000), times(5)));
      if (session.size === 1) return;
      const everyone: Handle[] = [];
      for (let rank = 0; rank < session.size; rank++) everyone.push(await session.connect(rank));
      yield figure(`${figures}.drained`, "/s", await rates(client, everyone, times(10_000), times(3)));
    },
  };
}

export const ownEvents = eventBench("event.1", () => 1);
export const largeEvents = eventBench("event.64", ({ large }) => large);

async function latencies(client: Handle, count: number): Promise<number[]> {
  let heard = () => {};
  using _subscription = await client.listen("bench.latency", () => heard());
  return await serial(count, () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    heard = resolve;
    client.publish("bench.latency");
    return promise;
  });
}

/** Events a second, once a round, until every subscriber has had all of the round. */
async function rates(publisher: Handle, subscribers: Handle[], count: number, rounds: number): Promise<number[]> {
  let missing = 0;
  let done = () => {};
  const heard = () => {
    if (--missing === 0) done();
  };
  const subscriptions = await Promise.all(subscribers.map((one) => one.listen("bench.rate", heard)));
  const round = async () => {
    missing = count * subscribers.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    done = resolve;
    for (let i = 1; i <= count; i++) {
      publisher.publish("bench.rate");
      if (i % BURST === 0) await publisher.drain();
    }
    await promise;
  };
  await round();
  const samples: number[] = [];
  for (let i = 0; i < rounds; i++) samples.push(await rate(count, round));
  for (const subscription of subscriptions) subscription[Symbol.dispose]();
  return samples;
}
