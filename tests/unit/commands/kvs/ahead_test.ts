import { ahead } from "../../../../commands/kvs/ahead.ts";
import { assert, assertEquals, assertRejects } from "../../../assert.ts";
import { FluxError } from "../../../../broker/message/mod.ts";

Deno.test("ahead() yields in the order of the items, whichever call ends first", async () => {
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const results = Array.fromAsync(ahead([0, 1, 2], (i) => gates[i]!.promise.then(() => i * 10)));
  for (const gate of gates.toReversed()) gate.resolve();
  assertEquals(await results, [0, 10, 20]);
});

Deno.test("ahead() has no more calls under way than its window", async () => {
  let running = 0, most = 0;
  const work = async (item: number) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return item;
  };
  const items = Array.from({ length: 50 }, (_, i) => i);
  assertEquals(await Array.fromAsync(ahead(items, work, 8)), items);
  assert(most <= 8 && most > 1, `${most}`);
});

Deno.test("ahead() yields what comes before a failure", async () => {
  const seen: number[] = [];
  await assertRejects(async () => {
    const work = (i: number) => i === 2 ? Promise.reject(new FluxError("ENOENT")) : Promise.resolve(i);
    for await (const i of ahead([0, 1, 2, 3], work)) seen.push(i);
  }, { errno: "ENOENT" });
  assertEquals(seen, [0, 1]);
});
