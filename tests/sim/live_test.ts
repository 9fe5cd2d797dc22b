import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";
import { everyone, parentsOf, states } from "./live.ts";

const BEAT = 2000;

function live(
  options: {
    size: number;
    seed?: number;
    keys?: boolean;
    arity?: number;
    network?: { delay: { min: number; max: number } };
  },
): Promise<SimSession> {
  return simSession({ ...options, modules: ["live"], heartrate: BEAT });
}

Deno.test("live knows every rank once the session runs", () =>
  forSeeds(5, async (seed) => {
    const session = await live({ size: 15, seed });
    assertEquals(await states(session), { ok: "0-14", slow: "", fail: "", unknown: "" });
  }));

Deno.test("live takes the children of a dead rank to their grandparent, with all below them", () =>
  forSeeds(10, async (seed) => {
    const session = await live({ size: 15, seed, keys: seed % 2 === 0 });
    session.kill(1);
    await session.run(1000);
    const parents = parentsOf(session);
    assertEquals([parents[3], parents[4], parents[7], parents[10]], [0, 0, 3, 4]);
    await everyone(session);
    assertEquals(await states(session), { ok: "0,2-14", slow: "", fail: "1", unknown: "" });
  }));

Deno.test("live answers what was under way through the dead rank with EHOSTUNREACH", async () => {
  const session = await live({ size: 15 });
  await session.handle(7).serve({ "silent.wait": () => new Promise<void>(() => {}) });
  const down = session.handle(0).rpc("silent.wait", {}, { rank: 7 });
  await session.handle(14).serve({ "silent.wait": () => new Promise<void>(() => {}) });
  const up = session.handle(7).rpc("silent.wait", {}, { rank: 14 });
  await session.run(50);
  session.kill(1);
  await session.settle(assertRejects(down, { errno: "EHOSTUNREACH", text: "overlay disconnect" }));
  await session.settle(assertRejects(up, { errno: "EHOSTUNREACH", text: "overlay disconnect" }));
});

Deno.test("live loses and doubles no event at any survivor when an interior rank dies", () =>
  forSeeds(20, async (seed) => {
    const session = await live({ size: 15, seed, keys: seed % 4 === 0 });
    const seen: number[][] = [];
    for (let rank = 0; rank < 15; rank++) {
      const numbers: number[] = seen[rank] = [];
      await session.settle(session.handle(rank).listen("count", ({ sequence }) => numbers.push(sequence)));
    }
    const publisher = session.handle(0);
    for (let n = 0; n < 200; n++) {
      publisher.publish("count", { n });
      if (n === 50) session.kill(1 + session.random.below(2));
      if (n === 100) session.kill(3 + session.random.below(4));
      await session.run(session.random.float() * 4);
    }
    await session.run(2000);
    for (const rank of session.brokers.keys()) {
      if (session.isAlive(rank)) assertEquals(seen[rank], seen[0], `rank ${rank}`);
    }
    assertEquals(seen[0]!.length, 200);
    await everyone(session);
  }));

Deno.test("live ends every rank when rank 0 dies, within five seconds, and each says why", () =>
  forSeeds(5, async (seed) => {
    const session = await live({ size: 15, seed });
    const start = session.clock.now();
    session.kill(0);
    await session.settle(Promise.all(session.brokers.slice(1).map(({ exited }) => exited)));
    assert(session.clock.now() - start < 5000, `took ${session.clock.now() - start} ms`);
    const said = session.log.filter(({ level, text }) => level === "crit" && text.startsWith("rank 0 is gone"));
    assertEquals(new Set(said.map(({ rank }) => rank)), new Set([1, 2]));
  }));

Deno.test("a rank that is late with its heartbeats is in the group broker.torpid until it is heard, or has failed", async () => {
  const session = await live({ size: 7 });
  const torpid: string[] = [];
  const others = session.brokers.map((_, rank) => session.host(rank)).filter((_, rank) => rank !== 3);
  void (async () => {
    const groups = session.handle(0).stream<{ members: string }>("groups.get", { name: "broker.torpid" });
    for await (const { members } of groups) torpid.push(members);
  })();
  session.network.partition([session.host(3)], others);
  await session.run(20 * BEAT);
  assertEquals(torpid, ["", "3", ""]);
});

