import { FluxError, type JsonObject } from "../../../../broker/message/mod.ts";
import type { Methods, Request } from "../../../../broker/handle/mod.ts";
import { Kvs, TRANSACTION_LIMIT } from "../../../../modules/kvs/client.ts";
import { KvsFlag } from "../../../../modules/kvs/protocol.ts";
import { dirref, emptyDir, symlink, type TreeObject, val, valref } from "../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../assert.ts";
import { type Served, served } from "../../service/served.ts";
import { text } from "./tree/tree_store.ts";

const ROOT = { rootref: "sha1-" + "0".repeat(40), rootseq: 7 };

/** A service that answers each method with one thing, and the requests that it got. */
async function scripted(answers: Record<string, object>): Promise<{ kvs: Kvs; asked: JsonObject[]; served: Served }> {
  const asked: JsonObject[] = [];
  const method = (answer: object) => (request: Request) => {
    asked.push({ topic: request.topic, ...request.payload });
    if (answer instanceof FluxError) throw answer;
    return answer;
  };
  const methods: Methods = Object.fromEntries(
    Object.entries(answers).map(([topic, answer]) => [topic, method(answer)]),
  );
  const world = await served(methods);
  return { kvs: new Kvs(world.client()), asked, served: world };
}

const lookupOf = (value: TreeObject) => scripted({ "kvs.lookup": { val: value } });

Deno.test("Kvs.get() asks for a normalized key in a namespace and reads its value as JSON", async () => {
  const { kvs, asked } = await lookupOf(val(text('{"a":[1]}')));
  assertEquals(await kvs.get(".a..b"), { a: [1] });
  await kvs.get("a", { namespace: "ns" });
  await kvs.get("a", { rootref: ROOT.rootref });
  assertEquals(asked.map(({ topic: _, ...request }) => request), [
    { key: "a.b", flags: 0, namespace: "primary" },
    { key: "a", flags: 0, namespace: "ns" },
    { key: "a", flags: 0, rootdir: { ...dirref(ROOT.rootref) } as unknown as JsonObject },
  ]);
});

Deno.test("Kvs.get() says which key is no JSON, and getText() which is no text", async () => {
  const { kvs } = await lookupOf(val(new Uint8Array([0xff, 0x00])));
  await assertRejects(kvs.getText("a.b"), { errno: "EINVAL", text: "a.b: the value is not UTF-8" });
  const words = await lookupOf(val(text("no json")));
  await assertRejects(words.kvs.get("a.b"), { errno: "EINVAL", text: "a.b: the value is not JSON" });
  assertEquals(await words.kvs.getText("a.b"), "no json");
  assertEquals(await kvs.getBytes("a.b"), new Uint8Array([0xff, 0x00]));
});

Deno.test("Kvs.getText() keeps integers that JavaScript cannot", async () => {
  const { kvs } = await lookupOf(val(text("9007199254740993")));
  assertEquals(await kvs.getText("id"), "9007199254740993");
});

Deno.test("Kvs passes errors on as they came", async () => {
  const { kvs } = await scripted({
    "kvs.lookup": new FluxError("EISDIR"),
    "kvs.commit": new FluxError("ENOSPC", "full"),
  });
  assert(!(await assertRejects(kvs.get("a"), { errno: "EISDIR" })).hasText);
  await assertRejects(kvs.transaction().put("a", 1).commit(), { errno: "ENOSPC", text: "full" });
});

Deno.test("Kvs refuses keys that cannot be before it asks", async () => {
  const { kvs, asked } = await lookupOf(val(text("1")));
  await assertRejects(kvs.get(""), { errno: "EINVAL" });
  await assertRejects(kvs.dir("x".repeat(1 << 20)), { errno: "ENAMETOOLONG" });
  await assertRejects(kvs.watch("").next(), { errno: "EINVAL" });
  assertThrows(() => kvs.transaction().put("", 1), { errno: "EINVAL" });
  assertThrows(() => kvs.transaction().unlink("x".repeat(1 << 20)), { errno: "ENAMETOOLONG" });
  assertThrows(() => kvs.transaction().symlink("a", ""), { errno: "EINVAL" });
  assertEquals(asked, []);
});

