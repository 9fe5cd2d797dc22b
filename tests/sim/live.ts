/** What tests of `live` look at: the tree as it is, the states as rank 0 declares them, whether everyone reaches everyone. */

import type { JsonObject } from "../../broker/message/mod.ts";
import { assertEquals } from "../assert.ts";
import type { SimSession } from "./session.ts";

/** The ranks that live. */
export function living(session: SimSession): number[] {
  return [...session.brokers.keys()].filter((rank) => session.isAlive(rank));
}

/** The parent each living rank says it has. */
export function parentsOf(session: SimSession): Record<number, number | undefined> {
  return Object.fromEntries(living(session).map((rank) => [rank, session.brokers[rank]!.tree.parent?.rank]));
}

/** The four sets of `live.status`. */
export async function states(session: SimSession): Promise<Record<"ok" | "slow" | "fail" | "unknown", string>> {
  using client = session.handle(0);
  return await session.settle(client.rpc("live.status"));
}

/** A ping from and to every living rank, all at once. */
export async function everyone(session: SimSession): Promise<void> {
  const ranks = living(session);
  const clients = ranks.map((rank) => [rank, session.handle(rank)] as const);
  await session.settle(Promise.all(clients.flatMap(([from, client]) =>
    ranks.map(async (to) => {
      const { rank } = await client.rpc<JsonObject>("broker.ping", {}, { rank: to, timeout: 10_000 });
      assertEquals(rank, to, `from ${from}`);
    })
  )));
  for (const [, client] of clients) client.close();
}
