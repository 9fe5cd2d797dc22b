import fc from "fast-check";
import { assertEquals } from "../../assert.ts";
import { Deadlines } from "../../../broker/ports/deadlines.ts";

Deno.test("Deadlines.take() gives what was not cancelled by its time, equal ones as they were added", () => {
  const plan = fc.array(fc.record({ due: fc.integer({ min: 0, max: 30 }), cancelled: fc.boolean() }), {
    maxLength: 300,
  });
  fc.assert(fc.property(plan, (entries) => {
    const deadlines = new Deadlines();
    const taken: number[] = [];
    const added = entries.map(({ due }, i) => deadlines.add(due, () => taken.push(i)));
    for (const [i, { cancelled }] of entries.entries()) if (cancelled) deadlines.cancel(added[i]!);
    const left = entries.map(({ due, cancelled }, i) => ({ due, cancelled, i })).filter(({ cancelled }) => !cancelled);
    assertEquals(deadlines.size, left.length);
    const expected = left.toSorted((a, b) => a.due - b.due || a.i - b.i);
    for (const { due } of expected) {
      assertEquals(deadlines.next, due);
      deadlines.take()!();
    }
    assertEquals(taken, expected.map(({ i }) => i));
    assertEquals([deadlines.next, deadlines.size, deadlines.take()], [Infinity, 0, undefined]);
  }));
});

Deno.test("Deadlines.cancel() of what was taken or cancelled is nothing", () => {
  const deadlines = new Deadlines();
  const [first, second] = [1, 2].map((due) => deadlines.add(due, () => {}));
  deadlines.take();
  deadlines.cancel(first!);
  assertEquals(deadlines.size, 1);
  deadlines.cancel(second!);
  deadlines.cancel(second!);
  assertEquals(deadlines.size, 0);
});
