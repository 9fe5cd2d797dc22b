/**
 * What clients do while brokers die: one function a kind, one entry each in `LOADS`. Whatever they ask must be answered, or fail
 * with a reason; what was answered must be so at the end, on every rank that lives.
 */

import { type Handle, open } from "../../broker/handle/mod.ts";
import { errname, FluxError, Idset } from "../../broker/message/mod.ts";
import { enterBarrier } from "../../modules/barrier/client.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import type { SeededRandom } from "../sim/mod.ts";
import { type Session, until } from "./session.ts";

export interface World {
  readonly session: Session;
  readonly random: SeededRandom;
  readonly clients: Clients;
  /** What does not hold. */
  readonly broken: string[];
  /** Nothing new is begun. */
  isOver: boolean;
  count(what: string): void;
}

export interface Load {
  /** Goes on until the world is over, and all that was begun has ended. */
  run(): Promise<unknown>;
  /** All has settled: says in `World.broken` what does not hold. */
  check(): Promise<void>;
}

/** What a request may fail with while brokers die: its way, who was to answer, or its own broker is gone. */
const ALLOWED = ["EHOSTUNREACH", "ECONNRESET", "ECONNREFUSED", "EPIPE", "ENOENT", "ECANCELED"];
/** A request may be under way for so long, ms: brokers are stopped for 4 s, and are given up and taken back. */
const IN_TIME = 40_000;

export const LOADS: readonly ((world: World) => Promise<Load>)[] = [
  commits,
  events,
  pings,
  barriers,
  programs,
  watches,
];

/** A client on each rank, as long as its broker lives; another one when it was started anew. */
export class Clients implements AsyncDisposable {
  readonly #session: Session;
  readonly #dead: ReadonlySet<number>;
  readonly #open = new Map<number, Promise<Handle>>();
  readonly #all: Promise<Handle>[] = [];

  constructor(session: Session, dead: ReadonlySet<number>) {
    this.#session = session;
    this.#dead = dead;
  }

