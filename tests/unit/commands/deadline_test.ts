import { within } from "../../../commands/deadline.ts";
import type { Clock } from "../../../broker/ports/mod.ts";
import { assertEquals, assertRejects } from "../../assert.ts";

/** A clock whose one timer goes off when it is told to. */
function oneShot(): { clock: Clock; fire(): void; set: boolean } {
  const state = { set: false, fire: () => {} };
  const clock: Clock = {
    now: () => 0,
    wall: () => 0,
    after(_ms, callback) {
      state.set = true;
      state.fire = callback;
      return { cancel: () => state.set = false };
    },
  };
  return Object.assign(state, { clock });
}

Deno.test("within() gives what comes in time and stops its timer", async () => {
  const timer = oneShot();
  assertEquals(await within(10, Promise.resolve(3), timer.clock), 3);
  assertEquals(timer.set, false);
});

Deno.test("within() fails with ETIMEDOUT when nothing came in time", async () => {
  const timer = oneShot();
  const waiting = within(1500, new Promise(() => {}), timer.clock);
  timer.fire();
  await assertRejects(waiting, { errno: "ETIMEDOUT", text: "no answer within 1.5 s" });
});
