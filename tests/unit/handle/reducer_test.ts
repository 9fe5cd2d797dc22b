import { Reducer, treeReducer, upstream } from "../../../broker/handle/mod.ts";
import { NODEID_UPSTREAM } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";

Deno.test("Reducer passes what it gathered on when its time is over, and not again", async () => {
  const clock = virtualClock();
  const out: [number, number[]][] = [];
  const reducer = new Reducer<number>(clock, { timeout: 10 }, (items) => out.push([clock.now(), items]));
  reducer.add(1);
  await clock.run(6);
  reducer.add(2);
  await clock.run(40);
  assertEquals(out, [[10, [1, 2]]]);
  assertEquals(clock.pending, 0);
});

Deno.test("Reducer.flush() passes on at once and leaves no timer behind", () => {
  const clock = virtualClock();
  const out: number[][] = [];
  const reducer = new Reducer<number>(clock, { timeout: 10 }, (items) => out.push(items));
  reducer.add(1);
  reducer.flush();
  reducer.flush();
  assertEquals(out, [[1]]);
  assertEquals(clock.pending, 0);
});

Deno.test("treeReducer() sinks at the root after the whole time, and forwards below it after a share of it", async () => {
  const clock = virtualClock();
  const out: string[] = [];
  const at = (level: number) =>
    treeReducer<string>({
      clock,
      level,
      maxLevel: 3,
      rules: { timeout: 40 },
      sink: (items, batch) => out.push(`sink ${items} of ${batch} at ${clock.now()}`),
      forward: (items, batch) => out.push(`forward ${items} of ${batch} at ${clock.now()}`),
    });
  at(0).add("a", 5);
  at(3).add("b", 6);
  await clock.runUntilIdle();
  assertEquals(out, ["forward b of 6 at 10", "sink a of 5 at 40"]);
});

Deno.test("upstream() posts a batch to the parent broker", () => {
  const posted: unknown[] = [];
  upstream<string>({ post: (...args) => void posted.push(args) }, "health.update")(["a", "b"], 3);
  assertEquals(posted, [["health.update", { batch: 3, items: ["a", "b"] }, { rank: NODEID_UPSTREAM }]]);
});
