import { runCommand } from "../../commands/runner.ts";
import type { Command } from "../../commands/mod.ts";
import type { Surroundings } from "../../commands/surroundings.ts";
import dmesg from "../../commands/dmesg.ts";
import logger from "../../commands/logger.ts";
import mping from "../../commands/mping.ts";
import { assert, assertEquals } from "../assert.ts";
import { FakeSurroundings } from "../unit/commands/fake_surroundings.ts";
import { type SimSession, simSession } from "./session.ts";

/** Runs a command as a client of one rank; what came of it. */
async function run(session: SimSession, rank: number, command: Command, ...words: string[]) {
  const around = new FakeSurroundings({ FLUX_URI: "local:///sim" });
  const connected: Surroundings = Object.create(around, {
    open: { value: () => Promise.resolve(session.handle(rank)) },
  });
  const status = await session.settle(runCommand(command, words, connected));
  return { status, out: around.out, err: around.err };
}

Deno.test("flux logger logs as user.notice, flux dmesg prints the line of the 0.1.0 tools", async () => {
  const session = await simSession({ size: 2 });
  assertEquals(await run(session, 1, logger, "hello", "world"), { status: 0, out: "", err: "" });
  const { out } = await run(session, 1, dmesg);
  assert(/^\[\d{10}\.\d{6}\] user\.notice\[1\]: hello world$/m.test(out), out);
});

Deno.test("flux logger -p takes FACILITY.LEVEL, and a facility alone at level info", async () => {
  const session = await simSession({ size: 1 });
  for (const words of [["-pdisk.err", "a"], ["-p", "disk", "b"], ["--severity=3", "--appname", "me", "c"]]) {
    await run(session, 0, logger, ...words);
  }
  const { out } = await run(session, 0, dmesg);
  assertEquals(out.trim().split("\n").slice(-3).map((line) => line.split(" ")[1]), [
    "disk.err[0]:",
    "disk.info[0]:",
    "me.err[0]:",
  ]);
});

Deno.test("flux logger refuses a priority that is none, and to log nothing", async () => {
  const session = await simSession({ size: 1 });
  for (const priority of ["user.loud", ".err", "a b.err", "user."]) {
    const { status, err } = await run(session, 0, logger, "-p", priority, "x");
    assertEquals([status, err.split("\n")[0]], [1, "flux-logger: bad priority argument"], priority);
  }
  const { status, err } = await run(session, 0, logger);
  assertEquals([status, err.split("\n")[0]], [1, "flux-logger: message required"]);
});

Deno.test("flux dmesg -C clears and prints nothing, -c prints and clears", async () => {
  const session = await simSession({ size: 1 });
  await run(session, 0, logger, "one");
  assertEquals(await run(session, 0, dmesg, "-C"), { status: 0, out: "", err: "" });
  await run(session, 0, logger, "two");
  assert((await run(session, 0, dmesg, "-c")).out.endsWith("user.notice[0]: two\n"));
  assertEquals((await run(session, 0, dmesg)).out, "");
});

Deno.test("flux dmesg --json prints each entry as a line", async () => {
  const session = await simSession({ size: 1 });
  await run(session, 0, logger, "-p", "a.debug", 'say "hi"');
  const entry = JSON.parse((await run(session, 0, dmesg, "--json")).out.trim().split("\n").at(-1)!);
  const { time, pid, ...rest } = entry;
  assertEquals(rest, { level: "debug", facility: "a", rank: 0, message: 'say "hi"' });
  assert(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(time) && pid === Deno.pid);
});

Deno.test("flux dmesg refuses arguments in the words of 0.1.0", async () => {
  const { status, err } = await run(await simSession({ size: 1 }), 0, dmesg, "x");
  assertEquals([status, err], [1, "flux-dmesg: flux-dmesg accepts no free arguments\n"]);
});

Deno.test("flux mping tells on standard error how long a round trip took", async () => {
  const session = await simSession({ size: 8, modules: ["mecho"] });
  for (const ranks of ["all", "0-7", "[2,5]", "7"]) {
    const { status, out, err } = await run(session, 3, mping, "-c1", "-p", "20", ranks);
    assertEquals([status, out], [0, ""]);
    assert(/^flux-mping: mecho: pad=20 seq=0 time=\d+\.\d{3} ms\n$/.test(err), err);
  }
});

Deno.test("flux mping --json prints who answered, and who did not and why", async () => {
  const session = await simSession({ size: 7, modules: ["mecho"] });
  session.kill(2);
  await session.run(10);
  const { status, out, err } = await run(session, 0, mping, "-c1", "--json", "all");
  const { seq, pad, answered, failures } = JSON.parse(out);
  assertEquals([status, err, seq, pad, answered], [1, "", 0, 0, "0-1,3-4"]);
  assertEquals(failures, [2, 5, 6].map((rank) => ({ rank, reason: "No route to host" })));
});

Deno.test("flux mping names ranks that do not answer, and mangle", async () => {
  const session = await simSession({ size: 3 });
  await session.settle(session.handle(1).serve({ mecho: () => ({ seq: 0, pad: "x" }) }));
  await session.settle(session.handle(2).serve({ mecho: ({ message }) => message.payload }));
  const { status, err } = await run(session, 2, mping, "-c1", "all");
  const lines = err.trim().split("\n");
  assertEquals(lines.slice(0, -1).sort(), ["flux-mping: 0: no response", "flux-mping: 1: mangled response"]);
  assert(lines.at(-1)!.startsWith("flux-mping: mecho: pad=0 seq=0 time=") && status === 1);
});

Deno.test("flux mping refuses ranks that are none in the words of 0.1.0", async () => {
  const session = await simSession({ size: 4 });
  for (const ranks of ["4", "", "x", "0-9"]) {
    const { status, err } = await run(session, 0, mping, "-c1", ranks);
    assertEquals([status, err.split("\n")[0]], [1, "flux-mping: flux_mrpc_create: Invalid argument"]);
  }
});
