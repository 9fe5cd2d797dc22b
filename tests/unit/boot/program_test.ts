/** The initial program and the signals that are meant for it, in virtual time. */

import { assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";
import type { ExitStatus } from "../../../broker/ports/mod.ts";
import { Program } from "../../../broker/boot/program.ts";

/** A program that ignores all signals; `kills` are those it got, with their time. The pid is that of no process. */
function program(patience = 1000) {
  const clock = virtualClock();
  const kills: [signal: string, at: number][] = [];
  const end = Promise.withResolvers<ExitStatus>();
  const child = {
    pid: 2 ** 22 + 1,
    status: end.promise,
    stdin: null,
    stdout: null,
    stderr: null,
    kill: (signal: string) => void kills.push([signal, clock.now()]),
  };
  const options = {
    argv: ["x"],
    env: {},
    clock,
    patience,
    rundir: "/nowhere",
    spawner: { spawn: () => child },
  };
  return { clock, kills, end, program: new Program(options) };
}

Deno.test("Program.tell() sends the first signal to the program", async () => {
  const { clock, kills, program: one } = program();
  assertEquals(await clock.settle(one.tell("SIGTERM", "order")), "program");
  assertEquals(kills, [["SIGTERM", 0]]);
});

Deno.test("Program.tell() takes the same signal from two sides as one", async () => {
  const { clock, kills, program: one } = program();
  await clock.settle(one.tell("SIGHUP", "signal"));
  await clock.run(100);
  await clock.settle(one.tell("SIGHUP", "order"));
  assertEquals(kills, [["SIGHUP", 0]]);
});

Deno.test("Program.tell() leaves an interrupt alone that the terminal has sent to all", async () => {
  const { clock, kills, program: one } = program();
  one.interruptedByTerminal();
  assertEquals(await clock.settle(one.tell("SIGINT", "order")), "terminal");
  assertEquals(kills, []);
});

Deno.test("Program.tell() waits a moment for the terminal's own interrupt", async () => {
  const { clock, kills, program: one } = program();
  const told = one.tell("SIGINT", "order");
  await clock.run(100);
  one.interruptedByTerminal();
  assertEquals([await clock.settle(told), kills], ["terminal", []]);
});

Deno.test("Program.tell() passes on an interrupt that did not come from the terminal", async () => {
  const { clock, kills, program: one } = program();
  one.interruptedByTerminal();
  await clock.run(10_000);
  assertEquals(await clock.settle(one.tell("SIGINT", "order")), "program");
  assertEquals(kills, [["SIGINT", 10_200]]);
});

Deno.test("Program.end() hangs up on a program that still runs, once", async () => {
  const { clock, kills, program: one } = program();
  one.end();
  one.end();
  await clock.run(10);
  assertEquals(kills, [["SIGHUP", 0]]);
});

Deno.test("Program.end() does nothing when the program has ended", async () => {
  const { clock, kills, end, program: one } = program();
  end.resolve({ code: 0, signal: null });
  await clock.run(1);
  one.end();
  await clock.run(1);
  assertEquals(kills, []);
});
