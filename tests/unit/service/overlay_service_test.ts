import { type JsonObject, Role } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { type SimSession, simSession } from "../../sim/session.ts";

const statuses = (
  { status, children }: JsonObject,
) => [status, (children as JsonObject[]).map((c) => `${c.rank} ${c.status}`)];

function ask<T = JsonObject>(session: SimSession, topic: string, payload?: object, rank = 0): Promise<T> {
  return session.settle(session.handle(0).rpc<T>(topic, payload, { rank }));
}

/** The items of a stream, kept as they come. */
function kept(session: SimSession, topic: string): JsonObject[] {
  const items: JsonObject[] = [];
  (async () => {
    for await (const item of session.handle(0).stream(topic)) items.push(item);
  })().catch(() => {});
  return items;
}

Deno.test("overlay.health is full everywhere in a session where all is well", async () => {
  const session = await simSession({ size: 7 });
  assertEquals(statuses(await ask(session, "overlay.health")), ["full", ["1 full", "2 full"]]);
  assertEquals(statuses(await ask(session, "overlay.health", {}, 2)), ["full", ["5 full", "6 full"]]);
  assertEquals(statuses(await ask(session, "overlay.health", {}, 6)), ["full", []]);
});

Deno.test("overlay.health durations are real numbers of seconds", async () => {
  const session = await simSession({ size: 3 });
  await session.run(12_000 - session.clock.now() % 1);
  const bytes = await session.settle(session.handle(0).rpcRaw("overlay.health"));
  const text = new TextDecoder().decode(bytes);
  assert([...text.matchAll(/"duration":(\d+\.\d+)/g)].length === 3, text);
});

Deno.test("overlay.health streams, and names a lost rank on the way up", async () => {
  const session = await simSession({ size: 7 });
  const items = kept(session, "overlay.health");
  await session.run(10);
  session.kill(5);
  await session.run(1000);
  assertEquals(items.map(statuses), [["full", ["1 full", "2 full"]], ["degraded", ["1 full", "2 degraded"]]]);
  const below = await ask(session, "overlay.health", {}, 2);
  assertEquals(statuses(below), ["degraded", ["5 lost", "6 full"]]);
  assert(String((below.children as JsonObject[])[0]!.error).length > 0);
});

Deno.test("overlay.monitor tells of the children that are there, then of changes", async () => {
  const session = await simSession({ size: 3, arity: 0 });
  const items = kept(session, "overlay.monitor");
  await session.run(10);
  assertEquals(items, [{ rank: 1, status: "full", torpid: false }, { rank: 2, status: "full", torpid: false }]);
  session.kill(2);
  await session.run(100);
  assertEquals(items.slice(2), [{ rank: 2, status: "lost", torpid: false }]);
  await assertRejects(ask(session, "overlay.monitor"), { errno: "EPROTO" });
});

Deno.test("overlay.topology describes this broker's subtree, or a child's", async () => {
  const session = await simSession({ size: 6 });
  const leaf = (rank: number) => ({ rank, size: 1, children: [] });
  assertEquals(await ask(session, "overlay.topology", { rank: 0 }), {
    rank: 0,
    size: 6,
    children: [
      { rank: 1, size: 3, children: [leaf(3), leaf(4)] },
      { rank: 2, size: 2, children: [leaf(5)] },
    ],
  });
  assertEquals(await ask(session, "overlay.topology", { rank: 2 }), { rank: 2, size: 2, children: [leaf(5)] });
  await assertRejects(ask(session, "overlay.topology", { rank: 5 }), {
    errno: "ENOENT",
    text: "requested rank is not this broker or its direct child",
  });
  await assertRejects(ask(session, "overlay.topology", {}), { errno: "EPROTO" });
});

Deno.test("overlay.topology of a child that is gone is what it was meant to be", async () => {
  const session = await simSession({ size: 6 });
  session.kill(5);
  await session.run(100);
  assertEquals(await ask(session, "overlay.topology", { rank: 2 }), {
    rank: 2,
    size: 2,
    children: [{ rank: 5, size: 1, children: [] }],
  });
});

Deno.test("overlay.stats-get counts links and open requests", async () => {
  const session = await simSession({ size: 7 });
  assertEquals(await ask(session, "overlay.stats-get"), {
    "child-count": 2,
    "child-connected": 2,
    "parent-count": 0,
    "parent-rpc": 0,
    "child-rpc": 0,
    interthread: { sendq: 0, recvq: 0 },
  });
  const leaf = await ask(session, "overlay.stats-get", {}, 6);
  // It follows the state of its parent.
  assertEquals([leaf["child-count"], leaf["parent-count"], leaf["parent-rpc"]], [0, 1, 1]);
});

Deno.test("overlay.disconnect-subtree ends the link of a child, which ends the child", async () => {
  const session = await simSession({ size: 3 });
  await assertRejects(ask(session, "overlay.disconnect-subtree", { rank: 7 }), { errno: "ENOENT" });
  await ask(session, "overlay.disconnect-subtree", { rank: 2 });
  await session.settle(session.brokers[2]!.exited);
  assertEquals(statuses(await ask(session, "overlay.health")), ["degraded", ["1 full", "2 lost"]]);
});

Deno.test("overlay.disconnect-parent ends the link to the parent", async () => {
  const session = await simSession({ size: 3 });
  session.handle(1).post("overlay.disconnect-parent", { reason: "for a test" }, { rank: 1 });
  await session.settle(session.brokers[1]!.exited);
  assert(session.log.some(({ rank, text }) => rank === 1 && text === "lost connection to parent: for a test"));
  await assertRejects(ask(session, "overlay.disconnect-parent", {}), { errno: "ENOENT", text: "rank 0 has no parent" });
});

Deno.test("cmb.lspeer tells for how many heartbeats each child has been silent", async () => {
  const session = await simSession({ size: 3, network: { timeoutMs: 1e9 } });
  await session.run(20_000);
  const fresh = await ask<Record<string, { idle: number }>>(session, "cmb.lspeer");
  assert(fresh["1"]!.idle <= 1 && fresh["2"]!.idle <= 1, JSON.stringify(fresh));
  session.network.cut(session.host(0), session.host(2));
  await session.run(20_000);
  const late = await ask<Record<string, { idle: number }>>(session, "cmb.lspeer");
  assert(late["1"]!.idle <= 1 && late["2"]!.idle >= 8, JSON.stringify(late));
});

Deno.test("overlay.* that change something are for the owner", async () => {
  const session = await simSession({ size: 3 });
  const guest = session.handle(0, { userid: 2000, rolemask: Role.user });
  await session.settle(guest.rpc("overlay.health"));
  await session.settle(guest.rpc("overlay.topology", { rank: 0 }));
  const owned = [
    "overlay.disconnect-subtree",
    "overlay.ring",
    "overlay.admit",
    "overlay.find",
    "overlay.turn",
    "cmb.reparent",
    "cmb.panic",
  ];
  for (const topic of owned) {
    await assertRejects(session.settle(guest.rpc(topic, {})), { errno: "EPERM" });
  }
});
