import fc from "fast-check";
import { Reduction, type ReductionRules, scaledTimeout, type Step } from "../../../broker/handle/mod.ts";
import { assert, assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

function passes<T>(steps: readonly Step<T>[]): { cause: string; batch: number; items: T[] }[] {
  return steps.flatMap((step) =>
    step.kind === "pass" ? [{ cause: step.cause, batch: step.batch, items: step.items }] : []
  );
}

Deno.test("Reduction.add() passes every item on at once when there is neither count nor timeout", () => {
  const reduction = new Reduction<string>({});
  assertEquals(reduction.add("a"), [{ kind: "pass", cause: "count", batch: 0, items: ["a"] }]);
  assertEquals(reduction.size, 0);
});

Deno.test("Reduction.add() passes a batch on when its items count enough", () => {
  const reduction = new Reduction<string>({ count: 5, weight: (item) => item.length });
  assertEquals(reduction.add("ab"), []);
  assertEquals(reduction.add("cde"), [{ kind: "pass", cause: "count", batch: 0, items: ["ab", "cde"] }]);
  assertEquals(reduction.add("fghijk"), [{ kind: "pass", cause: "count", batch: 0, items: ["fghijk"] }]);
});

Deno.test("Reduction.add() asks for a timer with the first item of a batch only", () => {
  const reduction = new Reduction<number>({ timeout: 20 });
  assertEquals(reduction.add(1), [{ kind: "arm", ms: 20 }]);
  assertEquals(reduction.add(2), []);
  assertEquals(reduction.expired(), [{ kind: "pass", cause: "time", batch: 0, items: [1, 2] }]);
  assertEquals(reduction.add(3), [{ kind: "arm", ms: 20 }]);
});

Deno.test("Reduction.add() stops the timer of a batch that is full before it is old", () => {
  const reduction = new Reduction<number>({ timeout: 20, count: 2 });
  reduction.add(1);
  assertEquals(reduction.add(2), [
    { kind: "pass", cause: "count", batch: 0, items: [1, 2] },
    { kind: "disarm" },
  ]);
});

Deno.test("Reduction.add() ends a batch when an item of a newer one comes", () => {
  const reduction = new Reduction<number>({ timeout: 20 });
  reduction.add(1, 7);
  assertEquals(reduction.add(2, 8), [
    { kind: "pass", cause: "newer", batch: 7, items: [1] },
    { kind: "disarm" },
    { kind: "arm", ms: 20 },
  ]);
});

Deno.test("Reduction.add() lets an item of an older batch straight through, reduced, and keeps the present one", () => {
  const reduction = new Reduction<number>({ timeout: 20, reduce: (items) => [items.reduce((a, b) => a + b, 100)] });
  reduction.add(1, 8);
  assertEquals(reduction.add(2, 7), [{ kind: "pass", cause: "late", batch: 7, items: [102] }]);
  assertEquals(passes(reduction.flush()), [{ cause: "flush", batch: 8, items: [101] }]);
});

Deno.test("Reduction.expired() of an empty reduction passes nothing on", () => {
  assertEquals(new Reduction<number>({ timeout: 1 }).expired(), []);
});

Deno.test("scaledTimeout() is whole at the root, and least but not nothing on the deepest level", () => {
  assertEquals([0, 1, 2, 3].map((level) => scaledTimeout(40, level, 4)), [40, 30, 20, 10]);
  assertEquals(scaledTimeout(40, 9, 4), 0);
  assertEquals(scaledTimeout(40, 0, 0), 0);
});

Deno.test("Reduction hands every item out exactly once, each in its batch and in order, however it is driven", () => {
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ batch: fc.integer({ min: 0, max: 4 }) }) },
    fc.constant("expired" as const),
    fc.constant("flush" as const),
  );
  const rules = fc.record({
    count: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    timeout: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  });
  check(fc.property(rules, fc.array(command, { maxLength: 60 }), ({ count, timeout }, commands) => {
    const given: ReductionRules<number> = { ...(count && { count }), ...(timeout && { timeout }) };
    const reduction = new Reduction<number>(given);
    const added = new Map<number, number[]>();
    const out = new Map<number, number[]>();
    let armed = false;
    let next = 0;
    const take = (steps: readonly Step<number>[]) => {
      for (const step of steps) {
        if (step.kind === "pass") {
          assert(step.items.length > 0);
          out.set(step.batch, [...out.get(step.batch) ?? [], ...step.items]);
        } else {
          assert(armed === (step.kind === "disarm"), `${step.kind} twice`);
          armed = step.kind === "arm";
        }
      }
    };
    for (const command of commands) {
      if (command === "flush") take(reduction.flush());
      else if (command === "expired") {
        if (!armed) continue;
        armed = false;
        take(reduction.expired());
      } else {
        added.set(command.batch, [...added.get(command.batch) ?? [], next]);
        take(reduction.add(next++, command.batch));
      }
      assert(timeout === undefined || armed === reduction.size > 0, "a timer runs exactly while something waits");
    }
    take(reduction.flush());
    assertEquals(out, added);
  }));
});
