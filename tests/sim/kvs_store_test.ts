/** `kvs` over several brokers: what survives a reload, a full disk and a restart, and what is collected. */

import type { Event, Handle } from "../../broker/handle/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import type { Root } from "../../modules/kvs/protocol.ts";
import type { Dirref } from "../../modules/kvs/tree/treeobj.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession, type SimSessionOptions } from "./session.ts";
import { kvsAt, put, ranksOf, session } from "./kvs.ts";

Deno.test("`kvs` reloaded at rank 0 has all namespaces, goes on with the next version, and loses no commit", () =>
  forSeeds(5, async (seed) => {
    const sim = await session({ size: 4, seed });
    await sim.settle(kvsAt(sim, 0).namespaces.create("ns", { owner: 77 }));
    await sim.settle(put(kvsAt(sim, 0, "ns"), "a", 1));
    const writers = [1, 2, 3].map(async (rank) => {
      const kvs = kvsAt(sim, rank);
      for (let i = 0; i < 30; i++) await kvs.transaction().append("log", `${rank}.${i} `).commit();
    });
    await sim.run(5);
    const { modules } = sim.brokers[0]!;
    await sim.settle(modules.remove("kvs"));
    await sim.run(50);
    await sim.settle(modules.loadFrom("kvs"));
    await sim.settle(Promise.all(writers));
    assertEquals((await sim.settle(kvsAt(sim, 0).getText("log"))).trim().split(" ").length, 90);
    const root: Root = await sim.settle(kvsAt(sim, 0, "ns").root());
    assertEquals([root.rootseq, root.owner], [1, 77]);
    assertEquals(await sim.settle(kvsAt(sim, 3, "ns").get("a")), 1);
    assertEquals((await sim.settle(put(kvsAt(sim, 3, "ns"), "b", 1))).rootseq, 2);
  }));

/** Where content-sqlite keeps its store. */
const DISK = "/sim/content";

/** A session of one rank with a disk. */
const stored = (options: Partial<SimSessionOptions> = {}) =>
  simSession({ size: 1, modules: ["content", "content-sqlite", "kvs"], ...options });

Deno.test("A commit that cannot be stored fails with the reason, the root stays, and the next one is stored", async () => {
  const sim = await stored();
  const kvs = kvsAt(sim, 0);
  await sim.settle(put(kvs, "a", 1));
  for (const errno of ["ENOSPC", "EROFS", "EIO"] as const) {
    const before = await sim.settle(kvs.root());
    sim.stores.writesFail = errno;
    for (let i = 0; i < 3; i++) await assertRejects(sim.settle(put(kvs, "a", 2)), { errno });
    await assertRejects(sim.settle(kvs.namespaces.create(`no-${errno}`)), { errno });
    assertEquals(await sim.settle(kvs.root()), before);
    assertEquals(await sim.settle(kvs.get("a")), 1);
    sim.stores.writesFail = undefined;
    assertEquals((await sim.settle(put(kvs, "b", 3))).rootseq, before.rootseq + 1);
  }
  assertEquals(await sim.settle(kvs.dir(".")).then((dir) => [...dir.keys()]), ["a", "b"]);
});

Deno.test("A session that ends at any moment comes back with every commit that was answered", async () => {
  const first = await stored();
  const kvs = kvsAt(first, 0);
  await first.settle(kvs.namespaces.create("ns"));
  await first.settle(put(kvsAt(first, 0, "ns"), "x", 1));
  for (let i = 0; i < 20; i++) await first.settle(put(kvs, `k${i}`, i));
  first.kill(0);
  first.stores.crash(DISK);
  const second = await stored({ stores: first.stores });
  const again = kvsAt(second, 0);
  assertEquals((await second.settle(again.root())).rootseq, 20);
  assertEquals((await second.settle(again.dir("."))).size, 20);
  assertEquals(await second.settle(kvsAt(second, 0, "ns").get("x")), 1);
});

/** Sizes the content service tells of at this rank. */
async function held(sim: SimSession, handle: Handle): Promise<number> {
  return (await sim.settle(handle.rpc<{ count: number }>("content.stats-get"))).count;
}

