/** `kvs` over several brokers: who reads what, when, and that nothing is written twice or lost. */

import type { Event } from "../../broker/handle/mod.ts";
import { type Errno, Role } from "../../broker/message/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds } from "./session.ts";
import { kvsAt, put, ranksOf, session } from "./kvs.ts";

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
