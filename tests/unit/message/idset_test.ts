import fc from "fast-check";
import { Idset } from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const ids = fc.array(fc.oneof(fc.nat(80), fc.nat(5000)), { maxLength: 200 });
const sorted = (set: Iterable<number>) => [...set].sort((a, b) => a - b);

Deno.test("Idset.parse() of toString() is the same set", () => {
  check(fc.property(ids, (list) => {
    const set = new Idset(list);
    assertEquals([...Idset.parse(`${set}`)], sorted(new Set(list)));
    assertEquals([...Idset.parse(`[${set}]`)], sorted(new Set(list)));
    assertEquals([...Idset.parse(set.toNodeset())], sorted(new Set(list)));
  }));
});

Deno.test("Idset agrees with Set in all its operations", () => {
  check(fc.property(ids, ids, (one, two) => {
    const [a, b] = [new Idset(one), new Idset(two)];
    const [x, y] = [new Set(one), new Set(two)];
    assertEquals(a.size, x.size);
    assertEquals(a.first(), sorted(x)[0]);
    assertEquals([...a.union(b)], sorted(x.union(y)));
    assertEquals([...a.intersection(b)], sorted(x.intersection(y)));
    assertEquals([...a.difference(b)], sorted(x.difference(y)));
    assertEquals(a.equals(b), x.symmetricDifference(y).size === 0);
    assertEquals(a.equals(new Idset(one.toReversed())), true);
    for (const id of two) assertEquals(a.has(id), x.has(id));
  }));
});

Deno.test("Idset.add() and delete() agree with Set in any order", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(100)), { maxLength: 200 });
  check(fc.property(steps, (changes) => {
    const [set, model] = [new Idset(), new Set<number>()];
    for (const [add, id] of changes) {
      if (add) assertEquals(set.add(id).has(id), model.add(id).has(id));
      else assertEquals(set.delete(id), model.delete(id));
      assertEquals(set.size, model.size);
    }
    assertEquals([...set], sorted(model));
  }));
});

Deno.test("Idset.toString() writes runs as ranges", () => {
  assertEquals(`${new Idset([5, 0, 2, 1])}`, "0-2,5");
  assertEquals(`${new Idset([31, 32])}`, "31-32");
  assertEquals(`${Idset.upTo(1000)}`, "0-999");
  assertEquals(`${new Idset()}`, "");
});

Deno.test("Idset.toNodeset() puts brackets around more than one rank", () => {
  assertEquals(Idset.upTo(4).toNodeset(), "[0-3]");
  assertEquals(new Idset([2, 7]).toNodeset(), "[2,7]");
  assertEquals(new Idset([2]).toNodeset(), "2");
  assertEquals(new Idset().toNodeset(), "");
});

Deno.test("Idset.parse() reads sets that are not sorted or overlap", () => {
  assertEquals([...Idset.parse("7,3-5,4-6,0")], [0, 3, 4, 5, 6, 7]);
  assertEquals([...Idset.parse("[]")], []);
  assertEquals([...Idset.parse("")], []);
});

for (
  const text of ["-", "1-", "-1", "2-1", "1,,2", ",", "1;2", "a", "1 2", " 1", "0x1", "1.5", "[1", "1]", "16777216"]
) {
  Deno.test(`Idset.parse() refuses "${text}"`, () => {
    assertThrows(() => Idset.parse(text), { errno: "EINVAL", text: `"${text}"` });
  });
}

Deno.test("Idset.parse() refuses a range that would take all memory, at once", () => {
  assertThrows(() => Idset.parse("0-4294967295"), { errno: "EINVAL" });
  assertThrows(() => Idset.parse("0-99999999999999999999999"), { errno: "EINVAL" });
});

Deno.test("Idset.has() is false for what can be no member", () => {
  const set = new Idset([0, 1, 31]);
  for (const id of [-1, 0.5, 1.5, NaN, Infinity, 2 ** 32, 2 ** 32 + 1, 4294967295]) assertEquals(set.has(id), false);
  assertEquals(set.delete(2 ** 32), false);
  assertEquals(set.size, 3);
});

Deno.test("Idset.add() refuses what can be no member", () => {
  for (const id of [-1, 0.5, NaN, 2 ** 24]) assertThrows(() => new Idset().add(id), { errno: "EINVAL" });
});

Deno.test("Idset.intersects() tells whether two sets have an id in common", () => {
  const set = Idset.parse("3,64,200");
  for (
    const [other, common] of [["3", true], ["200-300", true], ["4-63", false], ["", false], ["1000", false]] as const
  ) {
    assertEquals(set.intersects(Idset.parse(other)), common, other);
    assertEquals(Idset.parse(other).intersects(set), common, other);
  }
});
