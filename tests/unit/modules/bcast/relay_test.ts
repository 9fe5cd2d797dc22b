/** Blocks on their way through one rank. */

import { assertEquals, assertRejects } from "../../../assert.ts";
import { FluxError } from "../../../../broker/message/mod.ts";
import { KEPT, Relay } from "../../../../modules/bcast/relay.ts";
import { virtualClock } from "../../../sim/virtual_clock.ts";

const file = { id: "a", from: 0 };

/** A relay, and what it asked for above. */
function relay() {
  const asked: string[] = [], clock = virtualClock();
  const ask = ({ id }: { id: string }, n: number) => {
    asked.push(`${id}${n}`);
    return n === 99 ? Promise.reject(new FluxError("EIO")) : Promise.resolve(Uint8Array.of(n));
  };
  return { asked, clock, relay: new Relay(ask, clock) };
}

Deno.test("Relay asks above once for what several want at the same time, or soon after", async () => {
  const { asked, relay: one } = relay();
  const blocks = await Promise.all([one.pull(file, 1), one.pull(file, 1), one.pull({ id: "b", from: 0 }, 1)]);
  assertEquals((await one.pull(file, 1))[0], 1);
  assertEquals([blocks.map(([n]) => n), asked], [[1, 1, 1], ["a1", "b1"]]);
});

Deno.test("Relay keeps the last blocks, and asks again for whoever is further behind", async () => {
  const { asked, relay: one } = relay();
  for (let n = 0; n < KEPT + 3; n++) await one.pull(file, n);
  assertEquals(one.held, KEPT);
  asked.length = 0;
  await one.pull(file, 3);
  await one.pull(file, 2);
  assertEquals([asked, one.held], [["a2"], KEPT]);
});

Deno.test("Relay does not keep a failure", async () => {
  const { asked, relay: one } = relay();
  for (let i = 0; i < 2; i++) await assertRejects(() => one.pull(file, 99), { errno: "EIO" });
  assertEquals([asked, one.held], [["a99", "a99"], 0]);
});

Deno.test("Relay holds nothing once nobody has asked for a while, and then waits for nothing", async () => {
  const { clock, relay: one } = relay();
  await one.pull(file, 1);
  await clock.run(9000);
  await one.pull(file, 2);
  await clock.run(9000);
  assertEquals(one.held, 2);
  await clock.run(1000);
  assertEquals(one.held, 0);
});
