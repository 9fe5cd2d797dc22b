import { DEFAULTS } from "../../../../modules/live/settings.ts";
import { LiveState, Vigil } from "../../../../modules/live/vigil.ts";
import { assertEquals } from "../../../assert.ts";

/** The states a neighbour goes through when it is last heard at these times, one a tick. */
function watch(times: readonly number[]): string[] {
  const vigil = new Vigil();
  vigil.add(7);
  return times.flatMap((seen, tick) =>
    vigil.tick(new Map([[7, seen]]), DEFAULTS).map(({ state, idle }) => `${tick}:${state}/${idle}`)
  );
}

Deno.test("Vigil.tick() says nothing of a neighbour that is heard now and then", () => {
  assertEquals(watch([1, 1, 2, 2, 2, 2, 3, 3, 4]), []);
});

Deno.test("Vigil.tick() finds a silent neighbour slow, then failed, and then says no more of it", () => {
  assertEquals(watch([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), ["4:1/4", "6:2/6"]);
});

Deno.test("Vigil.tick() finds a slow neighbour ok when it is heard again", () => {
  assertEquals(watch([1, 1, 1, 1, 1, 5, 6]), ["4:1/4", "5:0/0"]);
});

Deno.test("Vigil.tick() counts ticks and not time: a long pause of our own is one tick", () => {
  assertEquals(watch([1000, 1000, 900_000, 900_000]), []);
});

Deno.test("Vigil.add() of a failed neighbour begins anew", () => {
  const vigil = new Vigil();
  vigil.add(1);
  const silent = new Map([[1, 0]]);
  for (let tick = 0; tick < 9; tick++) vigil.tick(silent, DEFAULTS);
  assertEquals(vigil.has(1), false);
  vigil.add(1);
  const found = [];
  for (let tick = 0; tick < 9; tick++) found.push(...vigil.tick(silent, DEFAULTS));
  assertEquals(found.map(({ state }) => state), [LiveState.slow, LiveState.fail]);
});
