import fc from "fast-check";
import { LogRing } from "../../../broker/service/log_ring.ts";
import { assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

const contents = (ring: LogRing) => Array.from({ length: ring.size }, (_, i) => ring.line(ring.first + i));

Deno.test("LogRing.trim() keeps the last lines, and their numbers", () => {
  const ring = new LogRing(3);
  for (const line of ["a", "b", "c", "d", "e"]) ring.push(line);
  assertEquals(ring.size, 5);
  ring.trim();
  assertEquals([ring.first, ring.next, ...contents(ring)], [2, 5, "c", "d", "e"]);
});

Deno.test("LogRing.limit trims at once when it is lowered", () => {
  const ring = new LogRing(10);
  for (let i = 0; i < 8; i++) ring.push(`${i}`);
  ring.limit = 4;
  assertEquals(contents(ring), ["4", "5", "6", "7"]);
  ring.limit = 0;
  assertEquals([ring.size, ring.first, ring.next], [0, 8, 8]);
});

Deno.test("LogRing.discard() empties the ring without using a number twice", () => {
  const ring = new LogRing(10);
  ring.push("a");
  ring.push("b");
  ring.discard(1);
  assertEquals([...contents(ring), ring.next], ["b", 2]);
  ring.discard(99);
  ring.push("c");
  assertEquals([ring.first, ...contents(ring)], [2, "c"]);
});

Deno.test("LogRing behaves like a list whose front is cut", () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constant({ kind: "push" as const, n: 0 }) },
    fc.record({ kind: fc.constantFrom("limit" as const, "discard" as const), n: fc.nat(30) }),
  );
  check(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const ring = new LogRing(5);
    let model: string[] = [];
    let next = 0;
    for (const { kind, n } of steps) {
      if (kind === "push") {
        model.push(`${next}`);
        ring.push(`${next++}`);
        ring.trim();
      } else if (kind === "limit") ring.limit = n;
      else {
        ring.discard(n);
        model = model.filter((line) => Number(line) >= n);
      }
      if (kind !== "discard") model = model.slice(Math.max(0, model.length - ring.limit));
      assertEquals(contents(ring), model);
      assertEquals([ring.next, ring.first], [next, next - model.length]);
    }
  }));
});
