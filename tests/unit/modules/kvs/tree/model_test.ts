import fc from "fast-check";
import { FluxError } from "../../../../../broker/message/mod.ts";
import { KvsFlag, type Operation } from "../../../../../modules/kvs/protocol.ts";
import { emptyDir, symlink } from "../../../../../modules/kvs/tree/treeobj.ts";
import { assertEquals } from "../../../../assert.ts";
import { check } from "../../../../property.ts";
import { put, TreeStore } from "./tree_store.ts";

/** The plainest tree there is: what the store must be equal to. */
type Model = Map<string, Model | string | { link: string }>;

class Refused extends Error {}

function write(
  root: Model,
  key: string,
  value: string | null | "dir" | { link: string } | { append: string },
  hops = 0,
) {
  const names = key.split(".");
  let at = root;
  for (const [i, name] of names.slice(0, -1).entries()) {
    let next = at.get(name);
    if (next && !(next instanceof Map) && typeof next === "object") {
      if (hops >= 10) throw new Refused("ELOOP");
      return write(root, [next.link, ...names.slice(i + 1)].join("."), value, hops + 1);
    }
    if (!(next instanceof Map)) {
      if (value === null) return;
      at.set(name, next = new Map());
    }
    at = next;
  }
  const name = names.at(-1)!;
  const before = at.get(name);
  if (value === null) at.delete(name);
  else if (value === "dir") at.set(name, new Map());
  else if (typeof value === "object" && "append" in value) {
    if (before instanceof Map) throw new Refused("EISDIR");
    if (typeof before === "object") throw new Refused("ENOTSUP");
    at.set(name, (before ?? "") + value.append);
  } else at.set(name, value);
}

function operation(key: string, value: Parameters<typeof write>[2]): Operation {
  if (value === null || typeof value === "string" && value !== "dir") return put(key, value);
  if (value === "dir") return put(key, emptyDir());
  return "append" in value ? put(key, value.append, KvsFlag.append) : put(key, symlink(value.link));
}

/** Everything below `key`, read through lookups. */
function read(store: TreeStore, key: string): Model {
  const dir = store.get(key, KvsFlag.readdir);
  if (dir.type !== "dir") throw new Error(`${key} is a ${dir.type}`);
  return new Map(
    Object.entries(dir.data).sort().map(([name, entry]): [string, Model | string | { link: string }] => {
      const path = key === "." ? name : `${key}.${name}`;
      if (entry.type === "symlink") return [name, { link: entry.data.target }];
      return [name, entry.type === "dirref" || entry.type === "dir" ? read(store, path) : store.text(path)];
    }),
  );
}

function sorted(model: Model): Model {
  return new Map(
    [...model].sort(([a], [b]) => a < b ? -1 : 1).map((
      [name, value],
    ) => [name, value instanceof Map ? sorted(value) : value]),
  );
}

const names = fc.constantFrom("a", "b", "c", "é", "__proto__", "7");
const keys = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
const values = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("x".repeat(54), "y".repeat(55), "z".repeat(500)));
const writes = fc.tuple(
  keys,
  fc.oneof(
    { weight: 5, arbitrary: values.map((value) => value === "dir" ? "" : value) },
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constant("dir" as const) },
    { weight: 1, arbitrary: keys.map((link) => ({ link })) },
    { weight: 2, arbitrary: values.map((append) => ({ append })) },
  ),
);
const transactions = fc.array(fc.array(writes, { maxLength: 5 }), { maxLength: 12 });

Deno.test("Transactions leave what a plain tree would hold, each whole or not at all", () => {
  check(
    fc.property(transactions, fc.constantFrom(0, 2000, 1 << 20), fc.boolean(), (list, cache, together) => {
      const store = new TreeStore(cache);
      let model: Model = new Map();
      const expected = list.map((transaction) => {
        const next = structuredClone(model);
        try {
          for (const [key, value] of transaction) write(next, key, value);
          model = next;
          return undefined;
        } catch (error) {
          if (error instanceof Refused) return error.message;
          throw error;
        }
      });
      const batches = together ? [list] : list.map((transaction) => [transaction]);
      const outcomes = batches.flatMap((batch) =>
        store.apply(...batch.map((transaction) => transaction.map(([key, value]) => operation(key, value)))).outcomes
      );
      assertEquals(outcomes.map((outcome) => outcome && (outcome as FluxError).code), expected);
      assertEquals(read(store, "."), sorted(model));
    }),
    500,
  );
});

Deno.test("Directories of any size hold what was put and not deleted, and nothing else", () => {
  const change = fc.record({ from: fc.nat(3000), count: fc.nat(1500), remove: fc.boolean() });
  check(
    fc.property(fc.array(change, { maxLength: 6 }), fc.constantFrom(0, 50_000, 1 << 24), (changes, cache) => {
      const store = new TreeStore(cache);
      store.apply([put("d", emptyDir())]);
      const model = new Set<string>();
      for (const { from, count, remove } of changes) {
        const range = Array.from({ length: count }, (_, i) => `n${from + i}`);
        for (const name of range) remove ? model.delete(name) : model.add(name);
        store.apply(range.map((name) => put(`d.${name}`, remove ? null : name)));
        const dir = store.get("d", KvsFlag.readdir);
        assertEquals(Object.keys(dir.data).sort(), [...model].sort());
        for (const name of range.slice(0, 5)) if (!remove) assertEquals(store.text(`d.${name}`), name);
      }
    }),
    40,
  );
});

Deno.test("A root stays readable, whatever is written later", () => {
  check(
    fc.property(transactions, (list) => {
      const store = new TreeStore(2000);
      const versions = list.map((transaction) => {
        store.apply(transaction.map(([key, value]) => operation(key, value)));
        return { rootref: store.rootref, tree: read(store, ".") };
      });
      for (const { rootref, tree } of versions) {
        store.rootref = rootref;
        assertEquals(read(store, "."), tree);
      }
    }),
    100,
  );
});
