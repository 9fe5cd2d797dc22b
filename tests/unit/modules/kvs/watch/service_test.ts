import { KvsFlag } from "../../../../../modules/kvs/protocol.ts";
import { ANYTHING } from "../../../../../modules/kvs/roots.ts";
import { emptyDir, symlink, val } from "../../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals, assertRejects } from "../../../../assert.ts";
import { put, text } from "../tree/tree_store.ts";
import { ServedWatch, settled } from "./served_watch.ts";

const append = (key: string, value: string) => put(key, value, KvsFlag.append);

Deno.test("a watch answers with what there is, then once for each root whose transaction names the key", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("a.b", "1"));
  const watch = bench.watch("a.b");
  assertEquals(await watch.text(), "1");
  bench.commit(put("a.b", "2"));
  bench.commit(put("a.c", "x"));
  bench.commit(put("a.b", "2"));
  bench.commit(put("a.b", "3"));
  assertEquals(await watch.texts(3), ["2", "2", "3"]);
  await settled();
  assertEquals(watch.waiting, 0);
});

Deno.test("a watch is not answered because another one of its key begins", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "1"));
  const first = bench.watch("k");
  assertEquals(await first.text(), "1");
  bench.commit(put("other", "x"));
  const second = bench.watch("k");
  assertEquals([await second.text(), first.waiting], ["1", 0]);
  bench.commit(put("k", "2"));
  assertEquals([await first.text(), await second.text()], ["2", "2"]);
});

Deno.test("a watch hears of its key under whatever dots it is written, and through links", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("a.b", "1"), put("link", symlink("a")));
  const watch = bench.watch("a..b.");
  assertEquals(await watch.text(), "1");
  bench.commit(put(".a...b", "2"));
  bench.commit(put("link.b", "3"));
  assertEquals(await watch.texts(2), ["2", "3"]);
});

Deno.test("a watch with uniq answers only what differs", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "1"));
  const watch = bench.watch("k", ["watchUniq"]);
  assertEquals(await watch.text(), "1");
  for (const value of ["1", "1", "2", "2", "1"]) {
    bench.commit(put("k", value));
    await settled();
  }
  assertEquals(await watch.texts(2), ["2", "1"]);
  assertEquals(watch.waiting, 0);
});

Deno.test("a watch with uniq takes a value for the same however it is stored", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "ab"));
  const watch = bench.watch("k", ["watchUniq"]);
  assertEquals(await watch.text(), "ab");
  bench.commit(put("k", "a"), append("k", "b"));
  await settled();
  bench.commit(put("k", "abc"));
  assertEquals(await watch.text(), "abc");
});

Deno.test("a watch of a missing key ends with ENOENT, and so does one whose key goes missing", async () => {
  const bench = await ServedWatch.open();
  await assertRejects(bench.watch("k").next(), { errno: "ENOENT" });
  bench.commit(put("k", "1"));
  const watch = bench.watch("k");
  assertEquals(await watch.text(), "1");
  bench.commit(put("k", null));
  await assertRejects(watch.next(), { errno: "ENOENT" });
  assertEquals(await bench.watchers(), 0);
});

Deno.test("a watch with waitcreate waits for its key, also after it was removed", async () => {
  const bench = await ServedWatch.open();
  const watch = bench.watch("a.b", ["waitcreate"]);
  await settled();
  bench.commit(put("a.c", "x"));
  bench.commit(put("a.b", "1"));
  assertEquals(await watch.text(), "1");
  bench.commit(put("a.b", null));
  bench.commit(put("a.b", "2"));
  assertEquals(await watch.text(), "2");
});

Deno.test("a watch with waitcreate sees a key that comes with its directory", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("from.b", "1"));
  const watch = bench.watch("to.b", ["waitcreate"]);
  await settled();
  bench.commit(put("to", bench.store.get("from", KvsFlag.treeobj)));
  assertEquals(await watch.text(), "1");
});

