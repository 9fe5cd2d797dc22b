import event from "../../commands/event.ts";
import { assert, assertEquals } from "../assert.ts";
import { run, RunningCommand } from "./run_command.ts";
import { type SimSession, simSession } from "./session.ts";

/** A `flux event sub` that has subscribed. */
async function subscriber(session: SimSession, rank: number, ...words: string[]): Promise<RunningCommand> {
  const running = new RunningCommand(session, rank, event, ["sub", ...words]);
  await session.run(10);
  return running;
}

Deno.test("flux event sub prints topic and payload as they were sent", async () => {
  const session = await simSession({ size: 3, heartrate: 1e9 });
  const sub = await subscriber(session, 2, "-c", "4", "t.");
  await run(session, 1, event, "pub", "t.a", '{ "n": 18446744073709551615 }');
  await run(session, 1, event, "pub", "other", "{}");
  await run(session, 1, event, "pub", "t.b");
  await run(session, 1, event, "pub", "--raw", "t.c", "x", "y");
  await run(session, 1, event, "pub", "t.d", '{"a":', "1}");
  assertEquals(await session.settle(sub.status), 0);
  assertEquals(sub.lines, ['t.a\t{ "n": 18446744073709551615 }', "t.b\t", "t.c\tx y", 't.d\t{"a": 1}']);
});

Deno.test("flux event sub without a topic prints everything, with overlapping topics each event once", async () => {
  const session = await simSession({ size: 2, heartrate: 1e9 });
  const all = await subscriber(session, 1, "-c2"), some = await subscriber(session, 0, "-c2", "a", "a.b", "a.b.c", "a");
  for (const topic of ["a.b.c", "a"]) await run(session, 0, event, "pub", topic);
  await session.settle(Promise.all([all.status, some.status]));
  assertEquals([all.lines, some.lines], [["a.b.c\t", "a\t"], ["a.b.c\t", "a\t"]]);
});

Deno.test("flux event sub --json prints an object for each event", async () => {
  const session = await simSession({ size: 1, heartrate: 1e9 });
  const sub = await subscriber(session, 0, "--json", "-c3");
  await run(session, 0, event, "pub", "a", '{"n":1}');
  await run(session, 0, event, "pub", "b");
  await run(session, 0, event, "pub", "--raw", "c", "xyz");
  await session.settle(sub.status);
  assertEquals(sub.lines.map((line) => JSON.parse(line)), [
    { topic: "a", sequence: 1, payload: { n: 1 } },
    { topic: "b", sequence: 2, payload: null },
    { topic: "c", sequence: 3, payload: "78797a", raw: true },
  ]);
});

Deno.test("flux event sub --raw prints whole messages", async () => {
  const session = await simSession({ size: 1, heartrate: 1e9 });
  const sub = await subscriber(session, 0, "-r", "-c1");
  await run(session, 0, event, "pub", "t", '{"a":1}');
  await session.settle(sub.status);
  assertEquals(sub.lines.slice(0, 3), ["-".repeat(38), "e[001] t", 'e[008] {"a":1}']);
});

Deno.test("flux event sub ends when the connection does, and when it is interrupted", async () => {
  const session = await simSession({ size: 2 });
  const sub = await subscriber(session, 1, "nothing");
  sub.around.send("SIGTERM");
  assertEquals([await session.settle(sub.status), sub.around.err], [143, ""]);
});

Deno.test("flux event pub --synchronous and --loopback wait for the event", async () => {
  const session = await simSession({ size: 7, heartrate: 1e9 });
  const last = () => session.brokers[6]!.events.last;
  assertEquals((await run(session, 6, event, "pub", "--loopback", "t", '{"a":1}')).status, 0);
  assertEquals(last(), 1);
  assertEquals((await run(session, 6, event, "pub", "-s", "t")).status, 0);
  assertEquals(session.brokers[0]!.events.last, 2);
  assertEquals((await run(session, 6, event, "pub", "-s", "-l", "-p", "t", "{}")).status, 0);
  assertEquals(last(), 3);
});

Deno.test("flux event pub refuses what is no JSON object, and no topic", async () => {
  const session = await simSession({ size: 1 });
  for (const word of ["{", "7", "[1]", "null", '"x"']) {
    const { status, err } = await run(session, 0, event, "pub", "t", word);
    assertEquals([status, /^flux-event: json parse error: .+\nhint: use --raw /.test(err)], [1, true], word);
  }
  for (const words of [[], [""]]) {
    const { status, err } = await run(session, 0, event, "pub", ...words);
    assert(status === 1 && err.startsWith("flux-event: "), err);
  }
  assertEquals(session.brokers[0]!.events.last, 0);
});
