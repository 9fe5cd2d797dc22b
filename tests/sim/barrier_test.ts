import type { Handle } from "../../broker/handle/mod.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const modules = ["barrier"];
const SLOW = { delay: { min: 0.1, max: 20 } };

function enter(handle: Handle, nprocs: number, more: object = {}): Promise<unknown> {
  const entered = handle.rpc("barrier.enter", { name: "x", count: 1, nprocs, ...more });
  entered.catch(() => {});
  return entered;
}

/** A client of every rank. */
function clients(session: SimSession): Handle[] {
  return session.brokers.map((_, rank) => session.handle(rank));
}

/** Nobody waits any more, and nothing is left of a meeting. */
async function quiet(session: SimSession): Promise<void> {
  await session.run(3000);
  const open = session.brokers.map(({ modules }) => modules.get("barrier").handle.pending);
  assertEquals(open, open.map(() => 0));
}

Deno.test("barrier.enter lets 256 ranks through together, with delays, again and again", () =>
  forSeeds(3, async (seed) => {
    const session = await simSession({ size: 256, seed, modules, network: SLOW });
    const all = clients(session);
    let inside = 0, through = 0;
    await session.settle(Promise.all(all.map(async (handle) => {
      for (let round = 1; round <= 3; round++) {
        await session.run(0);
        inside++;
        await enter(handle, 256);
        assert(inside >= 256 * round, `let through in round ${round} when ${inside} had entered`);
        through++;
      }
    })));
    assertEquals(through, 3 * 256);
    await quiet(session);
  }));

Deno.test("barrier.enter costs one message up and one down each link, also when ranks are not equally quick", () =>
  forSeeds(3, async (seed) => {
    const session = await simSession({ size: 64, seed, modules });
    const all = clients(session);
    await session.run(100);
    for (const spread of [1, 5, 15]) {
      const before = session.network.statistics.sent;
      const entered = all.map(async (handle) => {
        await sleep(session.clock, session.random.float() * spread);
        await enter(handle, 64);
      });
      await session.settle(Promise.all(entered));
      await session.run(100);
      assertEquals(session.network.statistics.sent - before, 2 * 63);
    }
  }));

Deno.test("barrier.enter of a few ranks takes no longer than the way there and back, once it knows them", async () => {
  const session = await simSession({ size: 64, modules, network: { delay: { min: 0.1, max: 0.1 } } });
  const parties = [37, 52].map((rank) => session.handle(rank));
  const round = async () => {
    const start = session.clock.now();
    await session.settle(Promise.all(parties.map((handle) => enter(handle, 2))));
    return session.clock.now() - start;
  };
  // Six hops; at first each rank on the way waits a millisecond for others.
  const first = await round();
  assert(first > 3 && first < 10, `${first} ms`);
  const second = await round();
  assert(second < 1.5, `${second} ms`);
});

Deno.test("barrier.enter counts everyone once while ranks change their parents", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 31, seed, modules, network: { delay: { min: 0.1, max: 5 } } });
    const { random } = session;
    const root = session.handle(0);
    let isMoving = false, moves = 0;
    const move = async () => {
      if (isMoving) return;
      isMoving = true;
      const rank = 1 + random.below(30);
      const free = session.brokers.map((_, r) => r).filter((r) => !session.brokers[rank]!.tree.ranks.has(r));
      const to = free[random.below(free.length)]!;
      try {
        await root.rpc("cmb.reparent", { uri: `ipc:///sim/tbon-${to}` }, { rank });
        moves++;
      } catch {
        // It may be below by now; another will move.
      }
      isMoving = false;
    };
    const rounds = session.brokers.map(() => 0);
    const parties = clients(session).map(async (handle, rank) => {
      for (let round = 0; round < 20; round++) {
        await enter(handle, 31);
        rounds[rank]!++;
        const [least, most] = [Math.min(...rounds), Math.max(...rounds)];
        assert(most - least <= 1, `rank ${rank} is in round ${most}, another in ${least}`);
      }
    });
    const done = Promise.all(parties);
    let isDone = false;
    done.finally(() => isDone = true);
    while (!isDone) {
      void move();
      await session.run(20);
    }
    await done;
    assert(moves > 3, `${moves} moves`);
    assertEquals(rounds, rounds.map(() => 20));
    await quiet(session);
  }));

Deno.test("barrier.enter sends again what it sent to a former parent, and nobody counts twice", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 15, seed, modules, network: SLOW });
    const all = clients(session);
    const [late, ...early] = all;
    const waiting = early.map((handle) => enter(handle, 15));
    await session.run(30);
    // What a former parent has not answered in time is as good as lost.
    for (const [rank, to] of [[3, 2], [5, 0], [3, 1], [11, 0]] as const) {
      await session.settle(session.handle(0).rpc("cmb.reparent", { uri: `ipc:///sim/tbon-${to}` }, { rank }));
      await session.run(session.random.below(400));
    }
    const last = enter(late!, 15);
    await session.settle(Promise.all([...waiting, last]));
    await quiet(session);
  }));