  /** Ranks that have a process, as far as is known. */
  get living(): number[] {
    return Array.from({ length: this.#session.size }, (_, rank) => rank).filter((rank) => !this.#dead.has(rank));
  }

  at(rank: number): Promise<Handle> {
    let client = this.#open.get(rank);
    if (!client) {
      client = this.connect(rank);
      this.#open.set(rank, client);
      const forget = () => this.#open.get(rank) === client && this.#open.delete(rank);
      client.then((handle) => handle.closed).then(forget, forget);
    }
    return client;
  }

  /** A client of one's own. */
  connect(rank: number): Promise<Handle> {
    const client = open(this.#session.uri(rank));
    this.#all.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of await Promise.allSettled(this.#all)) if (client.status === "fulfilled") client.value.close();
  }
}

/** Does `action` again and again, `parallel` at a time, with pauses of `ms`. */
async function again(world: World, parallel: number, ms: number, action: (loop: number, n: number) => Promise<void>) {
  await Promise.all(Array.from({ length: parallel }, async (_, loop) => {
    for (let n = 0; !world.isOver; n++) {
      await action(loop, n);
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }));
}

/** Follows one request: it is answered or fails with a reason, in time. Tells whether it was answered. */
async function follow(world: World, what: string, request: () => Promise<unknown>): Promise<boolean> {
  const [kind] = what.split(" ", 1);
  const start = performance.now();
  try {
    await request();
    world.count(`${kind} answered`);
    return true;
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    const name = errname(error.errnum) ?? error.code;
    world.count(`${kind} ${name}`);
    if (!ALLOWED.includes(name)) world.broken.push(`${what} failed with ${name}: ${error.message}`);
    return false;
  } finally {
    const took = performance.now() - start;
    if (took > IN_TIME) world.broken.push(`${what} took ${(took / 1000).toFixed(1)} s`);
  }
}

function pick(world: World): number {
  const { living } = world.clients;
  return living[world.random.below(living.length)]!;
}

/** Commits from any rank. Those that were answered are there at the end, and all ranks have the same root. */
function commits(world: World): Promise<Load> {
  const answered: [key: string, n: number][] = [];
  const commit = async (loop: number, n: number) => {
    const rank = pick(world), key = `faults.w${loop}.t${n}`;
    const put = async () => await new Kvs(await world.clients.at(rank)).transaction().put(key, n).commit();
    if (await follow(world, `commit ${key} from rank ${rank}`, put)) answered.push([key, n]);
  };
  return Promise.resolve({
    run: () => again(world, 6, 10, commit),
    async check() {
      const { rootseq, rootref } = await new Kvs(await world.clients.at(0)).root();
      for (const rank of world.clients.living) {
        const kvs = new Kvs(await world.clients.at(rank));
        await kvs.waitVersion(rootseq);
        const root = await kvs.root();
        if (root.rootref !== rootref) world.broken.push(`rank ${rank} has root ${root.rootref}, rank 0 ${rootref}`);
        const some = rank === 0 ? answered : answered.filter(() => world.random.below(answered.length) < 30);
        const wrong = await Promise.all(some.map(async ([key, n]) => {
          const value = await kvs.get(key).catch((error) => error.message);
          return value === n ? [] : [`${key} was answered; rank ${rank} finds ${value}`];
        }));
        world.broken.push(...wrong.flat());
      }
    },
  });
}

/** Events from any rank. Whoever lived all the time has heard what rank 0 has; who came back, all from then on. */
async function events(world: World): Promise<Load> {
  const published = new Set<string>();
  const heard = new Map<number, { flux: Handle; ids: string[]; isWhole: boolean }>();
  const follows = async (rank: number, isWhole: boolean) => {
    const flux = await world.clients.connect(rank), ids: string[] = [];
    await flux.listen("faults.event", ({ topic }) => void ids.push(topic));
    heard.set(rank, { flux, ids, isWhole });
    void flux.closed.then(() => heard.get(rank)?.flux === flux && heard.delete(rank));
  };
  for (const rank of world.clients.living) await follows(rank, true);
  const publish = async (loop: number, n: number) => {
    const rank = pick(world), topic = `faults.event.${loop}.${n}`;
    const ask = async () => await (await world.clients.at(rank)).rpc("event.publish", { topic, flags: 0 }, { rank: 0 });
    if (await follow(world, `event ${topic} from rank ${rank}`, ask)) published.add(topic);
  };
  const join = async () => {
    for (const rank of world.clients.living) {
      if (!heard.has(rank)) await follow(world, `subscribe at rank ${rank}`, () => follows(rank, false));
    }
  };
  return {
    run: () => Promise.all([again(world, 3, 20, publish), again(world, 1, 1000, join)]),
    async check() {
      const last = "faults.event.last";
      await (await world.clients.at(0)).rpc("event.publish", { topic: last, flags: 0 });
      const all = heard.get(0)!.ids;
      for (const [rank, { ids, isWhole }] of heard) {
        await until(`rank ${rank} to hear the last event`, () => ids.at(-1) === last);
        const expected = isWhole ? all : all.slice(-ids.length);
        const at = expected.findIndex((id, i) => ids[i] !== id);
        if (at < 0 && ids.length === expected.length) continue;
        const shown = (list: readonly string[]) => list.slice(Math.max(0, at - 2), at + 3).join(" ");
        world.broken.push(
          `rank ${rank} heard ${ids.length} events of ${expected.length}; rank 0 ${shown(expected)}, it ${shown(ids)}`,
        );
      }
      const rest = new Set(all);
      if (rest.size !== all.length) world.broken.push(`rank 0 heard ${all.length - rest.size} events twice`);
      for (const id of published) if (!rest.has(id)) world.broken.push(`event ${id} was answered and never heard`);
    },
  };
}

/** Pings from any rank to any rank: whoever answers is the one that was asked. */
function pings(world: World): Promise<Load> {
  const ping = async (loop: number, n: number) => {
    const from = pick(world), to = world.random.below(world.session.size), seq = loop * 1e6 + n;
    await follow(world, `ping ${seq} from rank ${from} to rank ${to}`, async () => {
      const answer = await (await world.clients.at(from)).rpc<{ rank: number; seq: number }>(
        "broker.ping",
        { seq },
        { rank: to },
      );
      if (answer.rank !== to || answer.seq !== seq) {
        world.broken.push(`ping ${seq} to rank ${to} was answered by rank ${answer.rank}, with ${answer.seq}`);
      }
    });
  };
  return Promise.resolve({ run: () => again(world, 4, 10, ping), check: async () => {} });
}

/** Barriers of four ranks: all pass, or each hears that one is gone or that time is up. */
function barriers(world: World): Promise<Load> {
  const meet = async (loop: number, n: number) => {
    const ranks = [...new Set([pick(world), pick(world), pick(world), pick(world)])], name = `faults-${loop}-${n}`;
    await Promise.all(ranks.map((rank) =>
      follow(world, `barrier ${name} from rank ${rank} of ${ranks}`, async () => {
        const flux = await world.clients.at(rank);
        try {
          await enterBarrier(flux, name, ranks.length, { ranks: `${new Idset(ranks)}`, timeout: 10 });
        } catch (error) {
          if (!(error instanceof FluxError) || !["ECONNABORTED", "ETIMEDOUT"].includes(error.code)) throw error;
        }
      })
    ));
  };
  return Promise.resolve({ run: () => again(world, 2, 50, meet), check: async () => {} });
}

/** Programs on any rank, by the command: it prints what they print, or says why it cannot, and ends. */
function programs(world: World): Promise<Load> {
  const run = async (_: number, n: number) => {
    const rank = pick(world), target = pick(world), start = performance.now();
    const { code, stdout, stderr } = await world.session.flux(["exec", "-r", `${target}`, "echo", `${n}`], { rank });
    const took = performance.now() - start;
    world.count(`exec ${code === 0 ? "answered" : "failed"}`);
    const isRight = code === 0 ? stdout === `${n}\n` : stderr !== "";
    if (!isRight) world.broken.push(`exec from rank ${rank} on ${target}: status ${code}, "${stdout}", "${stderr}"`);
    if (took > IN_TIME) world.broken.push(`exec from rank ${rank} on ${target} took ${(took / 1000).toFixed(1)} s`);
  };
  return Promise.resolve({ run: () => again(world, 1, 300, run), check: async () => {} });
}

/** A key that rank 0 writes, watched on every rank: whoever lived all the time saw no value after a newer one, and the last one. */
async function watches(world: World): Promise<Load> {
  const key = "faults.watched", writer = new Kvs(await world.clients.at(0));
  await writer.transaction().put(key, 0).commit();
  const seen = new Map<number, { value: number; flux: Handle }>();
  const watch = async (rank: number) => {
    const flux = await world.clients.connect(rank), view = { value: -1, flux };
    seen.set(rank, view);
    let isLost = false;
    void flux.closed.then(() => {
      isLost = true;
      seen.delete(rank);
    });
    try {
      for await (const bytes of new Kvs(flux).watchBytes(key)) {
        const value = Number(new TextDecoder().decode(bytes));
        if (value <= view.value) world.broken.push(`rank ${rank} saw ${value} after ${view.value}`);
        view.value = value;
      }
    } catch (error) {
      if (!isLost && !world.isOver) world.broken.push(`the watch at rank ${rank} ended: ${(error as Error).message}`);
    }
  };
  for (const rank of world.clients.living) void watch(rank);
  let last = 0;
  return {
    run: () => again(world, 1, 100, async (_, n) => void await writer.transaction().put(key, last = n + 1).commit()),
    async check() {
      for (const [rank, view] of seen) {
        await until(`rank ${rank} to see ${last}, not ${view.value}`, () => view.value === last);
      }
    },
  };
}
