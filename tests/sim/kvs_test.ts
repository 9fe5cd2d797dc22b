/** `kvs` over several brokers: who reads what, when, and that nothing is written twice or lost. */

import type { Event, Handle } from "../../broker/handle/mod.ts";
import { type Errno, Role } from "../../broker/message/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import type { Root } from "../../modules/kvs/protocol.ts";
import type { Dirref } from "../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession, type SimSessionOptions } from "./session.ts";

const session = (options: SimSessionOptions) => simSession({ modules: ["content", "kvs"], ...options });
const kvsAt = (sim: SimSession, rank: number, namespace?: string) =>
  new Kvs(sim.handle(rank), namespace === undefined ? {} : { namespace });
const put = (kvs: Kvs, key: string, value: number) => kvs.transaction().put(key, value).commit();
const ranksOf = ({ size }: SimSession) => Array.from({ length: size }, (_, rank) => rank);

Deno.test("kvs.commit at any rank is read at that rank at once, and at every rank once it knows the version", () =>
  forSeeds(5, async (seed) => {
    const sim = await session({ size: 15, seed, network: { delay: { min: 0.1, max: 20 } } });
    const replies = await sim.settle(Promise.all(
      ranksOf(sim).map(async (rank) => {
        const kvs = kvsAt(sim, rank);
        const reply = await put(kvs, `ranks.r${rank}`, rank);
        assertEquals(await kvs.get(`ranks.r${rank}`), rank, `rank ${rank} reads what it wrote`);
        return reply;
      }),
    ));
    const last = Math.max(...replies.map(({ rootseq }) => rootseq));
    await sim.settle(Promise.all(
      ranksOf(sim).map(async (rank) => {
        const kvs = kvsAt(sim, rank);
        await kvs.waitVersion(last);
        const names = [...(await kvs.dir("ranks")).keys()].sort();
        assertEquals(names, ranksOf(sim).map((other) => `r${other}`).sort(), `rank ${rank}`);
      }),
    ));
  }));

Deno.test("kvs.getroot at each rank never goes back while all ranks commit", () =>
  forSeeds(6, async (seed) => {
    const sim = await session({ size: 8, seed, network: { delay: { min: 0.05, max: 30 } } });
    const writers = ranksOf(sim).map(async (rank) => {
      const kvs = kvsAt(sim, rank);
      for (let i = 0; i < 10; i++) {
        const { rootseq } = await put(kvs, `a.r${rank}`, i);
        assert((await kvs.root()).rootseq >= rootseq, `rank ${rank} is behind its own commit`);
        assertEquals(await kvs.get(`a.r${rank}`), i);
      }
    });
    let done = false;
    const readers = ranksOf(sim).map(async (rank) => {
      const kvs = kvsAt(sim, rank);
      for (let last = 0; !done;) {
        const { rootseq } = await kvs.root();
        assert(rootseq >= last, `rank ${rank} went from version ${last} to ${rootseq}`);
        last = rootseq;
        await new Promise<void>((resolve) => sim.clock.after(3, resolve));
      }
    });
    await sim.settle(Promise.all(writers));
    done = true;
    await sim.settle(Promise.all(readers));
  }));

Deno.test("The setroot events of a namespace reach every rank in order, and name each key once", () =>
  forSeeds(5, async (seed) => {
    const sim = await session({ size: 7, seed, network: { delay: { min: 0.05, max: 10 } } });
    const heard = ranksOf(sim).map((): Event[] => []);
    const listen = (rank: number) =>
      sim.handle(rank).listen("kvs.namespace-primary-setroot", (event) => heard[rank]!.push(event));
    await sim.settle(Promise.all(ranksOf(sim).map(listen)));
    const replies = await sim.settle(
      Promise.all(ranksOf(sim).map((rank) => put(kvsAt(sim, rank), `k${rank}`, rank))),
    );
    const last = Math.max(...replies.map(({ rootseq }) => rootseq));
    await sim.until(() => heard.every((events) => events.at(-1)?.payload.rootseq === last));
    for (const events of heard) {
      assertEquals(events.map(({ payload }) => payload.rootseq), events.map((_, i) => i + 1));
      const keys = events.flatMap(({ payload }) => Object.keys(payload.keys as object));
      assertEquals(keys.sort(), ranksOf(sim).map((rank) => `k${rank}`));
      const names = events.flatMap(({ payload }) => payload.names as string[]);
      assertEquals(new Set(names).size, sim.size);
      assert(names.every((name) => /^transaction_req\.\d+\.\d+$/.test(name)), names.join(" "));
    }
  }));