Deno.test("live finds a rank slow, then failed, when it says nothing, and takes it back when it does", async () => {
  const session = await live({ size: 7 });
  session.network.partition(["node3"], ["node0", "node1", "node2", "node4", "node5", "node6"]);
  const declared: string[] = [];
  for (let half = 0; half < 20; half++) {
    await session.run(BEAT / 2);
    const { slow, fail } = await states(session);
    const is = slow === "3" ? "slow" : fail === "3" ? "fail" : "ok";
    if (declared.at(-1) !== is) declared.push(is);
  }
  assertEquals(declared, ["ok", "slow", "fail"]);
  session.network.heal();
  await session.run(10 * BEAT);
  assertEquals(await states(session), { ok: "0-6", slow: "", fail: "", unknown: "" });
  await everyone(session);
});

Deno.test("live notices a link that works one way only, from either side", () =>
  forSeeds(6, async (seed) => {
    const session = await live({ size: 15, seed });
    const [from, to] = seed % 2 === 0 ? ["node1", "node3"] : ["node3", "node1"];
    session.network.oneWay(from, to);
    // Keepalives come every other beat, six beats of silence are too many, and the old parent is tried again for one.
    await session.run(12 * BEAT);
    const parents = parentsOf(session);
    assertEquals([parents[3], parents[7]], [0, 3]);
    await everyone(session);
    assertEquals((await states(session)).ok, "0-14");
  }));

Deno.test("live ends a rank that is cut off for good, with what is below it, and the others go on", async () => {
  const session = await live({ size: 15 });
  const below = [1, 3, 4, 7, 8, 9, 10].map((rank) => session.host(rank));
  const others = [0, 2, 5, 6, 11, 12, 13, 14].map((rank) => session.host(rank));
  session.network.partition(below, others);
  await session.run(50 * BEAT);
  assertEquals([...session.brokers.keys()].filter((rank) => session.isAlive(rank)), [0, 2, 5, 6, 11, 12, 13, 14]);
  assertEquals(await states(session), { ok: "0,2,5-6,11-14", slow: "", fail: "1,3-4,7-10", unknown: "" });
});

Deno.test("live takes a cut-off half back when the partition heals in time", () =>
  forSeeds(5, async (seed) => {
    const session = await live({ size: 15, seed });
    const below = [1, 3, 4, 7, 8, 9, 10].map((rank) => session.host(rank));
    session.network.partition(below, [0, 2, 5, 6, 11, 12, 13, 14].map((rank) => session.host(rank)));
    await session.run(20 * BEAT);
    await session.settle(
      assertRejects(session.handle(9).rpc("broker.ping", {}, { rank: 0 }), { errno: "EHOSTUNREACH" }),
    );
    session.network.heal();
    await session.run(10 * BEAT);
    assertEquals((await states(session)).ok, "0-14");
    await everyone(session);
  }));

Deno.test("live takes a rank back that was started anew", () =>
  forSeeds(5, async (seed) => {
    const session = await live({ size: 15, seed, keys: seed % 2 === 0 });
    session.kill(1);
    await session.run(1000);
    await session.settle(session.restart(1));
    await session.run(1000);
    assertEquals((await states(session)).ok, "0-14");
    await session.settle(session.handle(4).rpc("live.recover"));
    await session.run(1000);
    assertEquals([parentsOf(session)[4], parentsOf(session)[3]], [1, 0]);
    session.handle(0).publish("live.recover");
    await session.run(5000);
    assertEquals([parentsOf(session)[4], parentsOf(session)[3]], [1, 1]);
    await everyone(session);
  }));

