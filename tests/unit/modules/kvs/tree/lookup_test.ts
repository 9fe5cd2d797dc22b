import type { Errno } from "../../../../../broker/message/mod.ts";
import { lookup, LookupError, referencesOf } from "../../../../../modules/kvs/tree/lookup.ts";
import { KvsFlag } from "../../../../../modules/kvs/protocol.ts";
import { dirref, emptyDir, symlink, val } from "../../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals, assertThrows } from "../../../../assert.ts";
import { put, text, TreeStore } from "./tree_store.ts";

function example(): TreeStore {
  const store = new TreeStore(0);
  store.apply([
    put("a.b.c", "1"),
    put("a.long", "x".repeat(200)),
    put("link", symlink("a.b")),
    put("link2", symlink("link")),
    put("dangling", symlink("nowhere")),
    put("loop", symlink("loop")),
    put("root", symlink(".")),
    put("away", symlink("x", "other")),
    put("empty", emptyDir()),
  ]);
  return store;
}

Deno.test("lookup() of a value returns it as a val, also when it is kept as blobs", () => {
  const store = example();
  assertEquals(store.get("a.b.c"), val(text("1")));
  assertEquals(store.text("a.long"), "x".repeat(200));
});

Deno.test("lookup() goes through links, on the way and at the end", () => {
  const store = example();
  for (const key of ["link.c", "link2.c", "root.link2.c"]) assertEquals(store.text(key), "1");
  assertEquals(Object.keys(store.get("link2", KvsFlag.readdir).data), ["c"]);
});

Deno.test("lookup() with readlink or treeobj returns a last link itself", () => {
  const store = example();
  assertEquals(store.get("link", KvsFlag.readlink), symlink("a.b"));
  assertEquals(store.get("link2", KvsFlag.treeobj), symlink("link"));
  assertEquals(store.get(".", KvsFlag.treeobj), dirref(store.rootref));
});

Deno.test("lookup() says what is wrong with a key", () => {
  const store = example();
  const cases: [string, number, Errno][] = [
    ["nope", 0, "ENOENT"],
    ["a.b.c.d", 0, "ENOENT"],
    ["dangling", 0, "ENOENT"],
    ["a", 0, "EISDIR"],
    [".", 0, "EISDIR"],
    ["empty", 0, "EISDIR"],
    ["a.b.c", KvsFlag.readdir, "ENOTDIR"],
    ["a.b.c", KvsFlag.readlink, "EINVAL"],
    ["loop", 0, "ELOOP"],
    ["away", 0, "ENOTSUP"],
  ];
  for (const [key, flags, code] of cases) assertThrows(() => store.get(key, flags), { errno: code });
});

Deno.test("lookup() follows a link into another namespace", () => {
  const store = example();
  const other = new TreeStore();
  other.apply([put("x", "there")]);
  other.blobs.forEach((bytes, ref) => store.blobs.set(ref, bytes));
  const request = { namespace: "primary", rootref: store.rootref, key: "away", flags: 0 };
  const found = store.walk(lookup(store.objects, request, (name) => name === "other" ? other.rootref : undefined));
  assertEquals(found.value, val(text("there")));
});

Deno.test("lookup() tells which keys its answer depends on", () => {
  const store = example();
  const request = { namespace: "primary", rootref: store.rootref, key: "link2.c", flags: 0 };
  assertEquals(store.walk(lookup(store.objects, request, () => undefined)).trail, [
    "link2.c",
    "link2",
    "link.c",
    "link",
    "a.b.c",
  ]);
  try {
    store.get("dangling");
    assert(false);
  } catch (error) {
    assert(error instanceof LookupError);
    assertEquals(error.trail, ["dangling", "dangling", "nowhere"]);
  }
});

Deno.test("lookup() lists a directory that is stored as a trie in full", () => {
  const store = new TreeStore(0);
  store.apply(Array.from({ length: 5000 }, (_, i) => put(`d.${i}`, `${i}`)));
  assertEquals(Object.keys(store.get("d", KvsFlag.readdir).data).length, 5000);
  for (const name of ["0", "4999", "77"]) assertEquals(store.text(`d.${name}`), name);
  assertThrows(() => store.get("d.5000"), { errno: "ENOENT" });
});

Deno.test("referencesOf() finds every blob a directory leads to", () => {
  const store = example();
  const seen = new Set<string>();
  const visit = (ref: string) => {
    if (seen.has(ref)) return;
    seen.add(ref);
    const { dirs, values } = referencesOf(store.objects.get(ref) ?? store.objects.add(ref, store.blobs.get(ref)!));
    dirs.forEach(visit);
    values.forEach((value) => seen.add(value));
  };
  store.apply(Array.from({ length: 2000 }, (_, i) => put(`d.${i}`, `${i}`.repeat(60))));
  visit(store.rootref);
  assert(seen.size > 2000 + 32);
  for (const ref of [...store.blobs.keys()]) if (!seen.has(ref)) store.blobs.delete(ref);
  store.objects.clear();
  assertEquals(store.text("d.1999"), "1999".repeat(60));
  assertEquals(store.text("a.long"), "x".repeat(200));
});
