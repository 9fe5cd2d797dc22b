import type { JsonObject } from "../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const uriOf = (rank: number) => `ipc:///sim/tbon-${rank}`;

function reparent(session: SimSession, rank: number, to: number): Promise<JsonObject> {
  return session.handle(0).rpc("cmb.reparent", { uri: uriOf(to) }, { rank });
}

/** Subscribes on every rank and keeps the numbers that arrive there. */
async function watchers(session: SimSession): Promise<number[][]> {
  return await session.settle(Promise.all(session.brokers.map(async (_, rank) => {
    const seen: number[] = [];
    await session.handle(rank).listen("count", ({ payload }) => seen.push(Number(payload.n)));
    return seen;
  })));
}

/** A ping from and to every rank, all at once. */
async function everyone(session: SimSession): Promise<void> {
  const { size } = session;
  const clients = session.brokers.map((_, rank) => session.handle(rank));
  const pairs = clients.flatMap((client, from) => Array.from({ length: size }, (_, to) => [client, from, to] as const));
  await session.settle(Promise.all(pairs.map(async ([client, from, to]) => {
    const { rank } = await client.rpc<{ rank: number }>("broker.ping", {}, { rank: to });
    assertEquals(rank, to, `from ${from}`);
  })));
  for (const client of clients) client.close();
}

async function parents(session: SimSession): Promise<Record<number, number>> {
  const found: Record<number, number> = {};
  const walk = ({ rank, children }: JsonObject) => {
    for (const child of children as JsonObject[]) {
      assert(!(Number(child.rank) in found), `rank ${child.rank} is there twice`);
      found[Number(child.rank)] = Number(rank);
      walk(child);
    }
  };
  walk(await session.settle(session.handle(0).rpc("overlay.topology", { rank: 0 })));
  return found;
}

Deno.test("Reparent.move() gives a broker another parent, with its whole subtree", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 15, seed });
    await session.settle(reparent(session, 3, 2));
    await session.run(500);
    const found = await parents(session);
    assertEquals([found[3], found[7], found[8], found[4]], [2, 3, 3, 1]);
    await everyone(session);
    const health = await session.settle(session.handle(0).rpc<{ status: string }>("overlay.health"));
    assertEquals(health.status, "full");
    assertEquals(session.brokers[0]!.online.toNodeset(), "[0-14]");
  }));

Deno.test("Reparent.move() loses and doubles no event, and fails no request that ends soon", () =>
  forSeeds(20, async (seed) => {
    const session = await simSession({ size: 15, seed, network: { delay: { min: 0.1, max: 5 } } });
    const { random } = session;
    const seen = await watchers(session);
    const clients = session.brokers.map((_, rank) => session.handle(rank));
    const pings: Promise<unknown>[] = [];
    let published = 0;
    const moves: Promise<unknown>[] = [];
    let isMoving = false;
    for (let step = 0; step < 300; step++) {
      if (step % 60 === 10 && !isMoving) {
        const rank = 1 + random.below(14);
        const free = session.brokers.map((_, r) => r).filter((r) => !session.brokers[rank]!.tree.ranks.has(r));
        isMoving = true;
        moves.push(reparent(session, rank, free[random.below(free.length)]!).finally(() => isMoving = false));
      }
      clients[random.below(15)]!.publish("count", { n: published++ });
      const ping = clients[random.below(15)]!.rpc("broker.ping", {}, { rank: random.below(15) });
      ping.catch(() => {});
      pings.push(ping);
      await session.run(3);
    }
    await session.settle(Promise.all([...moves, ...pings]));
    await session.until(() => seen.every((numbers) => numbers.length >= published));
    for (const numbers of seen) {
      assertEquals([...new Set(numbers)].length, numbers.length);
      assertEquals(numbers.toSorted((a, b) => a - b), Array.from({ length: published }, (_, n) => n));
      assertEquals(numbers, seen[0]);
    }
    await everyone(session);
  }));

for (const [keys, how] of [[true, ""], ["plain", " as passwords"]] as const) {
  Deno.test(`Reparent.move() works with keys${how}: the new parent is asked to let the broker in`, () =>
    forSeeds(5, async (seed) => {
      const session = await simSession({ size: 7, seed, keys });
      const seen = await watchers(session);
      await session.settle(reparent(session, 5, 4));
      session.handle(6).publish("count", { n: 1 });
      await session.run(500);
      assertEquals(seen, Array.from({ length: 7 }, () => [1]));
      assertEquals((await parents(session))[5], 4);
      await everyone(session);
    }));
}