Deno.test("Commits of 256 ranks at once are all in the newest version, at every rank", async () => {
  const sim = await session({ size: 256, network: { delay: { min: 0.1, max: 5 } } });
  const replies = await sim.settle(
    Promise.all(ranksOf(sim).map((rank) => put(kvsAt(sim, rank), `all.r${rank}`, rank))),
  );
  const last = Math.max(...replies.map(({ rootseq }) => rootseq));
  assert(last <= 256, `${last} versions`);
  await sim.settle(Promise.all(
    ranksOf(sim).map(async (rank) => {
      const kvs = kvsAt(sim, rank);
      await kvs.waitVersion(last);
      assertEquals((await kvs.dir("all")).size, 256, `rank ${rank}`);
    }),
  ));
});

Deno.test("Appends from all ranks are there once each while brokers change their parents", () =>
  forSeeds(10, async (seed) => {
    const sim = await session({ size: 15, seed, network: { delay: { min: 0.1, max: 5 } } });
    let moving = true;
    const moves = (async () => {
      for (const rank of [3, 4, 5, 6]) {
        const uri = `ipc:///sim/tbon-${Math.floor(sim.random.float() * 3)}`;
        // A move to where it is already is refused.
        await sim.handle(0).rpc("cmb.reparent", { uri }, { rank }).catch(() => {});
      }
      moving = false;
    })();
    const written = new Set<string>();
    const writers = ranksOf(sim).map(async (rank) => {
      const kvs = kvsAt(sim, rank);
      for (let i = 0; moving || i < 5; i++) {
        await kvs.transaction().append("log", `${rank}.${i} `).commit();
        written.add(`${rank}.${i}`);
        await new Promise<void>((resolve) => sim.clock.after(20, resolve));
      }
    });
    await sim.settle(Promise.all([moves, ...writers]));
    const log = (await sim.settle(kvsAt(sim, 0).getText("log"))).trim().split(" ");
    assertEquals(log.length, written.size, "as many as were answered");
    assertEquals(new Set(log), written);
  }));

Deno.test("A relayed commit that arrives twice is applied once, and one that was answered long ago is refused", () =>
  forSeeds(5, async (seed) => {
    let copies = 0;
    const twice = (_rank: number, endpoint: string, bytes: Uint8Array) => {
      const isRelay = endpoint.includes("tbon") && new TextDecoder("latin1").decode(bytes).includes("kvs.relay");
      if (isRelay) copies++;
      return isRelay ? [bytes, bytes] : [bytes];
    };
    const sim = await session({ size: 3, seed, tamper: twice });
    const kvs = kvsAt(sim, 2);
    for (let i = 0; i < 5; i++) await sim.settle(kvs.transaction().append("log", `${i} `).commit());
    assert(copies > 0, "nothing was doubled");
    assertEquals(await sim.settle(kvs.getText("log")), "0 1 2 3 4 ");
  }));

Deno.test("kvs.wait-version resolves when the version is there, and fails when the namespace is removed", async () => {
  const sim = await session({ size: 4 });
  const [first, second] = [kvsAt(sim, 3), kvsAt(sim, 1)];
  const waiting = first.waitVersion(2);
  await sim.settle(put(second, "a", 1));
  await sim.settle(put(second, "a", 2));
  assertEquals((await sim.settle(waiting)).rootseq, 2);
  await sim.settle(first.namespaces.create("gone"));
  const never = first.waitVersion(9, { namespace: "gone" });
  never.catch(() => {});
  await sim.run(100);
  await sim.settle(second.namespaces.remove("gone"));
  await assertRejects(sim.settle(never), { errno: "ENOTSUP" });
});

Deno.test("Namespaces are made, listed and removed from any rank, and begin anew under an old name", () =>
  forSeeds(5, async (seed) => {
    const sim = await session({ size: 8, seed, network: { delay: { min: 0.1, max: 15 } } });
    const names = async (rank: number) =>
      (await sim.settle(kvsAt(sim, rank).namespaces.list())).map(({ namespace }) => namespace);
    await sim.settle(kvsAt(sim, 5).namespaces.create("ns"));
    assertEquals(await names(7), ["primary", "ns"]);
    await assertRejects(sim.settle(kvsAt(sim, 2).namespaces.create("ns")), { errno: "EEXIST" });
    for (const rank of [7, 1, 0]) await sim.settle(put(kvsAt(sim, rank, "ns"), `r${rank}`, rank));
    assertEquals((await sim.settle(kvsAt(sim, 0, "ns").root())).rootseq, 3);
    await assertRejects(sim.settle(kvsAt(sim, 7).get("r7")), { errno: "ENOENT" });
    await sim.settle(kvsAt(sim, 3).namespaces.remove("ns"));
    await assertRejects(sim.settle(kvsAt(sim, 0).namespaces.remove("primary")), { errno: "ENOTSUP" });
    await sim.settle(kvsAt(sim, 3).namespaces.create("ns"));
    const { rootseq } = await sim.settle(put(kvsAt(sim, 6, "ns"), "new", 1));
    assertEquals(rootseq, 1);
    await sim.run(200);
    for (const rank of ranksOf(sim)) {
      const kvs = kvsAt(sim, rank, "ns");
      assertEquals((await sim.settle(kvs.root())).rootseq, 1, `rank ${rank}`);
      assertEquals([...(await sim.settle(kvs.dir("."))).keys()], ["new"], `rank ${rank}`);
    }
  }));

