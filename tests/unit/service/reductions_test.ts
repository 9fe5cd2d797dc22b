import fc from "fast-check";
import { reduction } from "../../../broker/service/reductions.ts";
import type { JsonObject } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

const fold = (name: string, ...objects: JsonObject[]) => objects.reduce(reduction(name)!);

Deno.test("reduction() adds, and finds the least and the greatest, field by field and inside objects", () => {
  const objects = [{ n: 3, tx: { request: 1 } }, { n: 5, tx: { request: 2, event: 7 } }];
  assertEquals(fold("sum", ...objects), { n: 8, tx: { request: 3, event: 7 } });
  assertEquals(fold("min", ...objects), { n: 3, tx: { request: 1, event: 7 } });
  assertEquals(fold("max", ...objects), { n: 5, tx: { request: 2, event: 7 } });
});

Deno.test("reduction() keeps of what is no number what all agree on, and null where they do not", () => {
  assertEquals(fold("sum", { a: "x", b: "x", c: 1 }, { a: "x", b: "y", c: "1" }), { a: "x", b: null, c: null });
});

Deno.test("reduction() of an unknown name is undefined, also for names every object has", () => {
  assertEquals([reduction("mean"), reduction("constructor")], [undefined, undefined]);
});

Deno.test("reduction() gives the same however the objects are grouped", () => {
  const leaf = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom("x", "y", null, true));
  const key = fc.constantFrom("a", "b");
  const plain = { noNullPrototype: true };
  const object: fc.Arbitrary<JsonObject> = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, plain)), plain);
  check(fc.property(fc.constantFrom("sum", "min", "max"), object, object, object, (name, a, b, c) => {
    const by = reduction(name)!;
    assertEquals(by(by(a, b), c), by(a, by(b, c)));
    assertEquals(by(a, b), by(b, a));
  }));
});
