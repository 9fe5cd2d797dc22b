import { Revivals } from "../../../broker/boot/revivals.ts";
import { virtualClock } from "../../sim/virtual_clock.ts";
import { assertEquals } from "../../assert.ts";

/** Revivals with a process of each rank that dies when it is told to; what happened, in order. */
function stage(automatic: boolean) {
  const clock = virtualClock();
  const happened: string[] = [];
  const revivals = new Revivals({
    clock,
    timeout: 10_000,
    automatic,
    bury: (rank) => {
      happened.push(`bury ${rank}`);
      return Promise.resolve();
    },
    spawn: (rank) => happened.push(`spawn ${rank}`),
    answer: (rank, error) => happened.push(`answer ${rank}${error === undefined ? "" : `: ${error}`}`),
    say: () => {},
  });
  const take = async () => {
    await clock.run(0);
    return happened.splice(0);
  };
  return { clock, revivals, take };
}

Deno.test("a rank that is asked for twice is started once, and answered once for all", async () => {
  const { revivals, take } = stage(false);
  revivals.request(3);
  revivals.request(3);
  assertEquals(await take(), ["bury 3", "spawn 3"]);
  revivals.up(3);
  assertEquals(await take(), ["answer 3"]);
  revivals.request(3);
  assertEquals(await take(), ["bury 3", "spawn 3"]);
});

Deno.test("a rank that dies on its way up is answered with how it ended, and may be asked for again", async () => {
  const { revivals, take } = stage(false);
  revivals.request(3);
  await take();
  revivals.exited(3, "SIGSEGV");
  assertEquals(await take(), ["answer 3: rank 3 did not come up: SIGSEGV"]);
  revivals.request(3);
  assertEquals(await take(), ["bury 3", "spawn 3"]);
});

Deno.test("a rank that takes too long is killed", async () => {
  const { clock, revivals, take } = stage(false);
  revivals.request(3);
  await clock.run(10_000);
  assertEquals(await take(), ["bury 3", "spawn 3", "bury 3"]);
});

Deno.test("a rank that nobody asked for stays dead, unless that is to be by itself", async () => {
  const { clock, revivals, take } = stage(false);
  revivals.exited(3, "SIGKILL");
  await clock.run(100_000);
  assertEquals(await take(), []);
});

Deno.test("a rank that dies again and again waits longer each time, and a second again once it has stayed", async () => {
  const { clock, revivals, take } = stage(true);
  for (const delay of [1000, 2000, 4000]) {
    revivals.exited(3, "SIGKILL");
    await clock.run(delay - 1);
    assertEquals(await take(), []);
    await clock.run(1);
    assertEquals(await take(), ["bury 3", "spawn 3"]);
    revivals.up(3);
  }
  await clock.run(61_000);
  revivals.exited(3, "SIGKILL");
  await clock.run(1000);
  assertEquals(await take(), ["bury 3", "spawn 3"]);
});

Deno.test("a rank that waits for its time is started at once when somebody asks", async () => {
  const { revivals, take } = stage(true);
  revivals.exited(3, "SIGKILL");
  revivals.request(3);
  assertEquals(await take(), ["bury 3", "spawn 3"]);
  revivals.up(3);
  assertEquals(await take(), ["answer 3"]);
});

Deno.test("at the end of the session nothing is started any more, and whoever waits is told", async () => {
  const { clock, revivals, take } = stage(true);
  revivals.exited(2, "SIGKILL");
  revivals.request(3);
  await take();
  revivals.close();
  revivals.exited(3, "SIGKILL");
  revivals.request(4);
  await clock.run(100_000);
  assertEquals(await take(), ["answer 3: the session is ending", "answer 4: the session is ending"]);
});
