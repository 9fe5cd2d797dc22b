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

Deno.test("Reducer waits no longer than the most urgent item can, and the first time as long as it is told", async () => {
  const clock = virtualClock();
  const out: [number, number[]][] = [];
  const timeout = (ms: number, isFirst: boolean) => isFirst ? ms * 10 : ms;
  const reducer = new Reducer<number>(clock, { timeout }, (items) => out.push([clock.now(), items]));
  reducer.add(5);
  reducer.add(7);
  reducer.add(2);
  await clock.run(100);
  reducer.add(7);
  await clock.run(100);
  assertEquals(out, [[20, [5, 7, 2]], [107, [7]]]);
});