Deno.test("Kvs takes no answer for granted", async () => {
  const answers: object[] = [{}, { val: 1 }, { val: { ver: 2, type: "val", data: "" } }, {
    val: { ...valref([ROOT.rootref]) },
  }];
  for (const answer of answers) {
    const { kvs } = await scripted({ "kvs.lookup": answer });
    await assertRejects(kvs.getBytes("a"), { errno: "EPROTO" });
  }
  const { kvs } = await scripted({
    "kvs.commit": { rootref: "x", rootseq: 1 },
    "kvs.getroot": { ...ROOT },
    "kvs.wait-version": { rootref: ROOT.rootref, rootseq: "1" },
    "kvs.namespace-list": { namespaces: [1] },
  });
  await assertRejects(kvs.transaction().commit(), { errno: "EPROTO", text: "rootref" });
  await assertRejects(kvs.root(), { errno: "EPROTO", text: "namespace" });
  await assertRejects(kvs.waitVersion(1), { errno: "EPROTO", text: "rootseq" });
  await assertRejects(kvs.namespaces.list(), { errno: "EPROTO", text: "namespaces" });
});

Deno.test("Kvs.dir(), readlink() and exists() read what they ask for", async () => {
  const entries = { b: val(text("1")), __proto__x: emptyDir() };
  const dir = await lookupOf({ ver: 1, type: "dir", data: entries });
  assertEquals([...(await dir.kvs.dir("a")).keys()], ["b", "__proto__x"]);
  const link = await lookupOf(symlink("target", "ns"));
  assertEquals(await link.kvs.readlink("l"), { target: "target", namespace: "ns" });
  assert(await link.kvs.exists("l"));
  const missing = await scripted({ "kvs.lookup": new FluxError("ENOENT") });
  assert(!await missing.kvs.exists("l"));
  const unknown = await scripted({ "kvs.lookup": new FluxError("ENOTSUP") });
  await assertRejects(unknown.kvs.exists("l"), { errno: "ENOTSUP" });
  const flags = [...dir.asked, ...link.asked].map(({ flags }) => flags);
  assertEquals(flags, [KvsFlag.readdir, KvsFlag.readlink, KvsFlag.treeobj]);
});

Deno.test("Transaction collects its steps in order", async () => {
  const { kvs } = await scripted({});
  const { ops } = kvs.transaction().put("a..b", { x: 1 }).putText("t", "text").putBytes("r", new Uint8Array([255]))
    .append("log", "line").append("log", new Uint8Array()).unlink("old").mkdir("d.e").symlink("l", "a.b")
    .symlink("m", "x", "ns").putTreeObject("o", valref([ROOT.rootref]));
  assertEquals(ops.map(({ key, flags, dirent }) => [key, flags, dirent && { ...dirent }]), [
    ["a.b", 0, { ...val(text('{"x":1}')) }],
    ["t", 0, { ...val(text("text")) }],
    ["r", 0, { ...val(new Uint8Array([255])) }],
    ["log", KvsFlag.append, { ...val(text("line")) }],
    ["log", KvsFlag.append, { ...val(text("")) }],
    ["old", 0, null],
    ["d.e", 0, { ...emptyDir() }],
    ["l", 0, { ...symlink("a.b") }],
    ["m", 0, { ...symlink("x", "ns") }],
    ["o", 0, { ...valref([ROOT.rootref]) }],
  ]);
});

Deno.test("Transaction refuses what is no JSON and no tree object", async () => {
  const { kvs } = await scripted({});
  assertThrows(() => kvs.transaction().put("a", undefined as unknown as null), { errno: "EINVAL", text: "a:" });
  const bad = { ver: 1, type: "val", data: 1 } as unknown as TreeObject;
  assertThrows(() => kvs.transaction().putTreeObject("a", bad), { errno: "EPROTO" });
});

