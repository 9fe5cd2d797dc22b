import { ONLINE } from "../../broker/service/groups_service.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

/** What rank 0 says of a group, asked from the last rank. */
async function members(session: SimSession, name: string): Promise<string> {
  const client = session.handle(session.size - 1);
  return (await session.settle(client.rpc<{ members: string }>("groups.get", { name }, { rank: 0 }))).members;
}

Deno.test("groups.get names the ranks that joined, whichever they are", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 15, seed });
    const clients = Array.from({ length: 15 }, (_, rank) => session.handle(rank));
    const joined = clients.map(() => session.random.float() < 0.5);
    await session.settle(
      Promise.all(clients.map((client, rank) => joined[rank] && client.rpc("groups.join", { name: "g" }))),
    );
    await session.run(50);
    const expected = joined.flatMap((is, rank) => is ? [rank] : []);
    assertEquals([...session.brokers[0]!.groups.members("g")], expected);
    await session.settle(
      Promise.all(clients.map((client, rank) => joined[rank] && client.rpc("groups.leave", { name: "g" }))),
    );
    await session.run(50);
    assertEquals(await members(session, "g"), "");
  }));

Deno.test("groups.get is answered by rank 0 only, and with nothing for a group nobody knows", async () => {
  const session = await simSession({ size: 3 });
  assertEquals(await members(session, "nosuch"), "");
  assertEquals(await members(session, ONLINE), "0-2");
  const failure = { errno: "EPROTO", text: "this RPC is only available on rank 0" } as const;
  await session.settle(assertRejects(session.handle(1).rpc("groups.get", { name: "g" }), failure));
});

Deno.test("groups.join and groups.leave say what was the case already", async () => {
  const session = await simSession({ size: 3 });
  const client = session.handle(2), other = session.handle(2);
  await session.settle(client.rpc("groups.join", { name: "g" }));
  const again = { errno: "EEXIST", text: "rank 2 is already a member of g" } as const;
  for (const one of [client, other]) await session.settle(assertRejects(one.rpc("groups.join", { name: "g" }), again));
  await session.settle(client.rpc("groups.leave", { name: "g" }));
  const gone = { errno: "ENOENT", text: "rank 2 is not a member of g" } as const;
  await session.settle(assertRejects(client.rpc("groups.leave", { name: "g" }), gone));
});

Deno.test("groups.join and groups.leave must come from the same rank", async () => {
  const session = await simSession({ size: 3 });
  for (const method of ["join", "leave"]) {
    const request = session.handle(2).rpc(`groups.${method}`, { name: "g" }, { rank: 0 });
    await session.settle(assertRejects(request, { errno: "EPROTO" }));
  }
});

Deno.test("A rank leaves the groups of a client that goes", async () => {
  const session = await simSession({ size: 7 });
  const client = session.handle(6), stays = session.handle(6);
  await session.settle(
    Promise.all([client.rpc("groups.join", { name: "g" }), stays.rpc("groups.join", { name: "h" })]),
  );
  await session.until(() => session.brokers[0]!.groups.members("g").has(6));
  client.close();
  await session.until(() => !session.brokers[0]!.groups.members("g").has(6));
  assertEquals(await members(session, "h"), "6");
});

Deno.test("groups.get with streaming goes on with every change", async () => {
  const session = await simSession({ size: 3 });
  const seen: string[] = [];
  const reading = (async () => {
    for await (
      const { members } of session.handle(1).stream<{ members: string }>("groups.get", { name: "g" }, { rank: 0 })
    ) {
      seen.push(members);
      if (seen.length === 3) break;
    }
  })();
  await session.run(20);
  const client: Handle = session.handle(2);
  await session.settle(client.rpc("groups.join", { name: "g" }));
  await session.run(20);
  client.close();
  await session.settle(reading);
  assertEquals(seen, ["", "2", ""]);
});

Deno.test("A lost subtree is in no group any more, in broker.online neither", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 31, seed });
    const victim = 1 + session.random.below(30);
    const behind = session.brokers[0]!.topology.subtree(victim);
    session.kill(victim);
    await session.until(() => session.brokers[0]!.online.size === 31 - behind.size);
    assertEquals(session.brokers[0]!.online.intersection(behind).size, 0);
  }));

Deno.test("Many changes on many ranks meet at rank 0 in few messages", async () => {
  const session = await simSession({ size: 255, heartrate: 1e9 });
  let updates = 0;
  session.brokers[0]!.router.tap((direction, _id, { topic }, point) => {
    if (topic === "groups.update" && direction === "rx" && point === "peer") updates++;
  });
  const names = ["a", "b", "c", "d"];
  await session.settle(Promise.all(
    Array.from({ length: 255 }, (_, rank) => names.map((name) => session.handle(rank).rpc("groups.join", { name })))
      .flat(),
  ));
  await session.until(() => names.every((name) => session.brokers[0]!.groups.members(name).size === 255));
  assert(updates <= 40, `${updates} updates reached rank 0 for 1020 changes`);
});

Deno.test("Groups stay as they are while brokers change their parents", () =>
  forSeeds(15, async (seed) => {
    const session = await simSession({ size: 15, seed, network: { delay: { min: 0.1, max: 5 } } });
    const { random, brokers: [root] } = session;
    for (let round = 0; round < 10; round++) {
      const rank = 1 + random.below(14), to = random.below(15);
      const client = session.handle(random.below(15));
      // Some of these would make a cycle and are refused.
      const moving = session.handle(0).rpc("cmb.reparent", { uri: `ipc:///sim/tbon-${to}` }, { rank }).catch(() => {});
      await session.run(random.float() * 20);
      await session.settle(client.rpc("groups.join", { name: "g" }).catch(() => {}));
      await session.settle(moving);
    }
    await session.run(2000);
    const joined = session.brokers.flatMap(({ groups, options: { rank } }) =>
      groups.members("g").has(rank) ? [rank] : []
    );
    assertEquals([...root!.groups.members("g")], joined);
    assertEquals(root!.online.toNodeset(), "[0-14]");
  }));

Deno.test("A broker that becomes the child of its former child is still heard", async () => {
  const session = await simSession({ size: 15 });
  const move = (rank: number, to: number) =>
    session.settle(session.handle(0).rpc("cmb.reparent", { uri: `ipc:///sim/tbon-${to}` }, { rank }));
  await move(4, 2);
  // Rank 1 knows by now that rank 4 moves; the link between them is still there.
  await session.run(110);
  await move(1, 4);
  await session.run(1000);
  await session.settle(session.handle(3).rpc("groups.join", { name: "g" }));
  await session.run(100);
  assertEquals(await members(session, "g"), "3");
  assertEquals(await members(session, ONLINE), "0-14");
});
