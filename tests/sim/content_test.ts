/** `content` over several brokers: what is stored anywhere is loaded everywhere, and nothing hangs when a link is lost. */

import { loadHash } from "../../broker/ports/mod.ts";
import { digestOf, encodeText } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import "../../modules/content-sqlite/service.ts"; // read before virtual time runs: tests load it while it does
import { encodeCommit, encodeMark } from "../../modules/content/protocol.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { SimStores } from "./content_stores.ts";
import { forSeeds, simSession } from "./session.ts";

const hash = await loadHash();
const blobOf = (text: string) => encodeText(text);
const digestOfText = (text: string) => digestOf(hash(blobOf(text)));

Deno.test("content.load at any rank finds what content.store kept at another, over three hops", async () => {
  const session = await simSession({ size: 8, modules: ["content"] });
  const blob = blobOf("hello");
  const stored = await session.settle(session.handle(7).rpcRaw("content.store", blob));
  assertEquals(stored, digestOfText("hello"));
  for (const rank of [0, 3, 6]) {
    assertEquals(await session.settle(session.handle(rank).rpcRaw("content.load", stored)), blob, `rank ${rank}`);
  }
});

Deno.test("content.load of what nobody stored is answered ENOENT with its text", async () => {
  const session = await simSession({ size: 4, modules: ["content"] });
  const load = session.handle(3).rpcRaw("content.load", digestOfText("never"));
  const error = await assertRejects(session.settle(load), { errno: "ENOENT" });
  assertEquals([error.hasText, error.message], [true, "No such file or directory"]);
});

Deno.test("content.store and content.load of the empty blob carry no payload", async () => {
  const session = await simSession({ size: 2, modules: ["content"] });
  const handle = session.handle(1);
  const digest = await session.settle(handle.rpcRaw("content.store"));
  assertEquals(digest, digestOf("sha1-da39a3ee5e6b4b0d3255bfef95601890afd80709"));
  assertEquals(await session.settle(handle.rpcRaw("content.load", digest)), undefined);
});

Deno.test("content.commit keeps blobs and roots in one step, and content.roots tells them", async () => {
  const session = await simSession({ size: 4, modules: ["content"] });
  const handle = session.handle(3);
  const root = { rootref: hash(blobOf("dir")), rootseq: 1, owner: 1000, flags: 0, timestamp: 5 };
  const commit = (rootseq: number, text: string) => {
    const blobs = [blobOf(text)];
    const roots = { primary: { ...root, rootref: hash(blobs[0]!), rootseq } };
    return handle.rpcRaw("content.commit", encodeCommit({ refs: blobs.map(hash), blobs, roots }), { rank: 0 });
  };
  await session.settle(commit(1, "dir"));
  assertEquals(await session.settle(handle.rpc("content.roots", {}, { rank: 0 })), { roots: { primary: root } });
  await assertRejects(session.settle(commit(1, "other")), { errno: "EINVAL", text: "does not follow" });
  assertEquals(await session.settle(handle.rpcRaw("content.load", digestOf(root.rootref))), blobOf("dir"));
  await assertRejects(session.settle(handle.rpcRaw("content.load", digestOfText("other"))), { errno: "ENOENT" });
});

Deno.test("content.gc-sweep deletes what was neither marked nor stored since content.gc-begin", async () => {
  const session = await simSession({ size: 1, modules: ["content"] });
  const handle = session.handle(0);
  const blobs = ["kept", "dropped"].map(blobOf);
  const refs = blobs.map(hash);
  await session.settle(handle.rpcRaw("content.commit", encodeCommit({ refs, blobs, roots: {} })));
  const { epoch } = await session.settle(handle.rpc<{ epoch: number }>("content.gc-begin"));
  await session.settle(handle.rpcRaw("content.gc-mark", encodeMark(epoch, digestOf(refs[0]!))));
  assertEquals<object>(await session.settle(handle.rpc("content.gc-sweep", { epoch, limit: 10 })), {
    deleted: 1,
    bytes: 8,
    done: true,
    live: 5,
  });
  await assertRejects(session.settle(handle.rpcRaw("content.load", digestOf(refs[1]!))), { errno: "ENOENT" });
});