Deno.test("An unknown namespace is ENOTSUP for every request, at every rank", async () => {
  const sim = await session({ size: 3 });
  for (const rank of [0, 2]) {
    const kvs = kvsAt(sim, rank, "nowhere");
    const calls: (() => Promise<unknown>)[] = [
      () => kvs.get("a"),
      () => kvs.root(),
      () => kvs.waitVersion(1),
      () => put(kvs, "a", 1),
    ];
    for (const call of calls) await assertRejects(sim.settle(call()), { errno: "ENOTSUP" });
    await assertRejects(sim.settle(kvs.transaction().commit()), { errno: "ENOTSUP" });
  }
});

Deno.test("Guests use the namespaces they own, and put values only", async () => {
  const sim = await session({ size: 2 });
  await sim.settle(kvsAt(sim, 0).namespaces.create("theirs", { owner: 4242 }));
  await sim.settle(put(kvsAt(sim, 0), "a", 1));
  for (const rank of [0, 1]) {
    const handle = sim.handle(rank, { userid: 4242, rolemask: Role.user });
    const own = new Kvs(handle, { namespace: "theirs" });
    const other = new Kvs(handle);
    assertEquals(
      await sim.settle(own.transaction().put("a", 1).mkdir("d").unlink("none").commit()).then(() => "ok"),
      "ok",
    );
    assertEquals(await sim.settle(own.get("a")), 1);
    const refused: (() => Promise<unknown>)[] = [
      () => other.get("a"),
      () => other.root(),
      () => other.waitVersion(0),
      () => other.transaction().put("a", 2).commit(),
      () => own.transaction().symlink("l", "a").commit(),
      () => own.transaction().symlink("l", "a", "primary").commit(),
      () => own.lookup("a", 0, { rootref: "sha1-c0a9faf907dda6216fd73bf81d0b3b21a1a8cb91" }),
      () => own.namespaces.list(),
      () => own.namespaces.create("more"),
      () => handle.rpc("kvs.gc"),
      () => handle.rpc("kvs.dropcache"),
      () => handle.rpcRaw("kvs.relay", new Uint8Array(0), { rank: 0 }),
    ];
    for (const call of refused) await assertRejects(sim.settle(call()), { errno: "EPERM" });
  }
  await sim.settle(kvsAt(sim, 0, "theirs").transaction().symlink("out", "a", "primary").commit());
  const guest = new Kvs(sim.handle(1, { userid: 4242, rolemask: Role.user }), { namespace: "theirs" });
  await sim.settle(guest.waitVersion(3));
  await assertRejects(sim.settle(guest.get("out")), { errno: "EPERM" });
});

Deno.test("A link into a namespace that this rank has not heard of is followed", async () => {
  const sim = await session({ size: 3 });
  await sim.settle(kvsAt(sim, 0).namespaces.create("far"));
  await sim.settle(put(kvsAt(sim, 0, "far"), "x", 7));
  await sim.settle(kvsAt(sim, 0).transaction().symlink("l", "x", "far").symlink("no", "x", "nowhere").commit());
  await sim.settle(kvsAt(sim, 2).waitVersion(1));
  assertEquals(await sim.settle(kvsAt(sim, 2).get("l")), 7);
  await assertRejects(sim.settle(kvsAt(sim, 2).get("no")), { errno: "ENOTSUP" });
});