Deno.test("a lookup with waitcreate and no watch is answered once", async () => {
  const bench = await ServedWatch.open();
  const once = bench.ask("k", ["waitcreate"]);
  const single = bench.client.rpc("kvs-watch.lookup", { key: "k", namespace: "primary", flags: KvsFlag.waitcreate });
  await settled();
  bench.commit(put("other", "x"));
  bench.commit(put("k", "1"));
  assertEquals([await once.text(), await once.text()], ["1", undefined]);
  assertEquals(await single, { val: { ...val(text("1")) } });
  assertEquals(await bench.watchers(), 0);
});

Deno.test("a full watch sees its value change through links, their targets and replaced parents", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("t1.x", "1"), put("t2.x", "2"), put("link", symlink("t1")), put("deep.a.x", "deep"));
  const watch = bench.watch("link.x", ["watchFull"]);
  assertEquals(await watch.text(), "1");
  bench.commit(put("t1.x", "1b"));
  assertEquals(await watch.text(), "1b");
  bench.commit(put("link", symlink("t2")));
  assertEquals(await watch.text(), "2");
  bench.commit(put("t2.x", "2"));
  bench.commit(put("t1.x", "unseen"));
  bench.commit(put("link", bench.store.get("deep.a", KvsFlag.treeobj)));
  assertEquals(await watch.text(), "deep");
  bench.commit(put("link.x", "last"));
  assertEquals(await watch.text(), "last");
  bench.commit(put("link", null));
  await assertRejects(watch.next(), { errno: "ENOENT" });
});

Deno.test("a full watch of a value that becomes a directory ends with EISDIR", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("a", "1"));
  const watch = bench.watch("a", ["watchFull"]);
  assertEquals(await watch.text(), "1");
  bench.commit(put("a.b", "2"));
  await assertRejects(watch.next(), { errno: "EISDIR" });
});

Deno.test("a full watch misses nothing that happens where its link leads while it looks for the first time", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("dir.link", symlink("far.x")), put("far.x", "1"));
  bench.hold();
  const watch = bench.watch("dir.link", ["watchFull"]);
  await settled();
  bench.commit(put("far.x", "2"));
  await settled();
  bench.release();
  for (let seen = await watch.text(); seen !== "2"; seen = await watch.text()) assertEquals(seen, "1");
});

Deno.test("a watch of a directory answers when anything below it is written", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("d.a", "1"));
  const watch = bench.watch("d", ["readdir"]);
  const names = async () => {
    const object = await watch.next();
    assert(typeof object === "object" && object.type === "dir");
    return Object.keys(object.data).sort().join();
  };
  assertEquals(await names(), "a");
  bench.commit(put("d.b.c.e", "2"));
  bench.commit(put("other", "x"));
  bench.commit(put("d.a", null));
  assertEquals([await names(), await names()], ["a,b", "b"]);
  bench.commit(put("d", emptyDir()));
  assertEquals(await names(), "");
  bench.commit(put("d", "a value"));
  await assertRejects(watch.next(), { errno: "ENOTDIR" });
});

Deno.test("a watch with treeobj or readlink answers with the entry as it is stored", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("l", symlink("one")), put("one", "1"));
  const stored = bench.watch("l", ["treeobj"]), link = bench.watch("l", ["readlink"]);
  assertEquals([await stored.object(), await link.object()], [
    symlink("one"),
    symlink("one"),
  ]);
  bench.commit(put("l", symlink("two")));
  assertEquals(await stored.object(), symlink("two"));
  bench.commit(put("l", "value"));
  assertEquals(await stored.object(), val(text("value")));
  assertEquals(await link.object(), symlink("two"));
  await assertRejects(link.next(), { errno: "EINVAL" });
});

Deno.test("a watch of appends answers with the whole value, then with what is added", async () => {
  const bench = await ServedWatch.open();
  bench.commit(append("log", "one"));
  const watch = bench.watch("log", ["watchAppend"]);
  assertEquals(await watch.text(), "one");
  const late = bench.watch("log", ["watchAppend"]);
  for (let i = 0; i < 200; i++) bench.commit(append("log", `.${i}`));
  const all = Array.from({ length: 200 }, (_, i) => `.${i}`).join("");
  let seen = "";
  while (seen.length < all.length) seen += await watch.text();
  assertEquals(seen, all);
  let whole = "";
  while (whole.length < all.length + 3) whole += await late.text();
  assertEquals(whole, `one${all}`);
});