Deno.test("Transaction.commit() and fence() send what they are told and return the root", async () => {
  const { kvs, asked } = await scripted({ "kvs.commit": ROOT, "kvs.fence": ROOT });
  assertEquals(await kvs.transaction().put("a", 1).commit({ flags: 1 }), ROOT);
  assertEquals(await kvs.transaction().unlink("a").fence("f", 2, { ranks: "0-1", timeout: 5 }), ROOT);
  await kvs.transaction().fence("g", 1);
  const op = (dirent: unknown) => [{ key: "a", flags: 0, dirent }];
  assertEquals(asked as unknown[], [
    { topic: "kvs.commit", namespace: "primary", flags: 1, ops: op({ ...val(text("1")) }) },
    {
      topic: "kvs.fence",
      name: "f",
      nprocs: 2,
      namespace: "primary",
      flags: 0,
      ops: op(null),
      ranks: "0-1",
      timeout: 5,
    },
    { topic: "kvs.fence", name: "g", nprocs: 1, namespace: "primary", flags: 0, ops: [] },
  ]);
});

Deno.test("Transaction refuses more than its limit with EFBIG before anything is sent", async () => {
  const { kvs, asked } = await scripted({ "kvs.commit": ROOT });
  const transaction = kvs.transaction();
  const part = new Uint8Array(TRANSACTION_LIMIT / 8);
  for (let i = 0; i < 5; i++) transaction.putBytes(`part.${i}`, part);
  assertThrows(() => transaction.putBytes("part.5", part), { errno: "EFBIG", text: "part.5" });
  assertThrows(() => transaction.append("part.6", part), { errno: "EFBIG", text: "in parts" });
  assertEquals([transaction.ops.length, asked.length], [5, 0]);
});

Deno.test("Kvs.watch() asks with the flags of its options", async () => {
  const { kvs, asked } = await scripted({ "kvs-watch.lookup": new FluxError("ENOENT") });
  const options = [
    {},
    { append: true },
    { waitcreate: true, full: true, uniq: true },
    { dir: true },
    { treeobj: true },
    { stream: true },
  ];
  for (const option of options) await assertRejects(kvs.watch("a", option).next(), { errno: "ENOENT" });
  assertEquals(asked.map(({ flags }) => flags), [4, 260, 204, 5, 20, 512]);
});

Deno.test("Kvs.watch() yields until the stream ends, and ends it when the loop is left", async () => {
  let isAborted = false;
  const world = await served({
    async *"kvs-watch.lookup"(request) {
      request.signal.addEventListener("abort", () => isAborted = true);
      for (let i = 0; i < 3; i++) yield { val: val(text(`${i}`)) };
      if (request.payload.key === "endless") await new Promise((resolve) => request.signal.onabort = resolve);
    },
  });
  const kvs = new Kvs(world.client());
  const seen: string[] = [];
  for await (const bytes of kvs.watchBytes("finite")) seen.push(new TextDecoder().decode(bytes));
  for await (const bytes of kvs.watchBytes("endless")) if (seen.push(new TextDecoder().decode(bytes)) === 6) break;
  await Promise.resolve();
  assertEquals([seen.join(""), isAborted], ["012012", true]);
});

Deno.test("Kvs.watch() ends with the reason of its signal", async () => {
  const world = await served({
    async *"kvs-watch.lookup"(request) {
      yield { val: val(text("1")) };
      await new Promise((resolve) => request.signal.onabort = resolve);
    },
  });
  const controller = new AbortController();
  const watch = new Kvs(world.client()).watch("a", { signal: controller.signal });
  assert(!(await watch.next()).done);
  const next = watch.next();
  controller.abort(new FluxError("ECANCELED", "enough"));
  await assertRejects(next, { errno: "ECANCELED", text: "enough" });
  await assertRejects(new Kvs(world.client()).watch("a", { signal: controller.signal }).next(), { errno: "ECANCELED" });
});
