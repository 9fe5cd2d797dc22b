import fc from "fast-check";
import { Cache, type CacheLimits } from "../../../../modules/content/cache.ts";
import { assert, assertEquals } from "../../../assert.ts";

const WIDE: CacheLimits = { bytes: 1 << 20, count: 1000, age: 1000, large: 0 };
const blob = (size: number) => new Uint8Array(size);

Deno.test("Cache.put() drops the least recently used blobs above the limit of bytes", () => {
  const cache = new Cache({ ...WIDE, bytes: 30 });
  for (const name of ["a", "b", "c"]) cache.put(name, blob(10));
  cache.get("a");
  cache.put("d", blob(10));
  assertEquals(["a", "b", "c", "d"].map((name) => cache.has(name)), [true, false, true, true]);
  assertEquals([cache.count, cache.bytes], [3, 30]);
});

Deno.test("Cache.put() drops the least recently used blobs above the limit of their number", () => {
  const cache = new Cache({ ...WIDE, count: 2 });
  for (const name of ["a", "b", "c"]) cache.put(name, blob(0));
  assertEquals([cache.has("a"), cache.has("b"), cache.has("c")], [false, true, true]);
});

Deno.test("Cache.put() keeps no blob that alone is over the limit, and drops nothing for it", () => {
  const cache = new Cache({ ...WIDE, bytes: 10 });
  cache.put("a", blob(10));
  cache.put("b", blob(11));
  assertEquals([cache.has("a"), cache.has("b")], [true, false]);
});

Deno.test("Cache.put() of a blob that is a part of a parcel does not keep the parcel", () => {
  const cache = new Cache(WIDE);
  cache.put("a", new Uint8Array(1000).subarray(10, 20));
  assertEquals(cache.get("a")!.buffer.byteLength, 10);
});

Deno.test("Cache.beat() drops large blobs that were not used for so many heartbeats, and leaves small ones", () => {
  const cache = new Cache({ ...WIDE, age: 2, large: 100 });
  cache.put("small", blob(100));
  cache.put("large", blob(101));
  cache.put("used", blob(101));
  const dropped = [1, 2, 3].map(() => {
    cache.get("used");
    return cache.beat();
  });
  assertEquals(dropped, [0, 0, 1]);
  assertEquals([cache.has("small"), cache.has("large"), cache.has("used")], [true, false, true]);
});

Deno.test("Cache.beat() enforces limits that were lowered", () => {
  const limits = { ...WIDE };
  const cache = new Cache(limits);
  for (const name of ["a", "b", "c"]) cache.put(name, blob(10));
  limits.bytes = 15;
  assertEquals([cache.beat(), cache.count, cache.has("c")], [2, 1, true]);
});

Deno.test("Cache.get() tells the first use of a blob in a period, and not the others", () => {
  const told: string[] = [];
  const cache = new Cache(WIDE, (name) => told.push(name));
  cache.put("a", blob(1));
  for (let i = 0; i < 3; i++) cache.get("a");
  cache.nextPeriod();
  for (let i = 0; i < 3; i++) cache.get("a");
  assertEquals(told, ["a", "a"]);
});

Deno.test("Cache agrees with a plain list, whatever is done to it", () => {
  const name = fc.integer({ min: 0, max: 9 }).map(String);
  const step = fc.oneof(
    fc.record({ op: fc.constant("put" as const), name, size: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ op: fc.constantFrom("get" as const, "delete" as const), name }),
    fc.record({ op: fc.constantFrom("clear" as const) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const cache = new Cache({ ...WIDE, bytes: 100, count: 5 });
    let model: [string, number][] = [];
    for (const one of steps) {
      const at = "name" in one ? model.findIndex(([name]) => name === one.name) : -1;
      if (one.op === "clear") model = [];
      else if (one.op === "delete") model = model.filter(([name]) => name !== one.name);
      else if (at >= 0) model.push(...model.splice(at, 1));
      else if (one.op === "put" && one.size <= 100) {
        model.push([one.name, one.size]);
        while (model.length > 5 || model.reduce((sum, [, size]) => sum + size, 0) > 100) model.shift();
      }
      if (one.op === "clear") cache.clear();
      else if (one.op === "put") cache.put(one.name, blob(one.size));
      else cache[one.op](one.name);
      assertEquals([cache.count, cache.bytes], [model.length, model.reduce((sum, [, size]) => sum + size, 0)]);
      assert(model.every(([name]) => cache.has(name)));
    }
  }));
});
