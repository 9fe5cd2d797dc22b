import { Turns } from "../../../broker/service/turns.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";

function world() {
  const clock = virtualClock();
  const turns = new Turns(clock);
  const order: number[] = [];
  const take = (rank: number) => turns.take(rank).then(() => void order.push(rank));
  return { clock, turns, order, take };
}

Deno.test("Turns.take() gives one turn at a time, in the order asked", async () => {
  const { clock, turns, order, take } = world();
  for (const rank of [3, 1, 2]) take(rank);
  await clock.run(1);
  assertEquals(order, [3]);
  turns.end(1000);
  turns.end(3);
  await clock.run(1);
  assertEquals(order, [3, 1]);
  turns.end(1);
  await clock.run(1);
  assertEquals(order, [3, 1, 2]);
});

Deno.test("Turns.end() also ends the wait for a turn", async () => {
  const { clock, turns, order, take } = world();
  take(1);
  const waiting = turns.take(2);
  waiting.catch(() => {});
  turns.end(2);
  await assertRejects(waiting, { errno: "ECANCELED" });
  turns.end(1);
  take(3);
  await clock.run(1);
  assertEquals(order, [1, 3]);
});

Deno.test("Turns end by themselves when their holder does not", async () => {
  const { clock, order, take } = world();
  take(1);
  take(2);
  await clock.run(14_999);
  assertEquals(order, [1]);
  await clock.run(2);
  assertEquals(order, [1, 2]);
});
