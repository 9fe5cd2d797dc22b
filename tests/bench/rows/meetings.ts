/** Fences and barriers: until the last of all participants has its answer. */

import type { Bench, Surroundings } from "../bench.ts";
import { figure } from "../figure.ts";
import { value } from "../kvs_values.ts";
import { serial } from "../timing.ts";
import type { Handle } from "../../../broker/handle/mod.ts";
import { Kvs } from "../../../modules/kvs/client.ts";

/** What participant `index` of `all` does in the meeting of this number. */
type Enter = (flux: Handle, index: number, all: number, meeting: number) => Promise<unknown>;

/** Each puts one key. */
const fence: Enter = (flux, index, all, meeting) =>
  new Kvs(flux).transaction().putBytes(`bench.fence.p${index}`, value(meeting)).fence(`bench-${meeting}`, all);

const barrier: Enter = (flux, _, all, meeting) =>
  flux.rpc("barrier.enter", { name: `bench-${meeting}`, count: 1, nprocs: all });

/** Names are never used twice in a session. */
let meetings = 0;

async function* meet(name: string, flux: readonly Handle[], enter: Enter, times: (full: number) => number) {
  const us = await serial(times(flux.length > 8 ? 100 : 300), () => {
    const meeting = meetings++;
    return Promise.all(flux.map((one, index) => enter(one, index, flux.length, meeting)));
  });
  yield figure(name, "ms", us.map((us) => us / 1000));
  for (const one of flux) one.close();
}

/** Clients of rank 0, each a connection. */
function clients(name: string, enter: Enter, count: number): Bench {
  return {
    name,
    async *run({ session, times }: Surroundings) {
      const running = await session({ size: 1 });
      const all = await Promise.all(Array.from({ length: count }, () => running.connect()));
      yield* meet(name, all, enter, times);
    },
  };
}

/** One client at each rank. */
function ranks(name: string, enter: Enter): Bench {
  return {
    name,
    async *run({ session, large, times }: Surroundings) {
      const running = await session({ size: large });
      const all = await Promise.all(Array.from({ length: large }, (_, rank) => running.connect(rank)));
      yield* meet(name, all, enter, times);
    },
  };
}

export const clientMeetings: readonly Bench[] = [8, 64].flatMap((count) => [
  clients(`fence.clients${count}`, fence, count),
  clients(`barrier.clients${count}`, barrier, count),
]);

export const rankMeetings: readonly Bench[] = [ranks("fence.ranks64", fence), ranks("barrier.ranks64", barrier)];