Deno.test("barrier.enter fails for all with ETIMEDOUT and says who had entered", () =>
  forSeeds(5, async (seed) => {
    const session = await simSession({ size: 15, seed, modules });
    const all = clients(session).slice(0, 9);
    const start = session.clock.now();
    const waiting = all.map((handle, rank) => enter(handle, 20, rank === 3 ? { timeout: 10 } : {}));
    waiting.push(enter(session.handle(8), 20));
    for (const one of waiting) {
      const text = "barrier x: 10 of 20 entered (1 each on ranks 0-7, 2 on rank 8) within 10 s";
      await session.settle(assertRejects(one, { errno: "ETIMEDOUT", text }));
    }
    const took = session.clock.now() - start;
    assert(took >= 10_000 && took < 10_500, `after ${took} ms`);
    await quiet(session);
  }));

Deno.test("barrier.enter says ETIMEDOUT by itself when rank 0 cannot be asked", async () => {
  const session = await simSession({ size: 7, modules, network: { timeoutMs: 1e9 } });
  session.network.cut(session.host(0), session.host(2));
  const text = "barrier x: not complete within 1 s, and rank 0 does not answer";
  await session.settle(assertRejects(enter(session.handle(5), 7, { timeout: 1 }), { errno: "ETIMEDOUT", text }));
});

Deno.test("barrier.enter fails with ECONNABORTED for all when a client disconnects or cancels", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 15, seed, modules, network: SLOW });
    const all = clients(session);
    const leaver = session.random.below(14);
    const waiting = all.slice(0, 14).map((handle) => enter(handle, 15));
    await session.run(session.random.below(100));
    all[leaver]!.close();
    const failure = { errno: "ECONNABORTED", text: `barrier x: a client on rank ${leaver} is gone` } as const;
    for (const [rank, one] of waiting.entries()) if (rank !== leaver) await session.settle(assertRejects(one, failure));
    // The name is free again.
    const again = clients(session).map((handle) => enter(handle, 15));
    await session.settle(Promise.all(again));
    await quiet(session);
  }));

Deno.test("barrier.enter by one client twice is EEXIST, and aborts the barrier", async () => {
  const session = await simSession({ size: 7, modules });
  const handle = session.handle(6);
  const waiting = [enter(session.handle(1), 7), enter(handle, 7)];
  await session.run(10);
  await session.settle(assertRejects(enter(handle, 7), { errno: "EEXIST" }));
  for (const one of waiting) {
    await session.settle(
      assertRejects(one, { errno: "ECONNABORTED", text: "barrier x: a client on rank 6 entered twice" }),
    );
  }
  await session.settle(enter(handle, 1));
  await quiet(session);
});

Deno.test("barrier.enter refuses what makes no sense", async () => {
  const session = await simSession({ size: 3, modules });
  const handle = session.handle(2);
  const refused = (payload: object, errno: "EINVAL" | "EPROTO", text: string) =>
    session.settle(assertRejects(handle.rpc("barrier.enter", payload), { errno, text }));
  await refused({ nprocs: 1 }, "EINVAL", `"name" is missing`);
  await refused({ name: "", nprocs: 1 }, "EINVAL", `"name" is missing`);
  await refused({ name: 1, nprocs: 1 }, "EPROTO", `"name" must be a string`);
  await refused({ name: "x" }, "EPROTO", `"nprocs" must be an integer`);
  await refused({ name: "x", nprocs: 0 }, "EINVAL", `"nprocs" must be 1 or more, not 0`);
  await refused({ name: "x", nprocs: 2, count: 3 }, "EINVAL", "barrier x: 3 cannot enter where 2 meet");
  await refused({ name: "x", nprocs: 2, count: 0 }, "EINVAL", `"count" must be 1 or more, not 0`);
  await refused({ name: "x", nprocs: 2, timeout: "x" }, "EPROTO", `"timeout" must be seconds`);
  await refused({ name: "x", nprocs: 2, ranks: "0-2" }, "EINVAL", "2 cannot meet on 3 ranks");
  await refused({ name: "x", nprocs: 4, ranks: "1-3" }, "EINVAL", "there is no rank 3: the session has 3 ranks");
  await refused({ name: "x", nprocs: 2, ranks: "0-1" }, "EINVAL", "barrier x: rank 2 is none of those that take part");
  await session.settle(handle.rpc("barrier.enter", { name: "x", nprocs: 5, count: 5 }));
});