/** Commits texts under a new root of a namespace, and says what the root is. */
function commit(handle: Handle, rootseq: number, texts: string[], namespace = "primary"): Promise<unknown> {
  const blobs = texts.map(blobOf);
  const refs = blobs.map(hash);
  const root = { rootref: refs[0]!, rootseq, owner: 1000, flags: 0, timestamp: 5 };
  return handle.rpcRaw("content.commit", encodeCommit({ refs, blobs, roots: { [namespace]: root } }), { rank: 0 });
}

const load = (handle: Handle, text: string) => handle.rpcRaw("content.load", digestOfText(text));
const stats = (handle: Handle) => handle.rpc<Record<string, number>>("content.stats.get");
const roots = async (handle: Handle) =>
  (await handle.rpc<{ roots: Record<string, { rootseq: number }> }>("content.roots", {}, { rank: 0 })).roots;
const insmod = (handle: Handle, ...args: string[]) =>
  handle.rpc("module.load", { path: "content-sqlite", args }, { rank: 0 });
const rmmod = (handle: Handle) => handle.rpc("module.remove", { name: "content-sqlite" }, { rank: 0 });
const DISK = "/sim/content";

Deno.test("content.load of one blob by many at once goes up once", async () => {
  const session = await simSession({ size: 2, modules: ["content"] });
  await session.settle(session.handle(0).rpcRaw("content.store", blobOf("shared")));
  const served = () => session.brokers[0]!.modules.get("content").counters().rx.request;
  const before = served();
  const handles = Array.from({ length: 20 }, () => session.handle(1));
  await session.settle(Promise.all(handles.map((handle) => load(handle, "shared"))));
  assertEquals(served() - before, 1);
  await session.settle(load(handles[0]!, "shared"));
  assertEquals(served() - before, 1);
});

Deno.test("content.store at rank 7 is answered when rank 0 has the blob, and equal ones go up once", async () => {
  const session = await simSession({ size: 8, modules: ["content"] });
  const handle = session.handle(7);
  const stores = Promise.all([1, 2, 3].map(() => handle.rpcRaw("content.store", blobOf("new"))));
  await session.settle(stores);
  assertEquals((await session.settle(stats(session.handle(0)))).count, 1);
  assertEquals(session.brokers[0]!.modules.get("content").counters().rx.request, 2);
});

Deno.test("content.load and content.store are answered when a link on their way is lost", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 8, seed, modules: ["content"] });
    const handle = session.handle(7);
    const asked = [load(handle, "x"), handle.rpcRaw("content.store", blobOf("y"))];
    // Either the link is seen to be lost first, or the broker below it ends first.
    const answers = Promise.all(asked.map(async (one) => {
      const { code } = await assertRejects(one);
      assert(["EHOSTUNREACH", "ECONNRESET"].includes(code), code);
    }));
    session.network.kill(session.host(1));
    const before = session.clock.now();
    await session.settle(answers);
    assert(session.clock.now() - before < 60_000);
  }));

Deno.test("content of rank 3 keeps its cache under content.purge-target-size, and has blobs again from rank 0", async () => {
  const session = await simSession({
    size: 4,
    modules: ["content"],
    attributes: { "content.purge-target-size": "1000" },
  });
  const handle = session.handle(3);
  const texts = Array.from({ length: 50 }, (_, i) => `blob ${i}`.padEnd(99));
  for (const text of texts) await session.settle(handle.rpcRaw("content.store", blobOf(text)));
  const { size, dirty } = await session.settle(stats(handle));
  assert(size! <= 1000 && dirty === 0, `${size} bytes, ${dirty} dirty`);
  for (const text of texts) assertEquals(await session.settle(load(handle, text)), blobOf(text));
  assertEquals(await session.settle(stats(session.handle(0))), { count: 50, valid: 50, dirty: 50, size: 5000 });
});