Deno.test("ranks that have moved on request stay where they are", async () => {
  const session = await live({ size: 7 });
  await session.settle(session.handle(3).rpc("live.failover"));
  await session.run(20 * BEAT);
  assertEquals(parentsOf(session)[3], 0);
  session.handle(0).publish("live.recover");
  await session.run(20 * BEAT);
  assertEquals(parentsOf(session)[3], 1);
  assertEquals(session.log.filter(({ text }) => /silent|lost/.test(text)), []);
});

Deno.test("ranks go back to first parents that go back themselves", () =>
  forSeeds(20, async (seed) => {
    const session = await live({ size: 31, seed, network: { delay: { min: 0.1, max: 20 } } });
    for (const rank of [3, 4, 7, 8, 9, 10, 15, 16]) {
      for (let up = 0; up < 2; up++) {
        await session.settle(session.handle(rank).rpc("live.failover").catch(() => {}));
      }
    }
    session.handle(0).publish("live.recover");
    await session.run(5 * BEAT);
    const { topology } = session.brokers[0]!;
    const parents = Object.entries(parentsOf(session)).filter(([rank]) => rank !== "0");
    assertEquals(parents, parents.map(([rank]) => [rank, topology.parent(Number(rank)) ?? undefined]));
  }));

Deno.test("ranks whose first parent dies again while they go back to it have a parent soon, and nobody waits for them", () =>
  forSeeds(20, async (seed) => {
    const session = await live({ size: 15, seed, keys: seed % 2 === 0 });
    const isHome = (rank: number) => session.brokers[rank]!.tree.parent?.rank === 1;
    for (let round = 0; round < 5; round++) {
      session.kill(1);
      await session.run(1000);
      await session.settle(session.restart(1));
      session.handle(0).publish("live.recover");
      await session.until(() => isHome(3) || isHome(4));
    }
    session.kill(1);
    await session.run(1000);
    const parents = parentsOf(session);
    assertEquals([parents[3], parents[4]], [0, 0]);
    await session.settle(session.restart(1));
    session.handle(0).publish("live.recover");
    await session.run(1000);
    assertEquals([isHome(3), isHome(4)], [true, true]);
    await everyone(session);
  }));

Deno.test("a rank that was started anew joins the grandparent when its parent is dead too, and no rank is shown twice", async () => {
  const session = await live({ size: 15 });
  session.kill(1);
  session.kill(3);
  await session.run(2000);
  await session.settle(session.restart(3));
  await session.run(1000);
  assertEquals([parentsOf(session)[3], (await states(session)).fail], [0, "1"]);
  assertEquals(session.brokers[3]!.health.children, []);
  await session.settle(session.restart(1));
  session.handle(0).publish("live.recover");
  await session.run(10_000);
  assertEquals(parentsOf(session)[3], 1);
  assertEquals((await states(session)).ok, "0-14");
  assertEquals(session.brokers[0]!.health.status, "full");
  await everyone(session);
});

Deno.test("a process whose rank was started anew ends, and those below it go on elsewhere", async () => {
  const session = await live({ size: 15 });
  session.brokers[0]!.returns.announce(session.brokers[3]!.card, "another process");
  await session.settle(session.brokers[3]!.exited);
  await session.run(1000);
  assertEquals((await states(session)).fail, "3");
  assertEquals([parentsOf(session)[7], parentsOf(session)[8]], [1, 1]);
});

Deno.test("a process that was cut off cannot come back when its rank was started anew meanwhile", () =>
  forSeeds(5, async (seed) => {
    const session = await live({ size: 15, seed });
    const others = session.brokers.map((_, rank) => session.host(rank)).filter((_, rank) => rank !== 3);
    session.network.partition([session.host(3)], others);
    await session.run(8 * BEAT);
    session.brokers[0]!.returns.announce(session.brokers[3]!.card, "another process");
    await session.run(BEAT);
    session.network.heal();
    await session.settle(session.brokers[3]!.exited);
    await session.run(10 * BEAT);
    assertEquals((await states(session)).fail, "3");
  }));