Deno.test("barrier.enter with another nprocs under the same name is EINVAL for who comes late, and only there", async () => {
  const session = await simSession({ size: 7, modules });
  const first = enter(session.handle(3), 2);
  await session.run(10);
  const text = `barrier x: "nprocs" is 3, for those who came first 2`;
  for (const rank of [3, 4, 6]) {
    await session.settle(assertRejects(enter(session.handle(rank), 3), { errno: "EINVAL", text }));
  }
  await session.settle(Promise.all([first, enter(session.handle(6), 2)]));
  await quiet(session);
});

Deno.test("barrier.enter with more than were to meet fails them all: who counted wrong is told", async () => {
  const session = await simSession({ size: 3, modules });
  const waiting = [enter(session.handle(0), 3, { count: 2 }), enter(session.handle(1), 3, { count: 2 })];
  for (const one of waiting) {
    await session.settle(
      assertRejects(one, { errno: "EOVERFLOW", text: "barrier x: 4 entered, and 3 were to meet" }),
    );
  }
});

Deno.test("barrier.enter keeps equal names of different users apart", async () => {
  const session = await simSession({ size: 3, modules });
  const [mine, other] = [session.handle(1), session.handle(1, { userid: 2000, rolemask: 2 })];
  const waiting = [enter(mine, 2), enter(other, 2)];
  await session.run(100);
  await session.settle(Promise.all([enter(session.handle(2), 2), waiting[0]]));
  await session.settle(Promise.all([enter(session.handle(2, { userid: 2000, rolemask: 2 }), 2), waiting[1]]));
});

Deno.test("barrier.enter fails when a rank that had entered, or was to, dies", () =>
  forSeeds(5, async (seed) => {
    for (const ranks of ["0-14", undefined]) {
      const session = await simSession({ size: 15, seed, modules });
      const all = clients(session);
      const dead = 7 + session.random.below(8);
      const waiting = all.slice(0, 14).map((handle, rank) =>
        rank === dead && ranks ? undefined : enter(handle, 15, ranks ? { ranks } : {})
      );
      await session.run(50);
      if (dead === 14 && !ranks) continue;
      const start = session.clock.now();
      session.kill(dead);
      for (const [rank, one] of waiting.entries()) {
        if (!one || rank === dead) continue;
        await session.settle(assertRejects(one, { errno: "ECONNABORTED", text: `barrier x: rank ${dead} is gone` }));
      }
      assert(session.clock.now() - start < 5000, `after ${session.clock.now() - start} ms`);
    }
  }));

Deno.test("barrier.enter is failed by a rank whose module is unloaded, and goes past one that has none", async () => {
  const session = await simSession({ size: 7, modules });
  const waiting = [enter(session.handle(1), 3), enter(session.handle(5), 3)];
  await session.run(20);
  await session.settle(session.handle(5).rpc("module.remove", { name: "barrier" }));
  await session.settle(assertRejects(waiting[1]!, { errno: "ENOSYS" }));
  const text = "barrier x: the service ended on rank 5";
  await session.settle(assertRejects(waiting[0]!, { errno: "ECONNABORTED", text }));
  await session.settle(session.handle(2).rpc("module.remove", { name: "barrier" }));
  // Others are no longer taken for parties of the barrier that failed.
  await session.run(1000);
  // Rank 6 reaches rank 0 past its parent, and a client of rank 2 meets at rank 0.
  await session.settle(Promise.all([6, 2, 0].map((rank) => enter(session.handle(rank), 3))));
  await session.settle(session.handle(0).rpc("module.remove", { name: "barrier" }));
  await session.settle(assertRejects(enter(session.handle(6), 3), { errno: "ENOSYS" }));
});

Deno.test("barrier.enter fails by name when a member was started anew before anybody had noticed its death", () =>
  forSeeds(5, async (seed) => {
    const session = await simSession({ size: 7, seed, modules: ["live", "barrier"] });
    session.network.slow(session.host(5), 9000);
    await session.run(9000);
    const entered = enter(session.handle(3), 2, { ranks: "3,5" });
    await session.run(100);
    session.kill(5);
    await session.settle(session.restart(5));
    await session.settle(assertRejects(entered, { errno: "ECONNABORTED", text: "barrier x: rank 5 is gone" }));
  }));

Deno.test("barrier.enter fails by name when a member died while others who had entered were cut off, though it is back", () =>
  forSeeds(5, async (seed) => {
    const session = await simSession({ size: 7, seed, modules: ["live", "barrier"] });
    const heal = session.network.partition([session.host(3)], [0, 1, 2, 4, 5, 6].map((rank) => session.host(rank)));
    const entered = enter(session.handle(3), 2, { ranks: "3,5" });
    session.kill(5);
    await session.run(3000);
    await session.settle(session.restart(5));
    heal();
    await session.settle(assertRejects(entered, { errno: "ECONNABORTED", text: "barrier x: rank 5 is gone" }));
    await quiet(session);
  }));
