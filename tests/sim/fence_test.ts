import type { Handle } from "../../broker/handle/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import type { CommitReply } from "../../modules/kvs/protocol.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { kvsAt, ranksOf } from "./kvs.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const modules = ["content", "kvs"];

/** Takes part in the fence `f` with one key. */
function fence(handle: Handle, key: string, nprocs: number, options: object = {}, namespace?: string) {
  const kvs = new Kvs(handle, namespace === undefined ? {} : { namespace });
  const entered = kvs.transaction().put(key, key).fence("f", nprocs, options);
  entered.catch(() => {});
  return entered;
}

function clients(session: SimSession): Handle[] {
  return session.brokers.map((_, rank) => session.handle(rank));
}

Deno.test("kvs.fence makes one root of what 256 ranks bring, with delays, and each reads at once what the others wrote", () =>
  forSeeds(2, async (seed) => {
    const session = await simSession({ size: 256, seed, modules, network: { delay: { min: 0.1, max: 20 } } });
    const names: unknown[] = [];
    await session.settle(
      session.handle(7).listen("kvs.namespace-primary-setroot", (event) => {
        names.push(event.payload.names);
      }),
    );
    const { rootseq } = await session.settle(new Kvs(session.handle(0)).root());
    const replies = await session.settle(Promise.all(
      clients(session).map(async (handle, rank) => {
        const reply = await fence(handle, `d.k${rank}`, 256);
        const other = (rank * 7 + 13) % 256;
        assertEquals(await new Kvs(handle).get(`d.k${other}`), `d.k${other}`);
        return reply;
      }),
    ));
    assertEquals(new Set(replies.map(({ rootref }) => rootref)).size, 1);
    assertEquals(replies[0]!.rootseq, rootseq + 1);
    const entries = await session.settle(new Kvs(session.handle(200)).dir("d"));
    assertEquals(entries.size, 256);
    await session.run(100);
    assertEquals(names, [["f"]]);
  }));

Deno.test("kvs.fence applies operations by rank, then in the order they came, once each", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 7, seed, modules, network: { delay: { min: 0.1, max: 20 } } });
    const entered: Promise<CommitReply>[] = [];
    for (const rank of [6, 0, 3, 3, 1, 5, 0, 6]) {
      const transaction = new Kvs(session.handle(rank)).transaction();
      transaction.append("log", `${rank}${entered.length} `);
      entered.push(transaction.fence("f", 8));
      await session.run(session.random.below(10));
    }
    await session.settle(Promise.all(entered));
    const text = await session.settle(new Kvs(session.handle(4)).getText("log"));
    assertEquals(text, "01 06 14 32 33 55 60 67 ");
  }));

Deno.test("kvs.fence loses and doubles nothing while ranks change their parents", () =>
  forSeeds(8, async (seed) => {
    const session = await simSession({ size: 15, seed, modules, network: { delay: { min: 0.1, max: 5 } } });
    const { random } = session;
    const root = session.handle(0);
    let isDone = false, isMoving = false, moves = 0;
    const rounds = 30;
    const done = Promise.all(
      clients(session).map(async (handle, rank) => {
        for (let round = 0; round < rounds; round++) {
          await new Kvs(handle).transaction().append("log", `${rank} `).fence("f", 15);
        }
      }),
    ).finally(() => isDone = true);
    while (!isDone) {
      if (!isMoving) {
        isMoving = true;
        const rank = 1 + random.below(14);
        const free = session.brokers.map((_, r) => r).filter((r) => !session.brokers[rank]!.tree.ranks.has(r));
        const uri = `ipc:///sim/tbon-${free[random.below(free.length)]}`;
        root.rpc("cmb.reparent", { uri }, { rank }).then(() => moves++, () => {}).finally(() => isMoving = false);
      }
      await session.run(10);
    }
    await done;
    assert(moves > 1, `${moves} moves`);
    const once = Array.from({ length: 15 }, (_, rank) => `${rank} `).join("");
    assertEquals(await session.settle(new Kvs(session.handle(9)).getText("log")), once.repeat(rounds));
  }));

Deno.test("kvs.fence with other terms under the same name is EINVAL for who comes late, and the others go on", async () => {
  const session = await simSession({ size: 7, modules });
  await session.settle(new Kvs(session.handle(0)).namespaces.create("ns"));
  const first = fence(session.handle(3), "a", 2);
  await session.run(20);
  const refused = (entered: Promise<unknown>, text: string) =>
    session.settle(assertRejects(entered, { errno: "EINVAL", text }));
  await refused(fence(session.handle(4), "b", 3), `fence f: "nprocs" is 3, for those who came first 2`);
  await refused(fence(session.handle(4), "b", 2, {}, "ns"), `fence f: "namespace" is "ns", for those who came first`);
  await refused(fence(session.handle(0), "b", 2, { flags: 1 }), `fence f: "flags" is 1, for those who came first 0`);
  await refused(fence(session.handle(0), "b", 2, { ranks: "0,3" }), `fence f: "ranks" is "0,3", for those who came`);
  await session.settle(Promise.all([first, fence(session.handle(6), "c", 2)]));
  const kvs = new Kvs(session.handle(5));
  assertEquals(await session.settle(Promise.all(["a", "b", "c"].map((key) => kvs.exists(key)))), [true, false, true]);
});

