/** Timers that share an alarm: what reaches the alarm, and when. */

import { assertEquals, assertThrows } from "../../assert.ts";
import { FluxError } from "../../../broker/message/mod.ts";
import type { Timer } from "../../../broker/ports/mod.ts";
import { Timers } from "../../../broker/ports/timers.ts";

const alarm = (settings: number[]) => ({ set: (due: number) => void settings.push(due) });

/** Timers of a clock that is moved by hand; `settings` are what their alarm was set to. */
class World {
  now = 1000;
  readonly settings: number[] = [];
  readonly fired: string[] = [];
  readonly timers = new Timers(() => this.now, alarm(this.settings));

  after(name: string, ms: number): Timer {
    return this.timers.after(ms, () => this.fired.push(name));
  }
}

Deno.test("Timers set their alarm for the first of them only", () => {
  const world = new World();
  world.after("late", 500);
  world.after("later", 600).cancel();
  world.after("first", 20);
  const between = world.after("between", 30);
  between.cancel();
  assertEquals(world.settings, [1500, 1020]);
});

Deno.test("Timer.cancel() of the first sets the alarm for the next, of the last silences it", () => {
  const world = new World();
  const [late, first] = [world.after("late", 500), world.after("first", 20)];
  first.cancel();
  first.cancel();
  late.cancel();
  assertEquals(world.settings, [1500, 1020, 1500, Infinity]);
});

Deno.test("Timers.ring() fires one timer that is due, and has the alarm ring for the next at once", () => {
  const world = new World();
  world.after("a", 5);
  const second = world.after("b", 5);
  world.after("c", 5);
  world.now = 1005;
  world.timers.ring();
  assertEquals(world.fired, ["a"]);
  second.cancel();
  world.timers.ring();
  assertEquals(world.fired, ["a", "c"]);
  assertEquals(world.settings, [1005, 1005, Infinity]);
});

Deno.test("Timers.ring() before the time fires nothing, and sets the alarm again", () => {
  const world = new World();
  world.after("far", 2 ** 33);
  world.now += 2 ** 31;
  world.timers.ring();
  assertEquals([world.fired, world.settings], [[], [1000 + 2 ** 33, 1000 + 2 ** 33]]);
});

Deno.test("Timers.ring() sets the alarm for the next when a timer throws", () => {
  const world = new World();
  world.timers.after(1, () => {
    throw new FluxError("EIO", "its own");
  });
  world.after("next", 2);
  world.now = 1002;
  assertThrows(() => world.timers.ring(), { errno: "EIO" });
  world.timers.ring();
  assertEquals([world.fired, world.settings], [["next"], [1001, 1002, Infinity]]);
});

Deno.test("Timers that a timer sets count as any other", () => {
  const world = new World();
  world.timers.after(1, () => world.after("inner", 0));
  world.now = 1001;
  world.timers.ring();
  world.timers.ring();
  assertEquals([world.fired, world.settings], [["inner"], [1001, 1001, Infinity]]);
});

Deno.test("Timers.use() moves what is set to another alarm, and back from it, in any order", () => {
  const world = new World();
  world.after("a", 10);
  const lent = [[], []] as number[][];
  const uses = lent.map((settings) => world.timers.use(alarm(settings)));
  assertEquals([world.settings, ...lent], [[1010, Infinity], [1010, Infinity], [1010]]);
  world.after("b", 5);
  uses[0]![Symbol.dispose]();
  assertEquals(lent[1], [1010, 1005, Infinity, 1005]);
  uses[1]![Symbol.dispose]();
  assertEquals(lent[1]!.at(-1), Infinity);
  assertEquals(world.settings, [1010, Infinity, 1005]);
});