Deno.test("kvs.gc keeps the last versions and every namespace, and deletes what is older", async () => {
  const sim = await session({ size: 3, attributes: { "kvs.versions": "4" } });
  const handle = sim.handle(2);
  const kvs = new Kvs(handle);
  const roots: string[] = [];
  for (let i = 0; i < 40; i++) {
    roots.push(
      (await sim.settle(kvs.transaction().put("a.b.c", `${i} `.repeat(50)).put(`d.k${i}`, i).commit())).rootref,
    );
    if (i === 10) await sim.settle(kvs.namespaces.create("snapshot", { rootref: roots[10]! }));
  }
  const before = await held(sim, sim.handle(0));
  const collected = await sim.settle(handle.rpc<{ deleted: number; live: number }>("kvs.gc"));
  const after = await held(sim, sim.handle(0));
  assertEquals(before - after, collected.deleted);
  assert(after < before / 3, `${after} of ${before} are left`);
  await sim.settle(sim.handle(0).rpc("kvs.dropcache"));
  await sim.settle(handle.rpc("kvs.dropcache"));
  for (const at of [0, 1]) {
    const reader = at === 0 ? kvsAt(sim, 0) : kvs;
    for (const i of [36, 37, 38, 39]) {
      const rootref = roots[i]!;
      assertEquals(await sim.settle(reader.get("a.b.c", { rootref })), `${i} `.repeat(50));
      assertEquals((await sim.settle(reader.dir("d", { rootref }))).size, i + 1);
    }
    assertEquals(await sim.settle(reader.get("a.b.c", { namespace: "snapshot" })), "10 ".repeat(50));
    await assertRejects(sim.settle(reader.get("a.b.c", { rootref: roots[20]! })), {
      errno: "ENOENT",
      text: roots[20]!,
    });
  }
  await assertRejects(sim.settle(kvs.namespaces.create("late", { rootref: roots[20]! })), { errno: "ENOENT" });
});

Deno.test("Collections while everyone commits and reads delete nothing that is needed, and memory stays flat", () =>
  forSeeds(6, async (seed) => {
    const attributes = { "kvs.versions": "2", "kvs.gc-threshold": "20000" };
    const sim = await session({ size: 4, seed, attributes, network: { delay: { min: 0.05, max: 4 } } });
    const old = kvsAt(sim, 0);
    const { rootref } = await sim.settle(old.transaction().put("keep.deep.value", "v".repeat(200)).commit());
    await sim.settle(old.namespaces.create("then", { rootref }));
    const kept = await sim.settle(old.lookup("keep", 16));
    await sim.settle(old.transaction().unlink("keep").commit());
    let most = 0;
    const work = ranksOf(sim).map(async (rank) => {
      const kvs = kvsAt(sim, rank);
      for (let i = 0; i < 60; i++) {
        await kvs.transaction().put(`r${rank}.k${i % 7}`, `${seed} ${i} `.repeat(20)).commit();
        assertEquals(await kvs.get(`r${rank}.k${i % 7}`), `${seed} ${i} `.repeat(20), `rank ${rank}, step ${i}`);
        // What only the snapshot has comes into the tree from outside, and goes again.
        if (i % 10 === rank) await kvs.transaction().putTreeObject(`back${rank}`, kept).commit();
        if (i % 10 === rank) assertEquals(await kvs.get(`back${rank}.deep.value`), "v".repeat(200));
        if (i % 10 === rank + 3) await kvs.transaction().unlink(`back${rank}`).commit();
        most = Math.max(most, await sim.handle(0).rpc<{ count: number }>("content.stats-get").then((s) => s.count));
      }
    });
    await sim.settle(Promise.all(work));
    const stats = await sim.settle(sim.handle(0).rpc<{ gc: { cycles: number; deleted: number } }>("kvs.stats-get"));
    assert(stats.gc.cycles >= 3, `${stats.gc.cycles} collections`);
    assert(stats.gc.deleted > 200, `${stats.gc.deleted} were deleted`);
    assert(most < 600, `${most} blobs at a time`);
    await sim.settle(sim.handle(0).rpc("kvs.gc"));
    for (const rank of ranksOf(sim)) {
      await sim.settle(sim.handle(rank).rpc("kvs.dropcache"));
      const kvs = kvsAt(sim, rank);
      assertEquals((await sim.settle(kvs.dir("r1"))).size, 7);
      assertEquals(await sim.settle(kvs.get("keep.deep.value", { namespace: "then" })), "v".repeat(200));
    }
    assertEquals(sim.log.filter(({ level }) => level === "err"), []);
  }));

Deno.test("A rank whose root was collected reads at the newest one", async () => {
  const sim = await session({ size: 2, attributes: { "kvs.versions": "1" } });
  const handle = sim.handle(1);
  const kvs = new Kvs(handle);
  // Told by an event: a root that a rank has asked for is kept for a while.
  await sim.settle(put(kvsAt(sim, 0), "a.b", 0));
  await sim.run(10);
  await sim.settle(handle.rpc("kvs.setroot-pause", { namespace: "primary" }));
  for (let i = 1; i < 5; i++) await sim.settle(put(kvsAt(sim, 0), "a.b", i));
  await sim.settle(sim.handle(0).rpc("kvs.gc"));
  await sim.settle(handle.rpc("kvs.dropcache"));
  await assertRejects(sim.settle(kvs.get("a.b")), { errno: "EIO", text: "not in the content store" });
  await sim.settle(handle.rpc("kvs.setroot-unpause", { namespace: "primary" }));
  assertEquals(await sim.settle(kvs.get("a.b")), 4);
});

