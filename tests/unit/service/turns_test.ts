import { Turns } from "../../../broker/service/turns.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";

function world() {
  const clock = virtualClock();
  const turns = new Turns(clock);
  const order: number[] = [];
  /** Asks for a turn; what it returns gives it back. */
  const take = (rank: number) => {
    const held = new AbortController();
    turns.take(held.signal).then(() => void order.push(rank), () => {});
    return () => held.abort();
  };
  return { clock, turns, order, take };
}

Deno.test("Turns.take() gives one turn at a time, in the order asked", async () => {
  const { clock, order, take } = world();
  const [third, first] = [3, 1, 2].map(take);
  await clock.run(1);
  assertEquals(order, [3]);
  third!();
  third!();
  await clock.run(1);
  assertEquals(order, [3, 1]);
  first!();
  await clock.run(1);
  assertEquals(order, [3, 1, 2]);
});

Deno.test("Turns: who gives up waiting is not given a turn", async () => {
  const { clock, turns, order, take } = world();
  const first = take(1);
  const over = new AbortController();
  const waiting = turns.take(over.signal);
  waiting.catch(() => {});
  over.abort();
  await assertRejects(waiting, { errno: "ECANCELED" });
  first();
  take(3);
  await clock.run(1);
  assertEquals(order, [1, 3]);
});

Deno.test("Turns end by themselves when their holder does not", async () => {
  const { clock, turns, order, take } = world();
  const ended: string[] = [];
  void turns.take(new AbortController().signal).then(({ over }) => over).then(() => void ended.push("first"));
  take(2);
  await clock.run(14_999);
  assertEquals([ended, order], [[], []]);
  await clock.run(2);
  assertEquals([ended, order], [["first"], [2]]);
});
