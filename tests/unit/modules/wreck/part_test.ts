import fc from "fast-check";
import { Part, type PartStep } from "../../../../modules/wreck/part.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";

Deno.test("a Part reports its start when every task has started or could not, and its end when all output was dealt with", () => {
  const part = new Part(2);
  assertEquals(part.started(0, 10), []);
  assertEquals(part.exited(0, 256), []);
  assertEquals(part.ended(0), []);
  assertEquals(part.refused(1, 127 << 8), [{ do: "startup", report: { pids: [10, 0] } }, { do: "close" }]);
  assertEquals(part.closed(), [{ do: "shutdown", report: { pids: [10, 0], statuses: [256, 127 << 8] } }]);
  assertEquals(part.closed(), []);
});

Deno.test("a signal reaches tasks that run, and those that start later", () => {
  const part = new Part(2);
  part.started(0, 10);
  assertEquals(part.signal(15), [{ do: "signal", index: 0, number: 15 }]);
  assertEquals(part.started(1, 11).slice(0, 1), [{ do: "signal", index: 1, number: 15 }]);
  part.ended(0);
  assertEquals(part.signal(9), [{ do: "signal", index: 1, number: 9 }]);
});

Deno.test("in whatever order tasks start and end, a Part says each of its reports once", () => {
  const fates = fc.array(fc.constantFrom("refused", "runs"), { minLength: 1, maxLength: 8 });
  check(fc.property(fates, fc.infiniteStream(fc.nat(1000)), (fates, chance) => {
    const part = new Part(fates.length);
    const left = fates.map((fate) => fate === "refused" ? ["refused"] : ["started", "exited", "ended"]);
    const steps: PartStep[] = [];
    while (left.some((events) => events.length > 0)) {
      const index = chance.next().value % fates.length;
      const event = left[index]!.shift();
      if (event === "refused") steps.push(...part.refused(index, 1));
      if (event === "started") steps.push(...part.started(index, index + 1));
      if (event === "exited") steps.push(...part.exited(index, 0));
      if (event === "ended") steps.push(...part.ended(index));
    }
    steps.push(...part.closed());
    assertEquals(steps.map((step) => step.do), ["startup", "close", "shutdown"]);
    assert(part.phase === "over");
  }));
});
