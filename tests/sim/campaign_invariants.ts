/** What must hold of a session when everything has healed and settled, whatever happened before. */

import { Idset, type JsonObject } from "../../broker/message/mod.ts";
import { living } from "./live.ts";
import type { SimSession } from "./session.ts";

/** What does not hold, in sentences. */
export async function brokenInvariants(session: SimSession, before: Leftovers): Promise<string[]> {
  return [
    ...tree(session),
    ...astray(session),
    ...tables(session),
    ...await leaks(session, before),
    ...faults(session),
    ...evictions(session),
    ...await declared(session),
    ...await reachable(session),
  ];
}

/** Every living rank has one parent, whose child it is, and the way up from it leads to rank 0. */
function tree(session: SimSession): string[] {
  const broken: string[] = [];
  const ranks = living(session);
  const claimed = new Map<string, number[]>();
  for (const rank of ranks) {
    for (const { uuid } of session.brokers[rank]!.tree.children) claimed.set(uuid, [...claimed.get(uuid) ?? [], rank]);
  }
  for (const rank of ranks) {
    const broker = session.brokers[rank]!;
    if (broker.machine.state !== "run") broken.push(`rank ${rank} is in state ${broker.machine.state}`);
    if (rank === 0) continue;
    const parent = broker.tree.parent;
    if (!parent) {
      broken.push(`rank ${rank} has no parent`);
      continue;
    }
    if (!session.isAlive(parent.rank)) broken.push(`the parent of rank ${rank}, rank ${parent.rank}, is dead`);
    const claims = claimed.get(broker.uuid) ?? [];
    if (claims.length !== 1 || claims[0] !== parent.rank) {
      broken.push(`rank ${rank} has parent ${parent.rank}, and is a child of ${claims.join(" and ") || "nobody"}`);
    }
    const above = new Set<number>();
    for (let at: number | undefined = rank; at !== 0; at = session.brokers[at]!.tree.parent?.rank) {
      if (at === undefined || above.has(at)) {
        broken.push(`the way up from rank ${rank} does not lead to rank 0: ${[...above].join(" ")}`);
        break;
      }
      above.add(at);
    }
  }
  return broken;
}

/** All have been sent back to their first parents: where that lives they are there, and have stayed. */
function astray(session: SimSession): string[] {
  return living(session).filter((rank) => rank > 0).flatMap((rank) => {
    const { topology, tree: { parent } } = session.brokers[rank]!;
    const home = topology.parent(rank)!;
    const isThere = !session.isAlive(home) || parent?.rank === home;
    return isThere ? [] : [`rank ${rank} is below rank ${parent?.rank}, and its first parent, rank ${home}, lives`];
  });
}

/** Rank 0 reaches just the living; every broker reaches each rank through one child at most. */
function tables(session: SimSession): string[] {
  const broken: string[] = [];
  const alive = new Idset(living(session));
  for (
    const [what, ranks] of [["reaches", session.brokers[0]!.tree.ranks], [
      "has online",
      session.brokers[0]!.online,
    ]] as const
  ) {
    if (!ranks.equals(alive)) broken.push(`rank 0 ${what} ${ranks}, alive are ${alive}`);
  }
  for (const rank of alive) {
    const seen = new Idset();
    for (const child of session.brokers[rank]!.tree.children) {
      for (const one of child.ranks.intersection(seen)) broken.push(`rank ${rank} has rank ${one} behind two children`);
      for (const one of child.ranks) seen.add(one);
    }
  }
  return broken;
}

/** What was asked and opened since `before`, when nothing went on, is over: nothing of it is kept. */
async function leaks(session: SimSession, before: Leftovers): Promise<string[]> {
  const broken: string[] = [];
  for (const [rank, open] of (await leftovers(session)).entries()) {
    for (const [what, n] of Object.entries(open)) {
      const known = before[rank]?.[what] ?? 0;
      if (n > known) broken.push(`rank ${rank} has ${n} ${what}, and had ${known} before`);
    }
  }
  return broken;
}

/** No module was thrown out for a mistake. */
function faults({ log }: SimSession): string[] {
  return log.filter(({ text }) => / is unloaded, since it threw in /.test(text)).map(({ rank, text }) =>
    `rank ${rank}: ${text}`
  );
}

/** How often each rank was evicted, for having missed more events than are kept. */
export function evicted({ log }: SimSession): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const { rank, level, text } of log) {
    if (level === "crit" && text.endsWith("it is evicted")) times.set(rank, (times.get(rank) ?? 0) + 1);
  }
  return times;
}

/** A broker that is evicted ends, and only a new one takes its place. */
function evictions(session: SimSession): string[] {
  return [...evicted(session)].filter(([rank, times]) => session.isAlive(rank) && session.restarts(rank) < times)
    .map(([rank]) => `rank ${rank} was evicted and lives on`);
}

/** What `live` declares is so. */
async function declared(session: SimSession): Promise<string[]> {
  using client = session.handle(0);
  const status = await session.settle(client.rpc<Record<string, string>>("live.status"));
  const alive = new Idset(living(session));
  const dead = Idset.upTo(session.size).difference(alive);
  const expected: Record<string, string> = { ok: `${alive}`, slow: "", fail: `${dead}`, unknown: "" };
  return Object.entries(expected).filter(([name, ranks]) => status[name] !== ranks).map(([name, ranks]) =>
    `live says ${name}: ${status[name] || "none"}, and it is ${ranks || "none"}`
  );
}

/** Rank 0 reaches every living rank, and every living rank its neighbour in the list of them. */
async function reachable(session: SimSession): Promise<string[]> {
  const broken: string[] = [];
  const ranks = living(session);
  const ask = async (from: number, to: number) => {
    using client = session.handle(from);
    try {
      const { rank } = await client.rpc<JsonObject>("broker.ping", {}, { rank: to, timeout: 5000 });
      if (rank !== to) broken.push(`rank ${from} asked rank ${to}, and rank ${rank} answered`);
    } catch (error) {
      broken.push(`rank ${from} does not reach rank ${to}: ${error instanceof Error ? error.message : error}`);
    }
  };
  await session.settle(Promise.all(ranks.flatMap((rank, i) => [
    ask(0, rank),
    ask(rank, ranks[(i * 7 + 1) % ranks.length]!),
  ])));
  return broken;
}

/** What is open on one rank: requests that wait for an answer, what services keep for their clients. */
export type Leftovers = Readonly<Record<string, number>>[];

/** What is open on every rank when nothing goes on. */
export async function leftovers(session: SimSession): Promise<Leftovers> {
  return await session.settle(Promise.all([...session.brokers.keys()].map(async (rank) => {
    if (!session.isAlive(rank)) return {};
    const { router, tree, handle, modules } = session.brokers[rank]!;
    const client = session.handle(rank);
    const { pending } = await client.rpc<{ pending: Record<string, number> }>("kvs.stats-get", {}, { rank });
    client.close();
    const links = [...tree.children, ...(tree.parent ? [tree.parent] : [])];
    return {
      "requests over links": links.reduce((sum, { id }) => sum + router.pending(id), 0),
      // Each child follows the state of its parent.
      "requests to broker": handle.pending - tree.children.length,
      ...Object.fromEntries(modules.all.map((module) => [`requests to ${module.name}`, module.handle.pending])),
      ...Object.fromEntries(Object.entries(pending).map(([what, n]) => [`kvs ${what}`, n])),
      endpoints: router.endpoints.length,
    };
  })));
}
