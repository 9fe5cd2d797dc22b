/**
 * The traffic of a campaign: one function a kind, one line each in `LOADS`. A load is made before the faults begin, does a
 * little at every step, and at the end, when all has settled, says what of its own was not as it must be.
 */

import type { Event, Handle } from "../../broker/handle/mod.ts";
import { errname, FluxError, type JsonObject } from "../../broker/message/mod.ts";
import { living } from "./live.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { SimSession } from "./session.ts";

export interface World {
  readonly session: SimSession;
  readonly random: SeededRandom;
  /** What does not hold. */
  readonly broken: string[];
  count(what: string, n?: number): void;
}

export interface Load {
  /** Does a little, without waiting. */
  step(): void;
  /** All has settled: says in `World.broken` what was not as it must be. */
  finish(): Promise<void>;
}

/** Every kind of traffic. */
export const LOADS: Readonly<Record<string, (world: World) => Promise<Load>>> = {
  ping: (world) => Promise.resolve(pings(world)),
  upstream: (world) => Promise.resolve(upstream(world)),
  stream: (world) => Promise.resolve(streams(world)),
  event: events,
  log: (world) => Promise.resolve(logs(world)),
};

/** A request may take this long, ms: a silent link is noticed after 7 heartbeats, one rank further up after 9. */
const IN_TIME = 60_000;
/** What a request may fail with while things break. */
const ALLOWED = ["EHOSTUNREACH", "ENOSYS", "ECANCELED", "ECONNRESET"];

/** A random living rank and a client there. A client belongs to one life of its rank. */
class Clients {
  readonly #world: World;
  readonly #made = new Map<number, { broker: unknown; handle: Handle }>();

  constructor(world: World) {
    this.#world = world;
  }

  at(rank: number): Handle {
    const { session } = this.#world, broker = session.brokers[rank]!;
    const known = this.#made.get(rank);
    if (known?.broker === broker) return known.handle;
    const handle = session.handle(rank);
    this.#made.set(rank, { broker, handle });
    return handle;
  }

  /** The rank of a living broker that runs. */
  pick(): number {
    const { session, random } = this.#world;
    for (let tries = 0; tries < 100; tries++) {
      const rank = random.below(session.size);
      if (session.isAlive(rank) && session.brokers[rank]!.machine.state === "run") return rank;
    }
    return 0;
  }
}

/** Follows one request: it must be answered, or fail with a reason, in time, unless who asked has died. */
async function follow(world: World, what: string, from: number, request: () => Promise<unknown>): Promise<void> {
  const { session, broken, count } = world;
  const broker = session.brokers[from], start = session.clock.now();
  let outcome = "answered";
  try {
    await request();
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    outcome = errname(error.errnum) ?? error.code;
    if (!ALLOWED.includes(outcome)) broken.push(`${what} failed with ${outcome}: ${error.message}`);
  }
  count(`${what.split(" ", 1)[0]} ${outcome}`);
  const took = session.clock.now() - start;
  if (!what.startsWith("stream") && took > IN_TIME && session.isAlive(from) && session.brokers[from] === broker) {
    broken.push(`${what} took ${(took / 1000).toFixed(1)} s`);
  }
}

/** Requests that are still open, by what they are; each must be gone at the end. */
class Open {
  readonly #world: World;
  readonly #open = new Map<string, { rank: number; broker: unknown }>();

  constructor(world: World) {
    this.#world = world;
  }