Deno.test("live declares nobody dead twice", () =>
  forSeeds(5, async (seed) => {
    const session = await live({ size: 15, seed });
    const said: string[] = [];
    await session.handle(0).listen("live.cstate", ({ payload }) => said.push(`${payload.rank}:${payload.nstate}`));
    session.kill(1);
    session.kill(3);
    session.kill(8);
    await session.run(50 * BEAT);
    assertEquals(said.toSorted(), ["1:2", "3:2", "8:2"]);
  }));

Deno.test("live's thresholds are attributes, the same on every rank", async () => {
  const session = await live({ size: 3 });
  const set = (value: string, rank: number) =>
    session.settle(session.handle(rank).rpc("attr.set", { name: "live.max-idle", value }));
  await set("9", 2);
  await session.run(10);
  const { value } = await session.settle(
    session.handle(1).rpc<{ value: string }>("attr.get", { name: "live.max-idle" }),
  );
  assertEquals(value, "9");
  await assertRejects(set("2", 1), { errno: "EINVAL", text: "must be slow-idle < max-idle < max-cutoff" });
  await assertRejects(set("soon", 1), { errno: "EINVAL", text: '"soon" is no number of heartbeats' });
});

Deno.test("a rank that overlay.disconnect-subtree dismisses ends, and does not come back elsewhere", async () => {
  const session = await live({ size: 7 });
  await session.settle(session.handle(0).rpc("overlay.disconnect-subtree", { rank: 3 }, { rank: 1 }));
  await session.settle(session.brokers[3]!.exited);
  await session.run(1000);
  assertEquals((await states(session)).fail, "3");
});

Deno.test("live ends a rank loudly that has missed more events than are kept", async () => {
  const session = await simSession({
    size: 7,
    modules: ["live"],
    heartrate: BEAT,
    history: 8,
    network: { timeoutMs: 5000 },
  });
  session.network.partition(["node3"], ["node0", "node1", "node2", "node4", "node5", "node6"]);
  await session.run(8 * BEAT);
  const publisher = session.handle(0);
  for (let n = 0; n < 9; n++) publisher.publish("flood", { n });
  await session.run(1000);
  session.network.heal();
  await session.settle(session.brokers[3]!.exited);
  const text = "this rank has fallen behind the events that are kept: it is evicted";
  assert(session.log.some((line) => line.rank === 3 && line.level === "crit" && line.text === text));
  await session.run(1000);
  assertEquals((await states(session)).fail, "3");
});

Deno.test("Router.leave() ends what is served for those beyond a lost link, wherever it is served", async () => {
  const session = await live({ size: 15 });
  const served = [0, 14].map((rank) => session.brokers[rank]!.handle);
  const before = served.map(({ pending }) => pending);
  const streams = [0, 14].map((rank) => session.handle(7).stream("state-machine.monitor", {}, { rank }));
  await session.settle(Promise.all(streams.map((stream) => stream.next())));
  assertEquals(served.map(({ pending }, i) => pending - before[i]!), [1, 1]);
  session.kill(7);
  await session.run(100);
  assertEquals(served.map(({ pending }, i) => pending - before[i]!), [0, 0]);
});

Deno.test("live takes in a rank that was stopped for longer than others are patient, and declares it once", () =>
  forSeeds(10, async (seed) => {
    const session = await live({ size: 15, seed });
    const declared: string[] = [];
    await session.settle(
      session.handle(0).listen("live.cstate", ({ payload: { rank, ostate, nstate } }) => {
        declared.push(`${rank}: ${ostate} to ${nstate}`);
      }),
    );
    session.stop(1);
    await session.run(20 * BEAT);
    assertEquals((await states(session)).fail, "1");
    const { 3: three, 4: four } = parentsOf(session);
    assertEquals([three, four], [0, 0]);
    session.go(1);
    await session.run(10 * BEAT);
    assertEquals(await states(session), { ok: "0-14", slow: "", fail: "", unknown: "" });
    assertEquals(declared.filter((line) => line.startsWith("1:")), ["1: 0 to 1", "1: 1 to 2", "1: 2 to 0"]);
    await everyone(session);
  }));
