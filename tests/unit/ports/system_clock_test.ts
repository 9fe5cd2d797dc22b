/** The machine's clock: order, cancelling, and that a process lives as long as its timers. */

import fc from "fast-check";
import { assert, assertEquals } from "../../assert.ts";
import { sleep, systemClock } from "../../../broker/ports/mod.ts";

Deno.test("systemClock.after() fires in the order in which timers are due, equal ones as they were set", async () => {
  const fired: string[] = [];
  const done = Promise.withResolvers<void>();
  for (const [name, ms] of [["c", 30], ["a", 5], ["d", 40], ["b", 5], ["z", 0]] as const) {
    systemClock.after(ms, () => {
      fired.push(name);
      if (fired.length === 5) done.resolve();
    });
  }
  await done.promise;
  assertEquals(fired, ["z", "a", "b", "c", "d"]);
});

Deno.test("systemClock.after() never fires early", async () => {
  for (const ms of [0, 1, 2.5, 10]) {
    const before = systemClock.now();
    await sleep(systemClock, ms);
    assert(systemClock.now() - before >= ms, `${systemClock.now() - before} of ${ms}`);
  }
});

Deno.test("systemClock.after() fires a timer that is set behind a later one in time", async () => {
  const late = systemClock.after(100_000, () => {});
  const before = systemClock.now();
  await sleep(systemClock, 10);
  assert(systemClock.now() - before < 10_000);
  late.cancel();
});

Deno.test("Timer.cancel() of one that is due as well still prevents it", async () => {
  let fired = 0;
  const timers = [1, 2].map(() =>
    systemClock.after(1, () => {
      fired++;
      for (const timer of timers) timer.cancel();
    })
  );
  await sleep(systemClock, 20);
  assertEquals(fired, 1);
});

Deno.test("Timer.cancel() twice, or after it fired, is nothing", async () => {
  const one = systemClock.after(1, () => {});
  await sleep(systemClock, 10);
  one.cancel();
  const two = systemClock.after(1, () => assert(false, "it was cancelled"));
  two.cancel();
  two.cancel();
  await sleep(systemClock, 10);
});

Deno.test("systemClock.after() fires exactly those that were not cancelled", async () => {
  const plan = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() }), {
    maxLength: 300,
  });
  await fc.assert(
    fc.asyncProperty(plan, async (entries) => {
      const fired: number[] = [];
      const timers = entries.map(({ ms }, i) => systemClock.after(ms, () => fired.push(i)));
      for (const [i, { cancelled }] of entries.entries()) if (cancelled) timers[i]!.cancel();
      await sleep(systemClock, 40);
      const expected = entries.map((_, i) => i).filter((i) => !entries[i]!.cancelled);
      assertEquals(fired.toSorted((a, b) => a - b), expected);
    }),
    { numRuns: 10 },
  );
});

/** Runs a program that uses the clock; its output and how it ended. */
async function run(code: string): Promise<{ code: number; text: string }> {
  const clock = new URL("../../../broker/ports/system_clock.ts", import.meta.url).href;
  const source = `import { systemClock } from ${JSON.stringify(clock)};\n${code}`;
  const args = ["eval", "--no-check", source];
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  return { code: status, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("systemClock.after() keeps the process alive until it fires", async () => {
  const { code, text } = await run("await new Promise((r) => systemClock.after(300, r)); console.log('fired');");
  assertEquals([code, text], [0, "fired\n"]);
});

Deno.test("Timer.cancel() of the last one lets the process end", async () => {
  const { code, text } = await run("systemClock.after(1e6, () => {}).cancel(); console.log('over');");
  assertEquals([code, text], [0, "over\n"]);
});

Deno.test("Timer.cancel() of a later one lets the process end with the one before it", async () => {
  const { code, text } = await run(`
    const late = systemClock.after(1e6, () => {});
    systemClock.after(20, () => console.log("fired"));
    late.cancel();
  `);
  assertEquals([code, text], [0, "fired\n"]);
});