Deno.test("content.store above content.blob-size-limit is refused with EFBIG, and so is content.commit, whole", async () => {
  const session = await simSession({ size: 2, modules: [{ name: "content", args: ["blob-size-limit=10"] }] });
  const handle = session.handle(1);
  await session.settle(handle.rpcRaw("content.store", new Uint8Array(10)));
  await assertRejects(session.settle(handle.rpcRaw("content.store", new Uint8Array(11))), { errno: "EFBIG" });
  await assertRejects(session.settle(commit(handle, 1, ["ok", "much too long"])), { errno: "EFBIG" });
  await assertRejects(session.settle(load(handle, "ok")), { errno: "ENOENT" });
  await session.settle(handle.rpc("attr.set", { name: "content.blob-size-limit", value: "100" }, { rank: 0 }));
  await session.settle(commit(handle, 1, ["ok", "not too long"]));
});

Deno.test("a client's blob outlives content.gc-sweep until content.gc-grace has passed without a use", async () => {
  for (const modules of [["content"], ["content", "content-sqlite"]]) {
    const session = await simSession({ size: 1, modules, attributes: { "content.gc-grace": "800" } });
    const handle = session.handle(0);
    const collect = async () => {
      const { epoch } = await handle.rpc<{ epoch: number }>("content.gc-begin");
      return (await handle.rpc<{ deleted: number }>("content.gc-sweep", { epoch, limit: 10 })).deleted;
    };
    await session.settle(handle.rpcRaw("content.store", blobOf("mine")));
    await session.run(700_000);
    await session.settle(load(handle, "mine"));
    await session.run(700_000);
    assertEquals(await session.settle(collect()), 0, modules.join());
    await session.run(1_000_000);
    assertEquals(await session.settle(collect()), 1, modules.join());
  }
});

Deno.test("content.gc-mark and content.gc-sweep of an epoch that is over are refused with EAGAIN", async () => {
  const session = await simSession({ size: 1, modules: ["content"] });
  const handle = session.handle(0);
  const { epoch } = await session.settle(handle.rpc<{ epoch: number }>("content.gc-begin"));
  await session.settle(insmod(handle));
  const sweep = handle.rpc("content.gc-sweep", { epoch, limit: 10 });
  await assertRejects(session.settle(sweep), { errno: "EAGAIN" });
  const mark = handle.rpcRaw("content.gc-mark", encodeMark(epoch, new Uint8Array(20)));
  await assertRejects(session.settle(mark), { errno: "EAGAIN" });
});

Deno.test("loading content-sqlite moves everything in and unloading brings it back, under a stream of commits", async () => {
  const session = await simSession({ size: 4, modules: ["content"] });
  const handle = session.handle(3);
  const texts: string[] = [];
  let seq = 0;
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const text = `text ${++seq}`.padEnd(20_000);
      await commit(handle, seq, [text]);
      texts.push(text);
    }
  };
  await session.settle(write(200));
  await session.settle(Promise.all([insmod(session.handle(0)), write(20)]));
  assertEquals((await session.settle(stats(session.handle(0)))).dirty, 0);
  assertEquals(session.stores.blobs(DISK).size, 220);
  await session.settle(write(5));
  await session.settle(Promise.all([rmmod(session.handle(0)), write(20)]));
  const { count, dirty } = await session.settle(stats(session.handle(0)));
  assertEquals([count, dirty, seq], [245, 245, 245]);
  for (const text of texts) assertEquals(await session.settle(load(session.handle(0), text)), blobOf(text));
  assertEquals((await session.settle(roots(handle))).primary?.rootseq, seq);
  await session.settle(insmod(session.handle(0)));
  assertEquals((await session.settle(roots(handle))).primary?.rootseq, seq);
});

Deno.test("every answered content.commit is there after the death of the session, whatever moment that was", async () => {
  for (let moment = 0; moment < 40; moment++) {
    const stores = new SimStores();
    const first = await simSession({ size: 2, modules: ["content", "content-sqlite"], stores });
    let answered = 0;
    const writing = (async () => {
      const handle = first.handle(1);
      for (let seq = 1;; seq++) {
        await commit(handle, seq, [`text ${seq}`]);
        answered = seq;
      }
    })().catch(() => {});
    await first.run(moment);
    for (const rank of [0, 1]) first.kill(rank);
    await writing;
    stores.crash(DISK);
    const second = await simSession({ size: 3, modules: ["content", "content-sqlite"], stores });
    const handle = second.handle(2);
    const rootseq = (await second.settle(roots(handle))).primary?.rootseq ?? 0;
    assert(rootseq >= answered, `${rootseq} after the restart, ${answered} was answered (moment ${moment})`);
    for (let seq = 1; seq <= rootseq; seq++) {
      assertEquals(await second.settle(load(handle, `text ${seq}`)), blobOf(`text ${seq}`));
    }
  }
});

