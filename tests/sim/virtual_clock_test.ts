import { every, sleep } from "../../broker/ports/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { virtualClock } from "./mod.ts";

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

Deno.test("VirtualClock.after() fires by time, and by order of setting when times are equal", async () => {
  const clock = virtualClock(), fired: string[] = [];
  for (const [ms, name] of [[5, "c"], [1, "a"], [5, "d"], [1, "b"], [0, "now"], [-3, "past"]] as const) {
    clock.after(ms, () => fired.push(`${name}@${clock.now()}`));
  }
  await clock.runUntilIdle();
  assertEquals(fired, ["now@0", "past@0", "a@1", "b@1", "c@5", "d@5"]);
});

Deno.test("VirtualClock lets chains of promises settle before the next event", async () => {
  const clock = virtualClock(), seen: string[] = [];
  clock.after(1, async () => {
    for (let i = 0; i < 100; i++) await null;
    seen.push("chain");
    clock.after(0, () => seen.push("child"));
  });
  clock.after(1, () => seen.push("next"));
  await clock.runUntilIdle();
  assertEquals(seen, ["chain", "next", "child"]);
});

Deno.test("VirtualClock.run() stops exactly then, with later events still set", async () => {
  const clock = virtualClock();
  let ticks = 0;
  const timer = every(clock, 10, () => ticks++);
  await clock.run(35);
  assertEquals([clock.now(), ticks, clock.pending], [35, 3, 1]);
  timer.cancel();
  timer.cancel();
  assertEquals(clock.pending, 0);
  await clock.runUntilIdle();
  assertEquals(ticks, 3);
});

Deno.test("VirtualClock.runUntil() ends at the event that makes it so", async () => {
  const clock = virtualClock();
  let ticks = 0;
  every(clock, 10, () => ticks++);
  await clock.runUntil(() => ticks === 4);
  assertEquals(clock.now(), 40);
});

Deno.test("VirtualClock.runUntil() says whether time or events ran out", async () => {
  const clock = virtualClock();
  assertEquals(await failure(clock.runUntil(() => false)), "not so, and nothing left to happen after 0 ms");
  every(clock, 10, () => {});
  assertEquals(await failure(clock.runUntil(() => false, 100)), "not so after 100 ms");
  assertEquals(await failure(clock.runUntilIdle(100)), "not idle after 100 ms: 1 events pending");
});

Deno.test("VirtualClock.settle() gives the result of a promise that needs time, and its failure", async () => {
  const clock = virtualClock();
  assertEquals(await clock.settle(sleep(clock, 5000).then(() => "slept")), "slept");
  assertEquals(clock.now(), 5000);
  assertEquals(await failure(clock.settle(sleep(clock, 1).then(() => Promise.reject(new Error("no"))))), "no");
});

Deno.test("VirtualClock.wall() moves with the time of the world", async () => {
  const clock = virtualClock();
  assertEquals(new Date(clock.wall()).toISOString(), "2026-01-01T00:00:00.000Z");
  await clock.run(1500);
  assertEquals(new Date(clock.wall()).toISOString(), "2026-01-01T00:00:01.500Z");
});

Deno.test("VirtualClock keeps order among many events", async () => {
  const clock = virtualClock();
  let last = -1, fired = 0;
  for (let i = 0; i < 5000; i++) {
    const timer = clock.after((i * 7919) % 1009, () => {
      assert(clock.now() >= last);
      last = clock.now();
      fired++;
    });
    if (i % 3 === 0) timer.cancel();
  }
  await clock.runUntilIdle();
  assertEquals([fired, clock.fired], [3333, 3333]);
});
