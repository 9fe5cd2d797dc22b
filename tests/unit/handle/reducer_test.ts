import { Reducer } from "../../../broker/handle/mod.ts";
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

Deno.test("Reducer lets the first batch of all wait for as long as it is told", async () => {
  const clock = virtualClock();
  const out: [number, number[]][] = [];
  const rules = { timeout: 10, firstTimeout: 30 };
  const reducer = new Reducer<number>(clock, rules, (items) => out.push([clock.now(), items]));
  reducer.add(1);
  await clock.run(50);
  reducer.add(2);
  await clock.run(50);
  assertEquals(out, [[30, [1]], [60, [2]]]);
});