Deno.test("a full disk refuses content.commit with the reason, reads go on, and writing goes on when there is space", async () => {
  for (const errno of ["ENOSPC", "EROFS", "EIO"] as const) {
    const session = await simSession({ size: 2, modules: ["content", "content-sqlite"] });
    const handle = session.handle(1);
    await session.settle(commit(handle, 1, ["before"]));
    session.stores.writesFail = errno;
    await assertRejects(session.settle(commit(handle, 2, ["lost"])), { errno, text: "refuses to write" });
    await assertRejects(session.settle(handle.rpcRaw("content.store", blobOf("lost"))), { errno });
    assertEquals((await session.settle(roots(handle))).primary?.rootseq, 1);
    await session.settle(session.handle(0).rpc("content.dropcache"));
    assertEquals(await session.settle(load(handle, "before")), blobOf("before"));
    await assertRejects(session.settle(load(handle, "lost")), { errno: "ENOENT" });
    session.stores.writesFail = undefined;
    await session.settle(commit(handle, 2, ["after"]));
    assertEquals(await session.settle(load(handle, "after")), blobOf("after"));
  }
});

Deno.test("a blob that is damaged in the store is named with EIO and in the log, and harms no other", async () => {
  const session = await simSession({ size: 2, modules: ["content", "content-sqlite"] });
  const handle = session.handle(1);
  await session.settle(commit(handle, 1, ["good", "bad"]));
  for (const rank of [0, 1]) await session.settle(session.handle(rank).rpc("content.dropcache"));
  const blobref = hash(blobOf("bad"));
  session.stores.damage(DISK, blobref.slice(5));
  await assertRejects(session.settle(load(handle, "bad")), { errno: "EIO", text: blobref });
  assert(session.log.some(({ rank, level, text }) => rank === 0 && level === "err" && text.includes(blobref)));
  assertEquals(await session.settle(load(handle, "good")), blobOf("good"));
  const validate = session.handle(0).rpcRaw("content.validate", digestOf(blobref));
  await assertRejects(session.settle(validate), { errno: "EIO", text: blobref });
});

Deno.test("a store with content is adopted by a session that wrote nothing, and refused by one that did", async () => {
  const stores = new SimStores();
  const first = await simSession({ size: 1, modules: ["content", "content-sqlite"], stores });
  await first.settle(commit(first.handle(0), 7, ["theirs"]));
  first.kill(0);
  stores.crash(DISK);
  const second = await simSession({ size: 1, seed: 2, modules: ["content"], stores });
  const handle = second.handle(0);
  await second.settle(commit(handle, 1, ["ours"]));
  await assertRejects(second.settle(insmod(handle)), { errno: "EEXIST", text: "version 7" });
  assertEquals(await second.settle(load(handle, "ours")), blobOf("ours"));
  await assertRejects(second.settle(load(handle, "theirs")), { errno: "ENOENT" });
  const third = await simSession({ size: 1, seed: 3, modules: ["content"], stores });
  await third.settle(commit(third.handle(0), 0, ["empty"]));
  await third.settle(insmod(third.handle(0)));
  assertEquals((await third.settle(roots(third.handle(0)))).primary?.rootseq, 7);
  assertEquals(await third.settle(load(third.handle(0), "theirs")), blobOf("theirs"));
});

Deno.test("content-sqlite that cannot move everything in is not loaded, and everything is as before", async () => {
  const session = await simSession({ size: 1, modules: ["content"] });
  const handle = session.handle(0);
  await session.settle(commit(handle, 1, ["here"]));
  session.stores.writesFail = "ENOSPC";
  await assertRejects(session.settle(insmod(handle)), { errno: "ENOSPC" });
  assertEquals(await session.settle(load(handle, "here")), blobOf("here"));
  assertEquals((await session.settle(stats(handle))).dirty, 1);
  await session.settle(commit(handle, 2, ["there"]));
  session.stores.writesFail = undefined;
  await session.settle(insmod(handle));
  assertEquals((await session.settle(roots(handle))).primary?.rootseq, 2);
});

