import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { seededRandom } from "./mod.ts";

Deno.test("seededRandom() repeats itself for the same seed and differs for another", () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return [random.float(), random.uuid(), [...random.bytes(5)], random.below(1000), random.fork("x").uuid()];
  };
  assertEquals(draw(42), draw(42));
  assertNotEquals(draw(42), draw(43));
  assertNotEquals(draw(1), draw(1 + 2 ** 32));
});

Deno.test("SeededRandom.fork() depends on the seed and the name alone", () => {
  const one = seededRandom(9), two = seededRandom(9);
  one.float();
  assertEquals(one.fork("rank 3").uuid(), two.fork("rank 3").uuid());
  assertNotEquals(one.fork("rank 3").uuid(), one.fork("rank 4").uuid());
});

Deno.test("SeededRandom.uuid() is a version 4 UUID and does not come twice", () => {
  const random = seededRandom(1), seen = new Set<string>();
  for (let i = 0; i < 1000; i++) seen.add(random.uuid());
  assertEquals(seen.size, 1000);
  for (const uuid of seen) {
    assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid), uuid);
  }
});

Deno.test("SeededRandom.float() and below() are spread evenly", () => {
  const random = seededRandom(5), buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const float = random.float();
    assert(float >= 0 && float < 1);
    buckets[random.below(10)]!++;
  }
  for (const count of buckets) assert(Math.abs(count - 10_000) < 500, String(buckets));
});
