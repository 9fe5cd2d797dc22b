import { KvsFlag } from "../../../../../modules/kvs/protocol.ts";
import { Fork } from "../../../../../modules/kvs/tree/directory.ts";
import { dirref, EMPTY_DIR, emptyDir, symlink, type TreeObject } from "../../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals } from "../../../../assert.ts";
import { put, text, TreeStore } from "./tree_store.ts";

const append = (key: string, value: string) => put(key, value, KvsFlag.append);
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => put(`d.n${from + i}`, "1"));
const code = (outcome: unknown) => (outcome as { code?: string } | undefined)?.code;

function refOf(object: TreeObject): string {
  return object.type === "dirref" ? object.data[0] : "";
}

function refs(object: TreeObject): number {
  return object.type === "valref" ? object.data.length : 0;
}

Deno.test("A value of 54 bytes stays in its directory, one of 55 becomes a blob", () => {
  const store = new TreeStore();
  store.apply([put("a", "x".repeat(54)), put("b", "x".repeat(55))]);
  assertEquals(store.get("a", KvsFlag.treeobj).type, "val");
  assertEquals(store.get("b", KvsFlag.treeobj).type, "valref");
  assertEquals(store.text("b"), "x".repeat(55));
});

Deno.test("An append to a val gives two blobs, to a valref one more, to nothing a value", () => {
  const store = new TreeStore();
  store.apply([append("a", "1")]);
  assertEquals(store.get("a", KvsFlag.treeobj).type, "val");
  store.apply([append("a", "2")]);
  assertEquals(refs(store.get("a", KvsFlag.treeobj)), 2);
  store.apply([append("a", "3")]);
  assertEquals(refs(store.get("a", KvsFlag.treeobj)), 3);
  assertEquals(store.text("a"), "123");
});

Deno.test("A value of very many appends stays a short list of blobs", () => {
  const store = new TreeStore();
  let expected = "";
  for (let i = 0; i < 5000; i++) {
    store.apply([append("log", `line ${i}\n`)]);
    expected += `line ${i}\n`;
  }
  assertEquals(store.text("log"), expected);
  assert(refs(store.get("log", KvsFlag.treeobj)) <= 64 + 1, `${refs(store.get("log", KvsFlag.treeobj))} blobs`);
});

Deno.test("An append to a directory is EISDIR, to a link ENOTSUP, and nothing else of that transaction happens", () => {
  const store = new TreeStore();
  store.apply([put("d.x", "1"), put("l", symlink("d.x"))]);
  const before = store.rootref;
  const { outcomes, keys } = store.apply(
    [put("d.y", "2"), put("d.x", null), append("d", "3")],
    [append("l", "3"), put("z", "1")],
    [put("ok", "1")],
  );
  assertEquals(outcomes.map(code), ["EISDIR", "ENOTSUP", undefined]);
  assertEquals(keys, [[], [], ["ok"]]);
  store.apply([put("ok", null)]);
  assertEquals(store.rootref, before);
});

Deno.test("Writing the root, or through a link into another namespace, is EINVAL; through a circle of links ELOOP", () => {
  const store = new TreeStore();
  store.apply([put("other", symlink("x", "ns")), put("a", symlink("b")), put("b", symlink("a"))]);
  const { outcomes } = store.apply([put(".", "1")], [put("other.x", "1")], [put("a.x", "1")], [put("", "1")]);
  assertEquals(outcomes.map(code), ["EINVAL", "EINVAL", "ELOOP", "EINVAL"]);
});

Deno.test("A value in the way of a directory is replaced; a link in the way is followed", () => {
  const store = new TreeStore();
  store.apply([put("v", "1"), put("real", emptyDir()), put("link", symlink("real"))]);
  store.apply([put("v.x", "2"), put("link.y", "3")]);
  assertEquals([store.text("v.x"), store.text("real.y")], ["2", "3"]);
  assertEquals(store.get("link", KvsFlag.treeobj).type, "symlink");
});

Deno.test("Deleting what is not there, or lies below a value, changes nothing", () => {
  const store = new TreeStore();
  store.apply([put("a.b", "1")]);
  const before = store.rootref;
  store.apply([put("a.x", null), put("q.r.s", null), put("a.b.c", null)]);
  assertEquals(store.rootref, before);
});

Deno.test("An empty directory is stored, and so is one that lost its last entry", () => {
  const store = new TreeStore();
  store.apply([put("e", emptyDir()), put("d.x", "1")]);
  store.apply([put("d.x", null)]);
  assertEquals(store.get("e", KvsFlag.treeobj), dirref(EMPTY_DIR));
  assertEquals(store.get("d", KvsFlag.treeobj), dirref(EMPTY_DIR));
});

Deno.test("A directory with entries can be put as one object", () => {
  const store = new TreeStore();
  const data = { x: put("", "1").dirent!, sub: { ...emptyDir(), data: { y: put("", "z".repeat(100)).dirent! } } };
  store.apply([put("d", { ...emptyDir(), data })]);
  assertEquals([store.text("d.x"), store.text("d.sub.y")], ["1", "z".repeat(100)]);
  assertEquals(store.get("d.sub", KvsFlag.treeobj).type, "dirref");
});

Deno.test("Up to 1,024 entries a directory is one blob; above it is a trie, and one again when it is half of that", () => {
  const store = new TreeStore();
  const stored = () => store.objects.get(refOf(store.get("d", KvsFlag.treeobj)));
  store.apply(numbered(1024));
  assert(!(stored() instanceof Fork));
  store.apply([put("d.one", "more")]);
  assert(stored() instanceof Fork);
  assertEquals(stored()!.size, 1025);
  for (let i = 512; i < 1024; i++) store.apply([put(`d.n${i}`, null)]);
  assertEquals(stored()!.size, 513);
  assert(stored() instanceof Fork);
  store.apply([put("d.one", null)]);
  assert(!(stored() instanceof Fork));
  assertEquals(stored()!.size, 512);
});

Deno.test("One more entry among 100,000 rewrites a few kilobytes", () => {
  const store = new TreeStore(1 << 28);
  for (let from = 0; from < 100_000; from += 20_000) store.apply(numbered(20_000, from));
  const { stored } = store.apply([put("d.one", "more")]);
  assert(stored < 16_384, `${stored} bytes`);
});

Deno.test("A transaction that meets a broken blob fails by its name; the others of the batch do not", () => {
  const store = new TreeStore(0);
  store.apply([put("bad.x", "1"), put("good.y", "1")]);
  const bad = refOf(store.get("bad", KvsFlag.treeobj));
  store.blobs.set(bad, text("rotten"));
  const fresh = new TreeStore();
  store.blobs.forEach((bytes, ref) => fresh.blobs.set(ref, bytes));
  fresh.rootref = store.rootref;
  const { outcomes } = fresh.apply([put("bad.y", "2")], [put("good.y", "2")]);
  assertEquals(outcomes.map(code), ["EIO", undefined]);
  assert(outcomes[0]?.message.includes(bad));
  assertEquals(fresh.text("good.y"), "2");
});
