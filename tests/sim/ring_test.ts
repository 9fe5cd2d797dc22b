import type { JsonObject } from "../../broker/message/mod.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

function byRing(session: SimSession, from: number, rank: number, topic = "broker.ping", payload?: JsonObject) {
  const client = session.handle(from);
  return session.settle(client.rpc<JsonObject>("overlay.ring", { rank, topic, ...(payload && { payload }) }))
    .finally(() => client.close());
}

Deno.test("overlay.ring is answered by any rank for any rank, also by its own", () =>
  forSeeds(3, async (seed) => {
    const session = await simSession({ size: 6, seed, keys: seed === 2 });
    for (let from = 0; from < 6; from++) {
      for (let to = 0; to < 6; to++) {
        const answer = await byRing(session, from, to, "broker.ping", { seq: 10 * from + to });
        assertEquals([answer.seq, answer.rank, answer.rolemask], [10 * from + to, to, 1]);
        // The way: the asking handle, both ends of each link between, who answers.
        assertEquals(String(answer.route).split("!").length, 2 + (from - to + 6) % 6);
      }
    }
  }));

Deno.test("overlay.ring to a rank that does not exist is EHOSTUNREACH, in a session of any size", async () => {
  await assertRejects(byRing(await simSession({ size: 5 }), 2, 5), { errno: "EHOSTUNREACH" });
  await assertRejects(byRing(await simSession({ size: 5 }), 2, 99), { errno: "EHOSTUNREACH" });
  await assertRejects(byRing(await simSession({ size: 1 }), 0, 1), { errno: "EHOSTUNREACH" });
  assertEquals((await byRing(await simSession({ size: 1 }), 0, 0)).rank, 0);
});

Deno.test("overlay.ring passes on what the other rank refuses", async () => {
  const session = await simSession({ size: 3 });
  await assertRejects(byRing(session, 0, 2, "nothing.here"), {
    errno: "ENOSYS",
    text: "No service matching nothing.here is registered",
  });
  await assertRejects(byRing(session, 0, 2, "attr.get", {}), { errno: "EPROTO", text: '"name" must be a string' });
  const client = session.handle(0);
  await assertRejects(session.settle(client.rpc("overlay.ring", { topic: "x" })), { errno: "EPROTO", text: '"rank"' });
});

Deno.test("overlay.ring still works when the tree is stuck", async () => {
  const session = await simSession({ size: 7, network: { timeoutMs: 1e9 } });
  // 0-2 and 2-6 belong to the tree only; 0-6 is a link of the ring.
  session.network.cut(session.host(0), session.host(2));
  session.network.cut(session.host(2), session.host(6));
  const client = session.handle(0);
  const stuck = client.rpc("broker.ping", {}, { rank: 6, timeout: 1000 });
  await assertRejects(session.settle(stuck), { errno: "ETIMEDOUT" });
  assertEquals((await byRing(session, 0, 6)).rank, 6);
  assertEquals((await byRing(session, 0, 5)).rank, 5);
});

Deno.test("overlay.ring is answered EHOSTUNREACH when a broker on the way dies", async () => {
  const session = await simSession({ size: 5, arity: 0 });
  await byRing(session, 0, 2);
  const client = session.handle(0);
  session.network.oneWay(session.host(3), session.host(2));
  const waiting = client.rpc("overlay.ring", { rank: 1, topic: "broker.ping", payload: {} });
  waiting.catch(() => {});
  await session.run(50);
  session.kill(3);
  await assertRejects(session.settle(waiting), { errno: "EHOSTUNREACH" });
});