Deno.test("a watch of appends ends with EINVAL when the value is overwritten, truncated or removed", async () => {
  for (const operation of [put("log", "other value"), put("log", "on"), put("log", null)]) {
    const bench = await ServedWatch.open();
    bench.commit(append("log", "one"), append("log", "two"));
    const watch = bench.watch("log", ["watchAppend", "waitcreate"]);
    assertEquals(await watch.text(), "onetwo");
    bench.commit(operation);
    await assertRejects(watch.next(), { errno: "EINVAL", text: /overwritten|truncated|removed/ });
    bench.commit(put("log", "new"));
    assertEquals(await bench.watch("log", ["watchAppend"]).text(), "new");
  }
});

Deno.test("a watch of appends with a sentinel tells where the first data ends", async () => {
  const bench = await ServedWatch.open();
  bench.commit(append("log", "one"));
  const watch = bench.watch("log", ["watchAppend", "watchInitialSentinel"]);
  assertEquals(await watch.texts(2), ["one", "sentinel"]);
  bench.commit(append("log", "two"));
  assertEquals(await watch.text(), "two");
});

Deno.test("a watch of appends goes through links", async () => {
  const bench = await ServedWatch.open();
  bench.commit(append("t.log", "one"), put("l", symlink("t")));
  const watch = bench.watch("l.log", ["watchAppend", "watchFull"]);
  assertEquals(await watch.text(), "one");
  bench.commit(append("t.log", "two"));
  assertEquals(await watch.text(), "two");
  bench.commit(append("l.log", "three"));
  assertEquals(await watch.text(), "three");
});

Deno.test("a stream answers with one blob after the other, then ends", async () => {
  const bench = await ServedWatch.open();
  bench.commit(append("big", "x".repeat(100)), append("big", "y".repeat(100)), put("small", "z"), put("d.e", ""));
  const big = bench.ask("big", ["stream"]);
  assertEquals(await big.texts(3), ["x".repeat(100), "y".repeat(100), undefined]);
  assertEquals(await bench.ask("small", ["stream"]).texts(2), ["z", undefined]);
  await assertRejects(bench.ask("d", ["stream"]).next(), { errno: "EISDIR" });
  await assertRejects(bench.ask("none", ["stream"]).next(), { errno: "ENOENT" });
});

Deno.test("a watch that lags answers with newer roots, in order, when those between were collected", async () => {
  const bench = await ServedWatch.open({ cache: 0 });
  bench.commit(put("d.k", "0"));
  const watch = bench.watch("d.k");
  assertEquals(await watch.text(), "0");
  bench.hold();
  for (let i = 1; i <= 5; i++) {
    const kept = new Set(bench.store.blobs.keys());
    bench.commit(put("d.k", `${i}`));
    if (i > 1 && i < 5) { for (const blobref of kept) bench.store.blobs.delete(blobref); }
  }
  bench.release();
  let last = "0";
  while (last !== "5") {
    const next = await watch.text();
    assert(Number(next) > Number(last), `${next} after ${last}`);
    last = next!;
  }
  await settled();
  assertEquals(watch.waiting, 0);
});

Deno.test("a change that does not say what it wrote is answered where the value differs", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("a", "1"), put("b", "1"));
  const a = bench.watch("a"), b = bench.watch("b");
  assertEquals([await a.text(), await b.text()], ["1", "1"]);
  bench.store.apply([put("a", "2")]);
  const root = bench.roots.get("primary")!;
  bench.roots.advance({ ...root, rootref: bench.store.rootref, rootseq: root.rootseq + 1 }, [ANYTHING]);
  assertEquals(await a.text(), "2");
  await settled();
  assertEquals(b.waiting, 0);
});

Deno.test("a client that takes nothing gets nothing more, and what there is when it does", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "0"), append("log", "0"));
  const plain = bench.watch("k"), log = bench.watch("log", ["watchAppend"]);
  assertEquals([await plain.text(), await log.text()], ["0", "0"]);
  bench.backlog = 1 << 20;
  for (let i = 1; i <= 9; i++) {
    bench.commit(put("k", `${i}`), append("log", `${i}`));
    await settled();
  }
  await bench.served.clock.run(1000);
  assertEquals([plain.waiting, log.waiting], [0, 0]);
  bench.backlog = 0;
  await bench.served.clock.run(100);
  assertEquals([await plain.text(), await log.text()], ["9", "123456789"]);
  assertEquals([plain.waiting, log.waiting], [0, 0]);
});