Deno.test("kvs.lookup-plus tells the root, also for a missing key; kvs.lookup wants a namespace or a root", async () => {
  const sim = await session({ size: 2 });
  const handle = sim.handle(1);
  const reply = await sim.settle(put(new Kvs(handle), "a", 1));
  const ask = (payload: object, topic = "kvs.lookup-plus") => sim.settle(handle.rpc(topic, payload));
  const { rootref, rootseq } = reply;
  const found = { val: { ver: 1, type: "val", data: "MQ==" }, rootref, rootseq };
  assertEquals<object>(await ask({ key: "a", flags: 0, namespace: "primary" }), found);
  assertEquals<object>(await ask({ key: "b", flags: 0, namespace: "primary" }), { errno: 2, rootref, rootseq });
  const rootdir = { ver: 1, type: "dirref", data: [rootref] };
  assertEquals<object>(await ask({ key: "a", flags: 0, rootdir, rootseq: 5 }), { ...found, rootseq: 5 });
  await assertRejects(ask({ key: ".", flags: 0, namespace: "primary" }), { errno: "EISDIR" });
  await assertRejects(ask({ key: "a", flags: 0 }, "kvs.lookup"), { errno: "EPROTO", text: `"namespace"` });
  await assertRejects(ask({ key: "a", flags: 0, rootdir: { ver: 1 } }, "kvs.lookup"), { errno: "EINVAL" });
  await assertRejects(ask({ key: "", flags: 0, namespace: "primary" }, "kvs.lookup"), { errno: "EINVAL" });
});

Deno.test("Bad commits are refused by name, at every rank, and change nothing", async () => {
  const sim = await session({ size: 2 });
  const val = { ver: 1, type: "val", data: "MQ==" };
  const bad: [object, Errno, string][] = [
    [{ flags: 0, ops: [] }, "EPROTO", `"namespace"`],
    [{ namespace: "primary", ops: [] }, "EPROTO", `"flags"`],
    [{ namespace: "primary", flags: 64, ops: [] }, "EINVAL", `"flags"`],
    [{ namespace: "other", flags: 4, ops: [] }, "EINVAL", "SYNC"],
    [{ namespace: "primary", flags: 0 }, "EPROTO", `"ops"`],
    [{ namespace: "primary", flags: 0, ops: [1] }, "EPROTO", `"ops"`],
    [{ namespace: "primary", flags: 0, ops: [{ key: "a", flags: 0 }] }, "EPROTO", `"dirent"`],
    [{ namespace: "primary", flags: 0, ops: [{ key: "a", flags: 1, dirent: null }] }, "EPROTO", `"flags"`],
    [{ namespace: "primary", flags: 0, ops: [{ key: "a", flags: 0, dirent: null, x: 1 }] }, "EPROTO", "nothing else"],
    [{ namespace: "primary", flags: 0, ops: [{ key: "a", flags: 0, dirent: { ver: 2 } }] }, "EPROTO", "ver"],
    [{ namespace: "primary", flags: 0, ops: [{ key: ".", flags: 0, dirent: val }] }, "EINVAL", ""],
  ];
  for (const rank of [0, 1]) {
    for (const [payload, errno, text] of bad) {
      await assertRejects(sim.settle(sim.handle(rank).rpc("kvs.commit", payload)), { errno, text });
    }
  }
  assertEquals((await sim.settle(kvsAt(sim, 1).root())).rootseq, 0);
});

Deno.test("NO_MERGE commits get versions of their own, others of the same moment share one", async () => {
  const sim = await session({ size: 1 });
  const commits = [0, 1, 0, 0, 1, 1, 0].map((flags, i) =>
    kvsAt(sim, 0).transaction().put(`k${i}`, i).commit({ flags })
  );
  const replies = await sim.settle(Promise.all(commits));
  assertEquals(replies.map(({ rootseq }) => rootseq), [1, 2, 3, 3, 4, 5, 6]);
});

Deno.test("A refused commit leaves those it was merged with alone", async () => {
  const sim = await session({ size: 1 });
  const kvs = kvsAt(sim, 0);
  await sim.settle(kvs.transaction().mkdir("dir").commit());
  const good = [put(kvs, "a", 1), put(kvs, "b", 2)];
  const bad = kvs.transaction().put("c", 3).append("dir", "x").commit();
  await assertRejects(sim.settle(bad), { errno: "EISDIR" });
  assertEquals((await sim.settle(Promise.all(good))).map(({ rootseq }) => rootseq), [2, 2]);
  await assertRejects(sim.settle(kvs.get("c")), { errno: "ENOENT" });
});

Deno.test("A commit without operations is answered with the present root, and makes none", async () => {
  const sim = await session({ size: 2 });
  for (const rank of [0, 1]) {
    const { rootseq, rootref } = await sim.settle(kvsAt(sim, rank).root());
    assertEquals(await sim.settle(kvsAt(sim, rank).transaction().commit()), { rootref, rootseq });
  }
});

