/** Events in a campaign: those of the traffic, and those by which rank 0 declares what has become of ranks. */

import type { Event } from "../../broker/handle/mod.ts";
import { living } from "./live.ts";
import { Clients, isReady, Life, type Load, type World } from "./campaign_world.ts";

interface Seen {
  readonly life: Life;
  first: number;
  last: number;
}

/** Steps between two events. */
const EVERY = 2;

/** Events from any rank: every rank sees every event that has a number, once and in order, from its first to the end. */
export async function events(world: World): Promise<Load> {
  const { session, random, broken, count } = world;
  const clients = new Clients(world);
  const seen = new Map<number, Seen>();
  const watch = async (rank: number) => {
    const state: Seen = { life: new Life(session, rank), first: -1, last: -1 };
    seen.set(rank, state);
    await clients.at(rank).listen("", ({ sequence }: Event) => {
      if (state.first < 0) state.first = sequence;
      else if (sequence !== state.last + 1) {
        broken.push(`rank ${rank} saw event ${sequence} behind event ${state.last}`);
      }
      state.last = sequence;
    });
  };
  await Promise.all([...session.brokers.keys()].map(watch));
  let n = 0, steps = 0;
  return {
    step() {
      if (steps++ % EVERY !== 0) return;
      for (const rank of living(session)) {
        if (!seen.get(rank)!.life.goesOn && isReady(session, rank)) void watch(rank);
      }
      clients.at(random.below(4) === 0 && isReady(session, 0) ? 0 : clients.pick()).publish("campaign", { n: n++ });
    },
    async finish() {
      const last = session.brokers[0]!.events.last;
      await session.run(100);
      for (const { life, first, last: own } of seen.values()) {
        if (life.goesOn && first >= 0 && own < last) {
          broken.push(`rank ${life.rank} has seen events up to ${own}, rank 0 up to ${last}`);
        }
      }
      count("events", last);
      clients.close();
    },
  };
}

const STATES = ["ok", "slow", "fail", "unknown"], FAIL = 2;

/** What rank 0 declares of a rank begins where the declaration before ended, so nobody fails twice without having been back. */
export async function declarations(world: World): Promise<Load> {
  const { session, broken, count } = world;
  const client = session.handle(0);
  const states = new Map<number, number>();
  await client.listen("live.cstate", ({ payload }) => {
    const [rank, before, now] = [payload.rank, payload.ostate, payload.nstate].map(Number) as [number, number, number];
    const known = states.get(rank);
    if (before === now || (known !== undefined && known !== before)) {
      broken.push(`rank ${rank} is declared ${STATES[now]} after ${STATES[before]}; it was ${STATES[known!]}`);
    }
    states.set(rank, now);
    if (now === FAIL) count("declared failed");
  });
  return {
    step() {},
    finish() {
      client.close();
      return Promise.resolve();
    },
  };
}