Deno.test("kvs.fence fails for all with what its transaction is refused for, and nothing of it stays", async () => {
  const session = await simSession({ size: 3, modules });
  const kvs = new Kvs(session.handle(2));
  await session.settle(kvs.transaction().symlink("loop", "loop").commit());
  const bad = kvs.transaction().put("loop.x", 1).fence("f", 2);
  const good = fence(session.handle(1), "good", 2);
  for (const one of [bad, good]) await session.settle(assertRejects(one, { errno: "ELOOP" }));
  assertEquals(await session.settle(kvs.exists("good")), false);
});

Deno.test("kvs.fence in a namespace that is not there is ENOTSUP at once", async () => {
  const session = await simSession({ size: 3, modules });
  await session.settle(assertRejects(fence(session.handle(2), "a", 2, {}, "nosuch"), { errno: "ENOTSUP" }));
});

Deno.test("kvs.fence refuses what makes no sense", async () => {
  const session = await simSession({ size: 3, modules });
  const whole = { name: "f", nprocs: 1, namespace: "primary", flags: 0, ops: [] };
  const refused = (more: object, errno: "EINVAL" | "EPROTO", text: string) =>
    session.settle(assertRejects(session.handle(1).rpc("kvs.fence", { ...whole, ...more }), { errno, text }));
  await refused({ name: undefined }, "EINVAL", `"name" is missing`);
  await refused({ nprocs: 0 }, "EINVAL", `"nprocs" must be 1 or more`);
  await refused({ ops: {} }, "EPROTO", `"ops" must be an array`);
  await refused({ ops: [{ key: "a", flags: 0 }] }, "EPROTO", `"dirent" of an operation must be`);
  await refused({ namespace: undefined }, "EPROTO", `"namespace" must be a string`);
  await refused({ flags: 64 }, "EINVAL", `"flags" has unknown bits: 64`);
  const reply = await session.settle(session.handle(1).rpc<{ rootseq: number }>("kvs.fence", whole));
  assertEquals(Object.keys(reply).sort(), ["rootref", "rootseq"]);
});

Deno.test("kvs.fence names the ranks that are missing when time is up, and nothing is written", () =>
  forSeeds(3, async (seed) => {
    const session = await simSession({ size: 8, seed, modules });
    const waiting = [0, 1, 2].map((rank) => fence(session.handle(rank), `k${rank}`, 8, { timeout: 10, ranks: "0-7" }));
    const text = "fence f: 3 of 8 entered (ranks 0-2; missing: ranks 3-7) within 10 s";
    for (const one of waiting) await session.settle(assertRejects(one, { errno: "ETIMEDOUT", text }));
    assertEquals(await session.settle(new Kvs(session.handle(3)).exists("k0")), false);
  }));

Deno.test("kvs.fence with a member set fails by name when a member dies, before or while the others wait", () =>
  forSeeds(5, async (seed) => {
    const session = await simSession({ size: 15, seed, modules });
    const dead = 7 + session.random.below(8);
    const others = Array.from({ length: 15 }, (_, rank) => rank).filter((rank) => rank !== dead);
    const enter = () => others.map((rank) => fence(session.handle(rank), `k${rank}`, 15, { ranks: "0-14" }));
    const waiting = enter();
    await session.run(session.random.below(20));
    session.kill(dead);
    const failure = { errno: "ECONNABORTED", text: `fence f: rank ${dead} is gone` } as const;
    for (const one of waiting) await session.settle(assertRejects(one, failure));
    await session.run(3000);
    const start = session.clock.now();
    for (const one of enter()) await session.settle(assertRejects(one, failure));
    // Known to be gone: nobody waits for it as long as for one that may come back.
    assert(session.clock.now() - start < 300, `after ${session.clock.now() - start} ms`);
  }));

Deno.test("kvs.fence is aborted for all when a client goes before the others have come", async () => {
  const session = await simSession({ size: 7, modules });
  const leaver = session.handle(6);
  const waiting = fence(session.handle(5), "a", 3);
  fence(leaver, "b", 3);
  await session.run(20);
  leaver.close();
  const text = "fence f: a client on rank 6 is gone";
  await session.settle(assertRejects(waiting, { errno: "ECONNABORTED", text }));
});

Deno.test("kvs.fence takes values over a megabyte from every rank", async () => {
  const session = await simSession({ size: 7, modules });
  const value = (rank: number) => new Uint8Array(3 << 20).fill(rank);
  await session.settle(
    Promise.all(
      clients(session).map((handle, rank) =>
        new Kvs(handle).transaction().putBytes(`k${rank}`, value(rank)).fence("f", 7)
      ),
    ),
  );
  assertEquals(await session.settle(new Kvs(session.handle(3)).getBytes("k5")), value(5));
});

Deno.test("kvs.fence of all ranks costs a few messages each, also when nobody has used the store before", async () => {
  for (const size of [16, 256]) {
    const sim = await simSession({ size, modules });
    const fence = async (name: string) => {
      const { sent } = sim.network.statistics;
      await sim.settle(
        Promise.all(
          ranksOf(sim).map((rank) => kvsAt(sim, rank).transaction().put(`${name}.r${rank}`, rank).fence(name, size)),
        ),
      );
      await sim.run(100);
      return sim.network.statistics.sent - sent;
    };
    // Up and down, and the new root to each; the first time every rank asks the one above for the root.
    assertEquals([await fence("first"), await fence("second")], [5 * (size - 1), 3 * (size - 1)]);
  }
});