  ask(what: string, from: number, request: () => Promise<unknown>): void {
    this.#open.set(what, { rank: from, broker: this.#world.session.brokers[from] });
    void follow(this.#world, what, from, request).finally(() => this.#open.delete(what));
  }

  finish(): Promise<void> {
    const { session, broken } = this.#world;
    for (const [what, { rank, broker }] of this.#open) {
      if (session.isAlive(rank) && session.brokers[rank] === broker) broken.push(`${what} was never answered`);
    }
    return Promise.resolve();
  }
}

/** Pings from any rank to any rank: whoever answers must be the one that was asked. */
function pings(world: World): Load {
  const clients = new Clients(world), open = new Open(world);
  let seq = 0;
  return {
    step() {
      const from = clients.pick(), to = world.random.below(world.session.size), mine = seq++;
      open.ask(`ping ${mine} from rank ${from} to rank ${to}`, from, async () => {
        const { rank, seq } = await clients.at(from).rpc<JsonObject>("broker.ping", { seq: mine }, { rank: to });
        if (rank !== to || seq !== mine) world.broken.push(`ping ${mine} to rank ${to} was answered by rank ${rank}`);
      });
    },
    finish: () => open.finish(),
  };
}

/** Requests to rank 0, from anywhere. */
function upstream(world: World): Load {
  const clients = new Clients(world), open = new Open(world);
  let seq = 0;
  return {
    step() {
      const from = clients.pick();
      open.ask(
        `upstream ${seq++} from rank ${from}`,
        from,
        () => clients.at(from).rpc("attr.get", { name: "size" }, { rank: 0 }),
      );
    },
    finish: () => open.finish(),
  };
}

/** Streams between two ranks: each goes on until one of the two dies or moves, and then ends. */
function streams(world: World): Load {
  const clients = new Clients(world);
  let steps = 0;
  return {
    step() {
      if (steps++ % 10 !== 0) return;
      const from = clients.pick(), to = clients.pick();
      void follow(world, `stream from rank ${from} to rank ${to}`, from, async () => {
        const items = clients.at(from).stream<{ state: number }>("state-machine.monitor", {}, { rank: to });
        for await (const { state } of items) if (state !== 5) return;
      }).catch((error) => world.broken.push(`stream: ${error}`));
    },
    async finish() {
      // A stream may last as long as it likes: what counts is that nothing is served for those who are gone.
      for (const rank of living(world.session)) {
        const { pending } = world.session.brokers[rank]!.handle;
        if (pending > steps) world.broken.push(`rank ${rank} serves ${pending} requests still`);
      }
      await Promise.resolve();
    },
  };
}

/** Events from any rank: every rank sees every event that has a number, once and in order, from its first to the end. */
async function events(world: World): Promise<Load> {
  const { session, random, broken, count } = world;
  const clients = new Clients(world);
  const seen = new Map<number, { broker: unknown; first: number; last: number }>();
  const watch = async (rank: number) => {
    const broker = session.brokers[rank]!;
    const state = { broker, first: -1, last: -1 };
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
  let n = 0;
  return {
    step() {
      for (const rank of living(session)) {
        const broker = session.brokers[rank]!;
        if (seen.get(rank)?.broker !== broker && broker.machine.state === "run") void watch(rank);
      }
      clients.at(random.below(4) === 0 ? 0 : clients.pick()).publish("campaign", { n: n++ });
    },
    async finish() {
      const last = session.brokers[0]!.events.last;
      await session.run(100);
      for (const rank of living(session)) {
        const state = seen.get(rank);
        if (!state || state.broker !== session.brokers[rank] || state.first < 0) continue;
        if (state.last < last) broken.push(`rank ${rank} has seen events up to ${state.last}, rank 0 up to ${last}`);
      }
      count("events", last);
    },
  };
}

/** Lines of the log from any rank: none is written twice, and at the end one of every living rank arrives. */
function logs(world: World): Load {
  const { session, broken, count } = world;
  const clients = new Clients(world);
  let n = 0;
  return {
    step() {
      const rank = clients.pick();
      session.brokers[rank]!.log("info", `campaign line ${n++}`, "campaign");
    },
    async finish() {
      const ranks = living(session);
      for (const rank of ranks) session.brokers[rank]!.log("info", `last line of ${rank}`, "campaign");
      await session.run(2000);
      const lines = session.written.flatMap((line) => /campaign line (\d+)$/.exec(line)?.[1] ?? []);
      if (new Set(lines).size !== lines.length) broken.push("a line of the log was written twice");
      count("lines", lines.length);
      const last = new Set(session.written.flatMap((line) => /last line of (\d+)$/.exec(line)?.[1] ?? []));
      for (const rank of ranks) if (!last.has(`${rank}`)) broken.push(`the last line of rank ${rank} was not written`);
    },
  };
}