Deno.test("a watch ends with ENODATA when it is cancelled, and leaves nothing behind", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "1"));
  const request = { key: "k", namespace: "primary", flags: KvsFlag.watch };
  const seen: unknown[] = [];
  for await (const answer of bench.client.stream("kvs-watch.lookup", request)) {
    seen.push(answer);
    bench.client.post("kvs-watch.cancel", { matchtag: 1 });
  }
  assertEquals(seen.length, 1);
  assertEquals(await bench.watchers(), 0);
});

Deno.test("a watch ends with its client, whatever it waits for", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "1"));
  const other = bench.served.client();
  const watches = [
    bench.watch("k", [], other),
    bench.watch("none", ["waitcreate"], other),
    bench.ask("none", ["waitcreate"], other),
    bench.ask("none", ["waitcreate", "stream"], other),
  ];
  assertEquals(await watches[0]!.text(), "1");
  assertEquals(await bench.watchers(), 4);
  other.close();
  await settled();
  const stats = await bench.client.rpc("kvs-watch.stats-get");
  assertEquals({ ...stats }, { watchers: 0, "namespace-count": 0, namespaces: {} });
});

Deno.test("watches end with ENOTSUP when their namespace is removed, and when it is unknown", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("k", "1"));
  const watch = bench.watch("k"), waiting = bench.ask("none", ["waitcreate"]);
  assertEquals(await watch.text(), "1");
  bench.roots.removed("primary");
  await assertRejects(watch.next(), { errno: "ENOTSUP" });
  await assertRejects(waiting.next(), { errno: "ENOTSUP" });
  await assertRejects(bench.watch("k").next(), { errno: "ENOTSUP" });
  assertEquals(await bench.watchers(), 0);
});

Deno.test("a guest watches the namespace it owns, and no other", async () => {
  const own = await ServedWatch.open({ owner: 200 });
  own.commit(put("k", "1"));
  assertEquals(await own.watch("k", [], own.served.guest()).text(), "1");
  const other = await ServedWatch.open();
  other.commit(put("k", "1"));
  await assertRejects(other.watch("k", [], other.served.guest()).next(), { errno: "EPERM" });
});

Deno.test("a request that makes no sense is refused with what is wrong with it", async () => {
  const bench = await ServedWatch.open();
  const ask = (request: object) => bench.client.rpc("kvs-watch.lookup", request);
  await assertRejects(ask({ namespace: "primary", flags: 0 }), { errno: "EPROTO", text: '"key"' });
  await assertRejects(ask({ key: "k", flags: 0 }), { errno: "EPROTO", text: '"namespace"' });
  await assertRejects(ask({ key: "k", namespace: "primary", flags: "4" }), { errno: "EPROTO", text: '"flags"' });
  await assertRejects(ask({ key: "k", namespace: "primary", flags: 4 }), { errno: "EPROTO", text: "streaming" });
  await assertRejects(ask({ key: "", namespace: "primary", flags: 0 }), { errno: "EINVAL" });
  await assertRejects(bench.watch("k", ["stream"]).next(), { errno: "EPROTO", text: "watch and stream" });
});

Deno.test("10,000 watchers of a key are answered from one look at it", async () => {
  const bench = await ServedWatch.open({ cache: 0 });
  bench.commit(put("d.k", "x".repeat(100)));
  const watches = Array.from({ length: 10_000 }, () => bench.watch("d.k"));
  for (const watch of watches) assertEquals((await watch.text())!.length, 100);
  let loads = 0;
  const get = bench.store.blobs.get.bind(bench.store.blobs);
  bench.store.blobs.get = (blobref) => (loads++, get(blobref));
  bench.commit(put("d.k", "y".repeat(100)));
  for (const watch of watches) assertEquals((await watch.text())!.length, 100);
  assert(loads < 10, `${loads} loads`);
});
