import fc from "fast-check";
import { decodeNode, Directory, Fork } from "../../../../../modules/kvs/tree/directory.ts";
import { dirref, EMPTY_DIR, EMPTY_DIR_TEXT, symlink, val, valref } from "../../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals, assertThrows } from "../../../../assert.ts";
import { check } from "../../../../property.ts";
import { text, TreeStore } from "./tree_store.ts";

const decode = (blob: Uint8Array) => new TextDecoder().decode(blob);
const REF = `sha1-${"0".repeat(39)}1`;

Deno.test("Directory.encode() of no entries is the empty directory that everyone knows", () => {
  const blob = new Directory().encode();
  assertEquals(decode(blob), EMPTY_DIR_TEXT);
  assertEquals(new TreeStore().hash(blob), EMPTY_DIR);
});

Deno.test("Directory.encode() writes compact JSON with all keys sorted", () => {
  const directory = new Directory();
  directory.set("b", valref([REF, REF]));
  directory.set("a", val(text("42")));
  directory.set("l", symlink("a", "other"));
  directory.set("d", dirref(REF));
  assertEquals(
    decode(directory.encode()),
    `{"data":{"a":{"data":"NDI=","type":"val","ver":1},"b":{"data":["${REF}","${REF}"],"type":"valref","ver":1},` +
      `"d":{"data":["${REF}"],"type":"dirref","ver":1},` +
      `"l":{"data":{"namespace":"other","target":"a"},"type":"symlink","ver":1}},"type":"dir","ver":1}`,
  );
});

Deno.test("Directory.encode() does not depend on the order of what was done", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 4 }),
    fc.constantFrom("😀", "\uffee", "é"),
  );
  const steps = fc.array(fc.tuple(name, fc.boolean()), { maxLength: 60 });
  check(fc.property(steps, (steps) => {
    const grown = new Directory();
    const names = new Set<string>();
    for (const [name, remove] of steps) {
      if (remove) grown.delete(name), names.delete(name);
      else grown.set(name, val(text(name))), names.add(name);
    }
    const fresh = new Directory();
    const bytes = (name: string) => new TextEncoder().encode(name).toHex();
    for (const name of [...names].sort((a, b) => bytes(a) < bytes(b) ? -1 : 1)) fresh.set(name, val(text(name)));
    assertEquals(decode(grown.encode()), decode(fresh.encode()));
    const order = Object.keys(JSON.parse(decode(grown.encode())).data).filter((name) => !/^\d+$/.test(name)).map(bytes);
    assertEquals(order, [...order].sort());
  }));
});

Deno.test("decodeNode() reads back what was encoded", () => {
  const directory = new Directory();
  directory.set("__proto__", val(text("1")));
  directory.set("x", symlink("y"));
  const read = decodeNode(REF, directory.encode());
  assert(read instanceof Directory);
  assertEquals([...read], [...directory]);
  const fork = new Fork(7);
  fork.shards[3] = REF;
  const again = decodeNode(REF, fork.encode());
  assert(again instanceof Fork);
  assertEquals([again.count, again.shards], [7, fork.shards]);
});

Deno.test("decodeNode() names a blob that is no directory", () => {
  const blobs = [
    "",
    "x",
    "[]",
    "null",
    '{"data":{},"type":"dir","ver":2}',
    '{"data":{"a":1},"type":"dir","ver":1}',
    "\xff",
  ];
  for (
    const blob of [
      ...blobs,
      '{"data":{"count":1,"shards":[]},"type":"hdir","ver":1}',
      '{"data":"","type":"val","ver":1}',
    ]
  ) {
    assertThrows(() => decodeNode(REF, text(blob)), { errno: "EIO", text: `${REF}: this blob is not a directory` });
  }
});
