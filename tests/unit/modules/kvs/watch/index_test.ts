import fc from "fast-check";
import { WatchIndex } from "../../../../../modules/kvs/watch/index.ts";
import { assert, assertEquals } from "../../../../assert.ts";
import { check } from "../../../../property.ts";

const isWithin = (key: string, top: string) => top === "." || key === top || key.startsWith(`${top}.`);

Deno.test("WatchIndex.affected() finds who watches exactly a key, and nobody else", () => {
  const index = new WatchIndex<string>();
  index.putExact("one", "a.b");
  index.putExact("two", "a.b");
  index.putExact("other", "a.c");
  assertEquals([...index.affected(["a.b"])], ["one", "two"]);
  assertEquals([...index.affected(["a", "a.b.c", "b"])], []);
  index.remove("one");
  assertEquals([...index.affected(["a.b", "a.c"])], ["two", "other"]);
});

Deno.test("WatchIndex.affected() of the root's key is everyone", () => {
  const index = new WatchIndex<string>();
  index.putExact("exact", "a");
  index.putTrail("trail", ["b"]);
  assertEquals([...index.affected(["."])], ["exact", "trail"]);
});

Deno.test("WatchIndex.affected() of a key below a link wakes nobody who only goes through that link", () => {
  const index = new WatchIndex<string>();
  index.putTrail("item", ["l.x", "l", "m.x", "m", "t.x"]);
  const woken = (key: string) => index.affected([key]).size === 1;
  assertEquals(["l", "l.x", "l.x.y", "m", "m.x", "t", "t.x", "t.x.y"].filter((key) => !woken(key)), []);
  assertEquals(["l.y", "m.y", "m.x.y", "t.y", "x"].filter(woken), []);
});

Deno.test("WatchIndex.putTrail() and putExact() move an item, and tell whether they did", () => {
  const index = new WatchIndex<string>();
  assert(index.putTrail("item", ["a", "b"]));
  assert(!index.putTrail("item", ["a", "b"]));
  assert(index.putTrail("item", ["a", "c"]));
  assertEquals(index.affected(["b"]).size, 0);
  assert(index.putExact("item", "c"));
  assert(!index.putExact("item", "c"));
  assertEquals([index.affected(["a"]).size, index.affected(["c"]).size, index.size], [0, 1, 1]);
});

const key = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }).map((names) => names.join("."));
const spot = fc.oneof(
  fc.record({ exact: key }),
  fc.record({ trail: fc.array(fc.oneof(key, fc.constant(".")), { minLength: 1, maxLength: 4 }) }),
);

Deno.test("WatchIndex.affected() is what a look at each watcher finds, however often they moved", () => {
  check(fc.property(
    fc.array(fc.tuple(fc.nat(5), fc.option(spot)), { maxLength: 30 }),
    fc.array(key, { maxLength: 3 }),
    (moves, keys) => {
      const index = new WatchIndex<number>();
      const model = new Map<number, { exact: string } | { trail: string[] }>();
      for (const [item, spot] of moves) {
        if (!spot) {
          index.remove(item);
          model.delete(item);
          continue;
        }
        if ("exact" in spot) index.putExact(item, spot.exact);
        else index.putTrail(item, spot.trail);
        model.set(item, spot);
      }
      const expected = [...model].filter(([, spot]) =>
        keys.some((key) => {
          if ("exact" in spot) return key === spot.exact;
          const { trail } = spot;
          return trail.some((top) => isWithin(top, key)) ||
            [trail[0]!, trail.at(-1)!].some((top) => isWithin(key, top));
        })
      ).map(([item]) => item);
      assertEquals([...index.affected(keys)].sort(), expected.sort());
      assertEquals(index.size, model.size);
    },
  ));
});

Deno.test("WatchIndex.affected() finds the one watcher of a key among 20,000", () => {
  const index = new WatchIndex<string>();
  for (let i = 0; i < 10_000; i++) index.putExact(`exact ${i}`, `jobs.${i}.state`);
  for (let i = 0; i < 10_000; i++) index.putTrail(`trail ${i}`, [`links.${i}.x`, `links.${i}`, `targets.${i}.x`]);
  assertEquals([...index.affected(["jobs.77.state"])], ["exact 77"]);
  assertEquals([...index.affected(["targets.77.x"])], ["trail 77"]);
  assertEquals([...index.affected(["targets.77.y", "jobs"])], []);
});