Deno.test("Reparent.move() back and forth says new and restored, and to the present parent does nothing", async () => {
  const session = await simSession({ size: 7 });
  for (const to of [0, 1, 0, 0]) {
    await session.settle(reparent(session, 3, to));
    await session.run(300);
  }
  const lines = session.log.filter(({ text }) => text.startsWith("reparent")).map(({ text }) => text);
  assertEquals(lines, [
    `reparent ${uriOf(0)} (new)`,
    `reparent ${uriOf(1)} (restored)`,
    `reparent ${uriOf(0)} (restored)`,
    `reparent ${uriOf(0)} (restored)`,
  ]);
  assertEquals(session.log.filter(({ level }) => level === "err"), []);
  await everyone(session);
});

Deno.test("Reparent.move() moves many brokers at once, in random directions, without a cycle", () =>
  forSeeds(20, async (seed) => {
    const session = await simSession({ size: 15, seed });
    for (let round = 0; round < 5; round++) {
      const moves = Array.from({ length: 4 }, () => {
        const [rank, to] = [1 + session.random.below(14), session.random.below(15)];
        // Some of these cannot be done; they are refused, and nothing is broken by it.
        return reparent(session, rank, to).catch(() => {});
      });
      await session.settle(Promise.all(moves));
      await session.run(1000);
      assertEquals(session.brokers.map(({ machine }) => machine.state), Array(15).fill("run"));
    }
    assertEquals(Object.keys(await parents(session)).length, 14);
    await everyone(session);
    const health = await session.settle(session.handle(0).rpc<{ status: string }>("overlay.health"));
    assertEquals(health.status, "full");
  }));

Deno.test("Reparent.move() refuses what cannot be, and the old parent stays", async () => {
  const session = await simSession({ size: 7 });
  const at = (rank: number, uri: string) => session.settle(session.handle(0).rpc("cmb.reparent", { uri }, { rank }));
  await assertRejects(at(1, "nowhere"), { errno: "EINVAL", text: '"nowhere" is no URI' });
  await assertRejects(at(0, uriOf(1)), { errno: "EINVAL", text: "rank 0 is the root" });
  await assertRejects(at(1, uriOf(3)), { errno: "EINVAL", text: "rank 3 is below rank 1" });
  await assertRejects(at(1, uriOf(1)), { errno: "EINVAL", text: "that is this broker itself" });
  await assertRejects(at(1, "ipc:///sim/tbon-99"), {
    errno: "ENOENT",
    text: "no broker of this session listens on ipc:///sim/tbon-99",
  });
  await assertRejects(session.settle(session.handle(0).rpc("cmb.reparent", {}, { rank: 1 })), { errno: "EPROTO" });
  await everyone(session);
});

Deno.test("Reparent.move() to a broker that cannot be reached gives up, and the old parent stays", async () => {
  const session = await simSession({ size: 7, network: { timeoutMs: 1e9 } });
  session.network.cut(session.host(3), session.host(5));
  const before = session.clock.now();
  await assertRejects(session.settle(reparent(session, 3, 5)), {
    errno: "ETIMEDOUT",
    text: "rank 5 did not take us in",
  });
  assert(session.clock.now() - before < 11_000);
  assertEquals((await parents(session))[3], 1);
  const seen = await watchers(session);
  session.handle(0).publish("count", { n: 7 });
  await session.run(100);
  assertEquals(seen[3], [7]);
  await everyone(session);
});

Deno.test("Reparent.move() ends streams over the old parent with an error, and follows the new parent to the end", async () => {
  const session = await simSession({ size: 7 });
  const items = session.handle(3).stream("state-machine.monitor", {}, { rank: 1 });
  assertEquals((await session.settle(items.next())).value, { state: 5 });
  const rest = items.next();
  rest.catch(() => {});
  await session.settle(reparent(session, 3, 2));
  await assertRejects(session.settle(rest), { errno: "EHOSTUNREACH", text: "overlay disconnect" });
  // Its own shutdown comes over the new parent.
  await session.run(500);
  session.brokers[2]!.shutdown(0, "test");
  await session.settle(session.brokers[3]!.exited);
  assertEquals(session.brokers[1]!.machine.state, "run");
});

Deno.test("Broker leaves no open request behind after a hundred changes of parent", async () => {
  const session = await simSession({ size: 4 });
  const client = session.handle(0);
  const move = async (to: number) => {
    await session.settle(client.rpc("cmb.reparent", { uri: uriOf(to) }, { rank: 3 }));
    await session.run(300);
  };
  await move(2);
  const count = () => session.brokers.map(({ handle, router }) => [handle.pending, router.endpoints.length]);
  const before = count();
  for (let i = 0; i < 50; i++) {
    await move(0);
    await move(2);
  }
  assertEquals(count(), before);
});