Deno.test("A far rank reads while collections go on faster than it can follow", async () => {
  const attributes = { "kvs.versions": "1", "kvs.gc-threshold": "20000" };
  const sim = await session({ size: 32, arity: 1, attributes, network: { delay: { min: 1, max: 4 } } });
  const writer = kvsAt(sim, 0);
  let isOver = false, n = 0;
  const writing = (async () => {
    for (; !isOver; n++) {
      await writer.transaction().put("a.b.c.d.e", n).put("a.b.c.d.f", "x".repeat(2000)).commit();
      await sleep(sim.clock, 5);
    }
  })();
  await sim.run(200);
  const reader = kvsAt(sim, 31);
  for (let i = 0; i < 5; i++) {
    const least = n - 100;
    assert(await sim.settle(reader.get<number>("a.b.c.d.e")) > least);
    await sim.settle(sim.handle(31).rpc("kvs.dropcache"));
  }
  isOver = true;
  await sim.settle(writing);
  const { gc } = await sim.settle(sim.handle(0).rpc<{ gc: { cycles: number } }>("kvs.stats-get"));
  assert(gc.cycles > 20, `${gc.cycles} collections`);
});

Deno.test("A damaged directory fails the commits that need it, and no other of the same moment", async () => {
  const sim = await stored();
  const kvs = kvsAt(sim, 0);
  await sim.settle(kvs.transaction().put("bad.x", "1".repeat(99)).put("good.x", 2).commit());
  const { data: [blobref] } = (await sim.settle(kvs.lookup("bad", 16))) as Dirref;
  sim.stores.damage(DISK, blobref.slice(5));
  await sim.settle(sim.handle(0).rpc("kvs.dropcache"));
  const [good, bad, other] = [put(kvs, "good.y", 1), put(kvs, "bad.y", 1), put(kvs, "c", 1)];
  await assertRejects(sim.settle(bad), { errno: "EIO", text: blobref });
  await sim.settle(Promise.all([good, other]));
  await assertRejects(sim.settle(kvs.get("bad.x")), { errno: "EIO", text: blobref });
  assertEquals([...(await sim.settle(kvs.dir("good"))).keys()].sort(), ["x", "y"]);
  await assertRejects(sim.settle(sim.handle(0).rpc("kvs.gc")), { errno: "EIO", text: blobref });
  assertEquals(await sim.settle(kvs.get("good.x")), 2);
});

Deno.test("A store that is attached while `kvs` runs gives it its roots, at every rank, unless it has some of its own", async () => {
  const first = await stored();
  await first.settle(kvsAt(first, 0).namespaces.create("ns"));
  await first.settle(put(kvsAt(first, 0, "ns"), "x", 1));
  for (let i = 0; i < 3; i++) await first.settle(put(kvsAt(first, 0), "a", i));
  first.kill(0);
  first.stores.crash(DISK);
  const second = await session({ size: 3, seed: 2, stores: first.stores });
  const handle = second.handle(2);
  const kvs = new Kvs(handle);
  assertEquals((await second.settle(kvs.root())).rootseq, 0);
  const changes: Event[] = [];
  await second.settle(handle.listen("kvs.namespace-primary-setroot", (event) => changes.push(event)));
  await second.settle(second.brokers[0]!.loadModule("content-sqlite", []));
  assertEquals((await second.settle(kvs.waitVersion(3))).rootseq, 3);
  assertEquals(changes.map(({ payload }) => payload.keys), [{ ".": null }]);
  assertEquals([await second.settle(kvs.get("a")), await second.settle(kvs.get("x", { namespace: "ns" }))], [2, 1]);
  assertEquals((await second.settle(put(kvs, "b", 1))).rootseq, 4);
  second.kill(0);
  second.stores.crash(DISK);
  const third = await session({ size: 1, seed: 3, stores: first.stores });
  await third.settle(put(kvsAt(third, 0), "own", 1));
  const load = third.brokers[0]!.loadModule("content-sqlite", []);
  await assertRejects(third.settle(load), { errno: "EEXIST", text: "primary" });
  assertEquals(await third.settle(kvsAt(third, 0).get("own")), 1);
});

Deno.test("kvs.gc shrinks the store on the disk, and what is left is the whole tree after a restart", async () => {
  const first = await stored({ attributes: { "kvs.versions": "1" } });
  const kvs = kvsAt(first, 0);
  for (let i = 0; i < 50; i++) {
    await first.settle(kvs.transaction().put(`d${i % 5}.k`, `${i}`.repeat(40)).append("log", `${i} `).commit());
  }
  const before = first.stores.blobs(DISK).size;
  const { deleted } = await first.settle(first.handle(0).rpc<{ deleted: number }>("kvs.gc"));
  const after = first.stores.blobs(DISK).size;
  assertEquals(before - after, deleted);
  assert(after < before / 2, `${after} of ${before} are left`);
  first.kill(0);
  first.stores.crash(DISK);
  const second = await stored({ stores: first.stores });
  const again = kvsAt(second, 0);
  for (let d = 0; d < 5; d++) assertEquals(await second.settle(again.get(`d${d}.k`)), `${45 + d}`.repeat(40));
  assertEquals((await second.settle(again.getText("log"))).trim().split(" ").length, 50);
});