Deno.test("kvs.setroot-pause holds new roots back on one rank until kvs.setroot-unpause", async () => {
  const sim = await session({ size: 3 });
  for (const rank of [2, 0]) {
    const handle = sim.handle(rank);
    const kvs = new Kvs(handle);
    const { rootseq } = await sim.settle(kvs.root());
    await sim.settle(handle.rpc("kvs.setroot-pause", { namespace: "primary" }));
    await sim.settle(put(kvsAt(sim, 1), "a", rank));
    await sim.settle(put(kvsAt(sim, 0), "b", rank));
    await sim.run(100);
    assertEquals((await sim.settle(kvs.root())).rootseq, rootseq, `rank ${rank}`);
    await sim.settle(handle.rpc("kvs.setroot-unpause", { namespace: "primary" }));
    assertEquals((await sim.settle(kvs.root())).rootseq, rootseq + 2, `rank ${rank}`);
    assertEquals(await sim.settle(kvs.get("b")), rank);
  }
});

Deno.test("Subscribers of kvs.setroot get new roots of the primary namespace under that name", async () => {
  const sim = await session({ size: 3 });
  const handle = sim.handle(2);
  const events: Event[] = [];
  await sim.settle(handle.listen("kvs.setroot", (event) => events.push(event)));
  const { rootref, rootseq } = await sim.settle(put(kvsAt(sim, 1), "a", 1));
  await sim.settle(kvsAt(sim, 1).namespaces.create("other"));
  await sim.settle(put(kvsAt(sim, 1, "other"), "a", 1));
  await sim.run(100);
  assertEquals(events.map(({ topic, payload }) => [topic, payload]), [["kvs.setroot", { rootseq, rootdir: rootref }]]);
});

Deno.test("kvs.dropcache, as a request or an event, harms nothing", async () => {
  const sim = await session({ size: 3 });
  const handle = sim.handle(2);
  const kvs = new Kvs(handle);
  await sim.settle(kvs.transaction().put("a.b", "x".repeat(200)).commit());
  await sim.settle(kvs.get("a.b"));
  await sim.settle(handle.rpc("kvs.dropcache"));
  const stats = () => sim.settle(handle.rpc<{ cache: { count: number } }>("kvs.stats-get"));
  assertEquals((await stats()).cache.count, 0);
  assertEquals(await sim.settle(kvs.get("a.b")), "x".repeat(200));
  assert((await stats()).cache.count > 0);
  sim.handle(1).publish("kvs.dropcache");
  await sim.run(100);
  assertEquals((await stats()).cache.count, 0);
  assertEquals(await sim.settle(kvs.get("a.b")), "x".repeat(200));
});

Deno.test("kvs.stats.get has the keys of the 0.1.0 tools, and kvs.stats-clear begins anew", async () => {
  const sim = await session({ size: 1 });
  const handle = sim.handle(0);
  await sim.settle(put(new Kvs(handle), "a", 1));
  await sim.settle(new Kvs(handle).get("a"));
  const flat = await sim.settle(handle.rpc("kvs.stats.get"));
  assertEquals(Object.keys(flat), [
    "obj size total (MiB)",
    "obj size (KiB)",
    "#obj dirty",
    "#obj incomplete",
    "#pending commits",
    "#pending fences",
    "#watchers",
    "gets (sec)",
    "puts (sec)",
    "commits (sec)",
    "fences after sync (sec)",
    "commits per update",
    "#no-op stores",
    "#faults",
    "store revision",
  ]);
  assertEquals([flat["store revision"], (flat["gets (sec)"] as { count: number }).count], [1, 1]);
  await sim.settle(handle.rpc("kvs.stats-clear"));
  const cleared = await sim.settle(handle.rpc("kvs.stats.get"));
  assertEquals((cleared["commits (sec)"] as { count: number }).count, 0);
});

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
  await sim.settle(put(kvs, "a.b", 0));
  await sim.settle(handle.rpc("kvs.setroot-pause", { namespace: "primary" }));
  for (let i = 1; i < 5; i++) await sim.settle(put(kvsAt(sim, 0), "a.b", i));
  await sim.settle(sim.handle(0).rpc("kvs.gc"));
  await sim.settle(handle.rpc("kvs.dropcache"));
  await assertRejects(sim.settle(kvs.get("a.b")), { errno: "EIO", text: "not in the content store" });
  await sim.settle(handle.rpc("kvs.setroot-unpause", { namespace: "primary" }));
  assertEquals(await sim.settle(kvs.get("a.b")), 4);
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