Deno.test("content.flush waits for the store, and says ENOSYS at rank 0 without one", async () => {
  const session = await simSession({ size: 2, modules: ["content"] });
  await assertRejects(session.settle(session.handle(0).rpc("content.flush")), { errno: "ENOSYS" });
  await session.settle(session.handle(1).rpc("content.flush"));
  await session.settle(insmod(session.handle(0)));
  await session.settle(session.handle(0).rpc("content.flush"));
});

Deno.test("content.checkpoint-put keeps checkpoints in the store, and says what is missing without one", async () => {
  const session = await simSession({ size: 1, modules: ["content"] });
  const handle = session.handle(0);
  const value = { version: 1, rootref: hash(blobOf("x")), sequence: 3, timestamp: 1.5 };
  const put = () => session.settle(handle.rpc("content.checkpoint-put", { value }));
  await assertRejects(put(), { errno: "ENOSYS", text: "checkpoint put unavailable, no backing store" });
  await assertRejects(session.settle(handle.rpc("content.checkpoint-get")), { errno: "ENOENT" });
  await session.settle(insmod(handle));
  await put();
  assertEquals(await session.settle(handle.rpc("content.checkpoint-get")), { value: [value] });
});

Deno.test("content tells of itself by the attributes of 0.88 and of 0.1.0", async () => {
  const session = await simSession({ size: 1, modules: ["content"] });
  const handle = session.handle(0);
  await session.settle(commit(handle, 1, ["1234"]));
  const get = async (name: string) => (await session.settle(handle.rpc<{ value: string }>("attr.get", { name }))).value;
  assertEquals(await get("content.acct-size"), "5");
  assertEquals([await get("content-acct-dirty"), await get("content-purge-target-size")], ["1", "16777216"]);
  await assertRejects(session.settle(handle.rpc("attr.get", { name: "content.backing-module" })), { errno: "ENOENT" });
  await session.settle(insmod(handle));
  assertEquals(await get("content-backing"), "content-sqlite");
  const set = (name: string, value: string) => session.settle(handle.rpc("attr.set", { name, value }));
  await set("content-purge-target-size", "1000");
  assertEquals(await get("content.purge-target-size"), "1000");
  await assertRejects(set("content.purge-target-size", "lots"), { errno: "EINVAL" });
  await assertRejects(set("content.acct-size", "1"), { errno: "EINVAL" });
});

Deno.test("content.register-backing is refused with EBUSY when there is a store", async () => {
  const session = await simSession({ size: 1, modules: ["content", "content-sqlite"] });
  const register = session.handle(0).rpc("content.register-backing", { name: "other" });
  await assertRejects(session.settle(register), { errno: "EBUSY", text: "content-sqlite" });
});

Deno.test("content.* is for the owner only", async () => {
  const session = await simSession({ size: 1, modules: ["content"] });
  const guest = session.handle(0, { userid: 5, rolemask: 2 });
  for (const topic of ["load", "store", "commit", "roots", "flush", "dropcache", "gc-begin"]) {
    await assertRejects(session.settle(guest.rpcRaw(`content.${topic}`)), { errno: "EPERM" });
  }
});

Deno.test("content that is loaded again has what its store has", async () => {
  const session = await simSession({ size: 1, modules: ["content", "content-sqlite"] });
  const handle = session.handle(0);
  await session.settle(commit(handle, 3, ["kept"]));
  await session.settle(handle.rpc("module.remove", { name: "content" }));
  await session.settle(handle.rpc("module.load", { path: "content", args: [] }));
  assertEquals((await session.settle(roots(handle))).primary?.rootseq, 3);
  assertEquals(await session.settle(load(handle, "kept")), blobOf("kept"));
  await session.settle(rmmod(handle));
  assertEquals((await session.settle(stats(handle))).dirty, 1);
});
